import { describe, expect, it } from 'vitest'
import { isLoopback, isSecretsEndpoint } from '../src/loopback.ts'

describe('loopback', () => {
  it.each(['localhost', '127.0.0.1', '127.8.8.8', '::1', '[::1]'])('is %s', (host) => {
    expect(isLoopback(host)).toBe(true)
  })

  it.each(['localhost.example.org', '127.0.0.1.example.org', '128.0.0.1', '10.0.0.1', '0.0.0.0', '::', ''])(
    'is not %s',
    (host) => {
      expect(isLoopback(host)).toBe(false)
    },
  )
})

describe('an endpoint for secrets', () => {
  it.each([
    'https://a.example/token',
    'https://a.example/token?realm=b',
    'http://127.0.0.1:1/',
    'http://[::1]/',
  ])('may be %s', (url) => {
    expect(isSecretsEndpoint(url)).toBe(true)
  })

  it.each([
    'http://a.example/token',
    'https://a:b@a.example/token',
    'https://a@a.example/token',
    'https://a.example/token#b',
    'ws://127.0.0.1/',
    'file:///etc/passwd',
    '/token',
    '',
  ])('may not be %s', (url) => {
    expect(isSecretsEndpoint(url)).toBe(false)
  })
})
