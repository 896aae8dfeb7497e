import { describe, expect, it } from 'vitest'
import type { OptionsInput } from '../../src/config/options.ts'
import { gateway, mcpHeaders, rpc } from './gateway.ts'

async function ask(options: Partial<OptionsInput>, headers: Record<string, string>) {
  const { app } = await gateway(options)
  return app.inject({
    method: 'POST',
    url: '/mcp',
    headers: { ...mcpHeaders, ...headers },
    payload: rpc('tools/list'),
  })
}

const publicUrl = 'https://gateway.example.org'

describe('the host guard', () => {
  it('takes loopback names, the public host and configured ones, with any port and in any case', async () => {
    const options = { publicUrl, allowedHosts: ['Internal.example.org'] }
    const hosts = [
      'localhost:3000',
      '127.0.0.1',
      '[::1]:80',
      'Gateway.example.org',
      'internal.example.org:8080',
    ]
    for (const host of hosts) {
      expect([host, (await ask(options, { host })).statusCode]).toEqual([host, 200])
    }
  })

  it('refuses every other host, also one that only looks like ours', async () => {
    const hosts = [
      'evil.example',
      'gateway.example.org.evil.example',
      'evil.example/localhost',
      'localhost.evil.example',
    ]
    for (const host of hosts) {
      const answer = await ask({ publicUrl }, { host })
      expect([host, answer.statusCode]).toEqual([host, 403])
      expect(answer.json()).toMatchObject({ jsonrpc: '2.0', error: { code: -32000 } })
    }
  })

  it('looks at the header itself, not at what a proxy header says of it', async () => {
    const { app } = await gateway({ publicUrl }, { server: { trustProxy: true } })
    const answer = await app.inject({
      method: 'POST',
      url: '/mcp',
      headers: { ...mcpHeaders, host: 'evil.example', 'x-forwarded-host': 'gateway.example.org' },
      payload: rpc('tools/list'),
    })
    expect(answer.statusCode).toBe(403)
  })

  it('refuses a foreign origin before it looks at the token', async () => {
    for (const origin of ['https://evil.example', 'null', 'http://gateway.example.org']) {
      const answer = await ask({ publicUrl }, { origin, authorization: 'Bearer wrong' })
      expect([origin, answer.statusCode]).toEqual([origin, 403])
    }
  })

  it('takes its own origin and configured ones; loopback ones only where the server itself is local', async () => {
    const allowedOrigins = ['https://app.example.org']
    expect((await ask({ publicUrl, allowedOrigins }, { origin: publicUrl })).statusCode).toBe(200)
    expect((await ask({ publicUrl, allowedOrigins }, { origin: 'https://app.example.org' })).statusCode).toBe(
      200,
    )
    expect((await ask({ publicUrl }, { origin: 'http://localhost:6274' })).statusCode).toBe(403)
    expect((await ask({}, { origin: 'http://localhost:6274' })).statusCode).toBe(200)
  })
})

describe('CORS', () => {
  const allowedOrigins = ['https://app.example.org']

  it('lets configured origins read the challenge and the headers of MCP, also with a refusal', async () => {
    const answer = await ask(
      { allowedOrigins },
      { origin: 'https://app.example.org', authorization: 'Bearer wrong' },
    )
    expect(answer.statusCode).toBe(401)
    expect(answer.headers['access-control-allow-origin']).toBe('https://app.example.org')
    expect(answer.headers['access-control-expose-headers']).toBe(
      'WWW-Authenticate, Mcp-Session-Id, Mcp-Protocol-Version',
    )
    expect(answer.headers.vary).toContain('Origin')
    const granted = await ask({ allowedOrigins }, { origin: 'https://app.example.org' })
    expect(granted.statusCode).toBe(200)
    expect(granted.headers['access-control-allow-origin']).toBe('https://app.example.org')
  })

  it('says nothing to others', async () => {
    const answer = await ask({}, { origin: 'http://localhost:1' })
    expect(answer.headers['access-control-allow-origin']).toBeUndefined()
  })

  it('answers a preflight without a token', async () => {
    const { app } = await gateway({ allowedOrigins })
    for (const url of ['/mcp', '/sse', '/messages']) {
      const headers = { origin: 'https://app.example.org', 'access-control-request-method': 'POST' }
      const answer = await app.inject({ method: 'OPTIONS', url, headers })
      expect(answer.statusCode).toBe(204)
      expect(answer.headers['access-control-allow-headers']).toContain('Authorization')
      expect(answer.headers['access-control-allow-methods']).toContain('POST')
    }
    const foreign = await app.inject({
      method: 'OPTIONS',
      url: '/mcp',
      headers: { origin: 'https://evil.example' },
    })
    expect(foreign.statusCode).toBe(403)
  })
})
