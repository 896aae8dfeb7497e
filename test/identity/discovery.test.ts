import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createDiscovery } from '../../src/identity/discovery.ts'
import { type AskJson, createAskJson } from '../../src/identity/json-endpoint.ts'
import { type Answer, frozenClock, type Loopback, paths, refusal, startLoopback } from './loopback-issuer.ts'

let server: Loopback
let issuer: string

beforeEach(async () => {
  server = await startLoopback()
  issuer = `${server.origin}/o`
})
afterEach(() => server.close())

const discoveryOf = (url: string) => createDiscovery(url, createAskJson(), frozenClock().now)

describe('discovery', () => {
  it('finds keys and userinfo by OpenID Connect', async () => {
    const body = { issuer, jwks_uri: `${issuer}/keys`, userinfo_endpoint: `${issuer}/me` }
    server.on(paths.discovery, { body })
    expect(await discoveryOf(issuer)()).toEqual({
      jwksUri: `${issuer}/keys`,
      userinfoEndpoint: `${issuer}/me`,
    })
  })

  it('finds them by RFC 8414 where there is no OpenID Connect', async () => {
    server.on('/.well-known/oauth-authorization-server/o', { body: { issuer, jwks_uri: `${issuer}/keys` } })
    expect(await discoveryOf(issuer)()).toEqual({ jwksUri: `${issuer}/keys`, userinfoEndpoint: undefined })
    expect(server.seen.map(({ path }) => path)).toEqual([
      paths.discovery,
      '/.well-known/oauth-authorization-server/o',
    ])
  })

  it('takes an issuer with a slash at its end, or without a path', async () => {
    for (const url of [`${issuer}/`, `${server.origin}/`, server.origin]) {
      const path = `${new URL(url).pathname.replace(/\/$/, '')}/.well-known/openid-configuration`
      server.on(path, { body: { issuer: url } })
      await expect(discoveryOf(url)()).resolves.toBeDefined()
    }
  })

  it.each<[string, (issuer: string) => Answer]>([
    ['names another issuer', () => ({ body: { issuer: 'https://elsewhere.example' } })],
    ['names no issuer', () => ({ body: {} })],
    ['has keys that are no address', (issuer) => ({ body: { issuer, jwks_uri: 'keys' } })],
    ['has keys in a file', (issuer) => ({ body: { issuer, jwks_uri: 'file:///etc/passwd' } })],
    [
      'has keys on another machine in the clear',
      (issuer) => ({ body: { issuer, jwks_uri: 'http://10.0.0.7/keys' } }),
    ],
    [
      'has a userinfo endpoint on another machine in the clear',
      (issuer) => ({ body: { issuer, userinfo_endpoint: 'http://login.example.org/me' } }),
    ],
    ['is missing', () => ({ status: 404, body: {} })],
    ['is forbidden', () => ({ status: 403, body: {} })],
    ['is elsewhere', (issuer) => ({ status: 302, body: {}, headers: { location: `${issuer}/x` } })],
  ])('is a refusal when the document %s', async (_, answer) => {
    server.on(paths.discovery, answer(issuer))
    await expect(discoveryOf(issuer)()).rejects.toEqual(refusal('ISSUER_UNAVAILABLE'))
    expect(server.count('/o/x')).toBe(0)
  })

  it('does not let an https issuer name keys without it', async () => {
    const secure = 'https://issuer.example'
    const answer =
      (jwks_uri: string): AskJson =>
      async () => ({ status: 200, body: { issuer: secure, jwks_uri } })
    const { now } = frozenClock()
    const downgraded = createDiscovery(secure, answer('http://issuer.example/keys'), now)
    await expect(downgraded()).rejects.toEqual(refusal('ISSUER_UNAVAILABLE'))
    const kept = createDiscovery(secure, answer('https://issuer.example/keys'), now)
    expect((await kept()).jwksUri).toBe('https://issuer.example/keys')
  })

  it('is read once for five minutes, by all who ask at once', async () => {
    server.on(paths.discovery, { body: { issuer } })
    const { now, advance } = frozenClock()
    const discovery = createDiscovery(issuer, createAskJson(), now)
    await Promise.all([discovery(), discovery()])
    advance(299)
    await discovery()
    expect(server.count(paths.discovery)).toBe(1)
    advance(1)
    await discovery()
    expect(server.count(paths.discovery)).toBe(2)
  })

  it('is read again after a failure', async () => {
    server.on(paths.discovery, { status: 500, body: {} }, { body: { issuer } })
    const discovery = discoveryOf(issuer)
    await expect(discovery()).rejects.toEqual(refusal('ISSUER_UNAVAILABLE'))
    await expect(discovery()).resolves.toBeDefined()
  })
})

describe('an endpoint that answers with JSON', () => {
  it('is unavailable when it does not answer in time, or not to its end', async () => {
    server.on('/silent', () => undefined)
    server.on('/slow', (response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).write('{'),
    )
    const ask = createAskJson(50)
    for (const path of ['/silent', '/slow']) {
      await expect(ask({ url: server.origin + path, what: 'It' })).rejects.toEqual(
        refusal('ISSUER_UNAVAILABLE'),
      )
    }
  })

  it('may say so by a type with a suffix', async () => {
    const headers = { 'content-type': 'application/jwk-set+json; charset=utf-8' }
    server.on('/keys', { body: { keys: [] }, headers })
    const answer = await createAskJson()({ url: `${server.origin}/keys`, what: 'It' })
    expect(answer).toEqual({ status: 200, body: { keys: [] } })
  })
})
