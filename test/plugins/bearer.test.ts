import { describe, expect, it } from 'vitest'
import { fhirMcpError, unreadableClaim } from '../../src/errors.ts'
import { gateway, mcpHeaders, rpc } from './gateway.ts'
import { principalOf } from './service-double.ts'

const metadata = 'resource_metadata="https://gateway.example.org/.well-known/oauth-protected-resource/mcp"'
const publicUrl = 'https://gateway.example.org'
const list = { method: 'POST', url: '/mcp', payload: rpc('tools/list') } as const

describe('the bearer check', () => {
  it('challenges without error= when no token came, and answers with the same token once it is there', async () => {
    const { app } = await gateway({ publicUrl })
    const { authorization: _, ...without } = mcpHeaders
    const refused = await app.inject({ ...list, headers: without })
    expect(refused.statusCode).toBe(401)
    expect(refused.headers['www-authenticate']).toBe(`Bearer ${metadata}`)
    expect(refused.json()).toEqual({
      jsonrpc: '2.0',
      id: null,
      error: {
        code: -32000,
        message: 'Sign in first: the request has no access token.',
        data: {
          code: 'FHIR_MCP_UNAUTHENTICATED',
          cure: 'Send an access token; the challenge names the authorization server.',
        },
      },
    })
    expect((await app.inject({ ...list, headers: mcpHeaders })).statusCode).toBe(200)
  })

  it('has the log say where a claim cannot be read; the client is told that it cannot', async () => {
    const lines: string[] = []
    const stream = { write: (line: string) => void lines.push(line) }
    const { app, double } = await gateway({}, { server: { logger: { level: 'info', stream } } })
    double.tokens.set('odd', unreadableClaim('jhe_permissions.studies[3].id'))
    const answer = await app.inject({ ...list, headers: { ...mcpHeaders, authorization: 'Bearer odd' } })
    expect(answer.statusCode).toBe(403)
    expect(answer.json().error.message).toContain('A claim is there, but it cannot be read.')
    expect(answer.body).not.toContain('studies[3]')
    const said = lines.map((line) => JSON.parse(line)).filter(({ at }) => at !== undefined)
    expect(said).toMatchObject([
      { level: 40, code: 'FHIR_MCP_NO_PERMISSIONS', at: 'jhe_permissions.studies[3].id' },
    ])
  })

  it('takes no token from anywhere but the header', async () => {
    const { app, double } = await gateway({ publicUrl })
    const { authorization: _, ...headers } = mcpHeaders
    for (const url of ['/mcp?access_token=good', '/mcp?token=good', '/mcp?authorization=Bearer%20good']) {
      expect((await app.inject({ ...list, url, headers })).statusCode).toBe(401)
    }
    const basic = { ...headers, authorization: 'Basic Z29vZA==', cookie: 'access_token=good' }
    const answer = await app.inject({ ...list, headers: basic })
    expect(answer.statusCode).toBe(401)
    expect(answer.headers['www-authenticate']).not.toContain('error=')
    expect(double.calls).toEqual([])
  })

  it('says invalid_token for a malformed, wrong, expired or foreign one, each with its code', async () => {
    const { app, double } = await gateway({ publicUrl })
    double.tokens.set('expired', fhirMcpError('TOKEN_EXPIRED'))
    double.tokens.set('foreign', fhirMcpError('AUDIENCE'))
    const codes: unknown[] = []
    for (const authorization of [
      'Bearer a b',
      'Bearer',
      'Bearer wrong',
      'Bearer expired',
      'Bearer foreign',
    ]) {
      const answer = await app.inject({ ...list, headers: { ...mcpHeaders, authorization } })
      expect(answer.statusCode).toBe(401)
      expect(answer.headers['www-authenticate']).toMatch(
        /^Bearer error="invalid_token", error_description="[^"]+", /,
      )
      expect(answer.headers['www-authenticate']).toContain(metadata)
      codes.push(answer.json().error.data.code)
    }
    expect(codes).toEqual([
      'FHIR_MCP_TOKEN_INVALID',
      'FHIR_MCP_TOKEN_INVALID',
      'FHIR_MCP_TOKEN_INVALID',
      'FHIR_MCP_TOKEN_EXPIRED',
      'FHIR_MCP_AUDIENCE',
    ])
  })

  it('refuses a token without permissions with 403 and no challenge: a new sign-in would not help', async () => {
    const { app, double } = await gateway({ publicUrl })
    double.tokens.set('bare', fhirMcpError('NO_PERMISSIONS'))
    const answer = await app.inject({ ...list, headers: { ...mcpHeaders, authorization: 'Bearer bare' } })
    expect(answer.statusCode).toBe(403)
    expect(answer.headers['www-authenticate']).toBeUndefined()
    expect(answer.json().error.data.code).toBe('FHIR_MCP_NO_PERMISSIONS')
  })

  it('says when to come back where it could not ask, and nothing of a fault', async () => {
    const { app, double } = await gateway({ publicUrl })
    double.tokens.set('later', fhirMcpError('EXCHANGE_UNAVAILABLE', { retryAfter: 7 }))
    double.tokens.set('broken', new Error('secret'))
    const later = await app.inject({ ...list, headers: { ...mcpHeaders, authorization: 'Bearer later' } })
    expect([later.statusCode, later.headers['retry-after']]).toEqual([503, '7'])
    const broken = await app.inject({ ...list, headers: { ...mcpHeaders, authorization: 'Bearer broken' } })
    expect(broken.statusCode).toBe(500)
    expect(broken.json()).toEqual({
      jsonrpc: '2.0',
      id: null,
      error: { code: -32603, message: 'Internal error' },
    })
  })

  it('is asked before a body is read', async () => {
    const { app } = await gateway({ publicUrl, bodyLimit: 10 })
    const { authorization: _, ...headers } = mcpHeaders
    const answer = await app.inject({
      method: 'POST',
      url: '/mcp',
      headers,
      payload: '{"not json, and too long',
    })
    expect(answer.statusCode).toBe(401)
  })

  it('guards every route of the protocol, whatever the method', async () => {
    const { app } = await gateway({ publicUrl })
    const routes = [
      ['GET', '/mcp'],
      ['DELETE', '/mcp'],
      ['GET', '/sse'],
      ['POST', '/messages'],
    ] as const
    for (const [method, url] of routes) {
      expect([url, (await app.inject({ method, url })).statusCode]).toEqual([url, 401])
    }
  })
})

describe('the scope check', () => {
  it('names all scopes of a call at once, before the call is dispatched', async () => {
    const { app, double } = await gateway({ publicUrl })
    const payload = rpc('tools/call', { name: 'needs_scope', arguments: {} }, 'call-7')
    const answer = await app.inject({ method: 'POST', url: '/mcp', headers: mcpHeaders, payload })
    expect(answer.statusCode).toBe(403)
    expect(answer.headers['www-authenticate']).toBe(
      `Bearer error="insufficient_scope", scope="user/Patient.rs user/Observation.rs", ${metadata}`,
    )
    expect(answer.json()).toMatchObject({
      id: 'call-7',
      error: {
        code: -32000,
        data: { code: 'FHIR_MCP_INSUFFICIENT_SCOPE', scopes: ['user/Patient.rs', 'user/Observation.rs'] },
      },
    })
    expect(double.calls).toEqual([])
  })

  it('looks into a batch as well, and lets calls through that lack nothing', async () => {
    const { app, double } = await gateway({ publicUrl })
    const allowed = rpc('tools/call', { name: 'echo', arguments: { text: 'a' } }, 1)
    const lacking = rpc('tools/call', { name: 'needs_scope' }, 2)
    const post = (payload: object[]) =>
      app.inject({ method: 'POST', url: '/mcp', headers: mcpHeaders, payload })
    expect((await post([allowed, lacking])).statusCode).toBe(403)
    expect(double.calls).toEqual([])
    expect((await post([allowed])).statusCode).toBe(200)
    expect(double.calls).toHaveLength(1)
  })

  it('does not tell a hidden tool from an unknown one', async () => {
    const { app } = await gateway({ publicUrl })
    const answers = []
    for (const name of ['hidden', 'no_such_tool']) {
      const payload = rpc('tools/call', { name, arguments: {} })
      const { statusCode, body } = await app.inject({
        method: 'POST',
        url: '/mcp',
        headers: mcpHeaders,
        payload,
      })
      answers.push({ statusCode, body })
    }
    expect(answers[0]).toEqual(answers[1])
    expect(answers[0]?.body).toContain('Unknown tool')
  })

  it('decides each call with the principal of its own token', async () => {
    const { app, double } = await gateway({ publicUrl })
    double.tokens.set('other', principalOf('grace'))
    const payload = rpc('tools/call', { name: 'echo', arguments: { text: 'hi' } })
    const texts = await Promise.all(
      ['good', 'other'].map(async (token) => {
        const headers = { ...mcpHeaders, authorization: `Bearer ${token}` }
        const answer = await app.inject({ method: 'POST', url: '/mcp', headers, payload })
        return answer.json().result.content[0].text
      }),
    )
    expect(texts).toEqual(['hi for ada', 'hi for grace'])
  })
})
