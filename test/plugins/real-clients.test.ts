import { describe, expect, it } from 'vitest'
import { gateway, listen, mcpHeaders, rpc } from './gateway.ts'

const metadataPath = '/.well-known/oauth-protected-resource/mcp'
const initialize = rpc('initialize', {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'test', version: '1' },
})
const progressing = rpc('tools/call', { name: 'count_to', arguments: { n: 2 }, _meta: { progressToken: 7 } })

describe('a client that accepts what it likes', () => {
  const { accept: _, ...headers } = mcpHeaders

  it('is answered with JSON where it does not name a stream of events', async () => {
    const { app } = await gateway()
    const url = new URL('/mcp', await listen(app))
    for (const accept of [
      '*/*',
      'application/*',
      'application/json',
      'text/html',
      'text/event-stream;q=0, */*',
    ]) {
      for (const message of [initialize, progressing]) {
        const answer = await fetch(url, {
          method: 'POST',
          headers: { ...headers, accept },
          body: JSON.stringify(message),
        })
        expect([accept, answer.status, answer.headers.get('content-type')]).toEqual([
          accept,
          200,
          'application/json',
        ])
        expect(await answer.json()).toHaveProperty('result')
      }
    }
    // Over HTTP a client may leave the header out, which fetch never does.
    const answer = await app.inject({ method: 'POST', url: '/mcp', headers, payload: initialize })
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, 'application/json'])
  })

  it('gets a stream where it names no other', async () => {
    const { app } = await gateway()
    const post = (accept: string, payload: object) =>
      app.inject({ method: 'POST', url: '/mcp', headers: { ...headers, accept }, payload })
    const only = await post('text/event-stream', rpc('tools/list'))
    expect([only.statusCode, only.headers['content-type']]).toEqual([200, 'text/event-stream'])
    const both = await post('Application/JSON, Text/Event-Stream;q=0.5', progressing)
    expect(both.headers['content-type']).toBe('text/event-stream')
    expect(both.body).toContain('1 of 2')
  })

  it('is answered so in the newest era too, without the progress that it could not read', async () => {
    const { app } = await gateway()
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
      progressToken: 7,
    }
    const modern = {
      ...headers,
      accept: '*/*',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'count_to',
    }
    const answer = await app.inject({
      method: 'POST',
      url: '/mcp',
      headers: modern,
      payload: rpc('tools/call', { name: 'count_to', arguments: { n: 2 }, _meta }),
    })
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, 'application/json'])
    expect(answer.json().result.content).toEqual([{ type: 'text', text: 'Counted to 2.' }])
  })
})

describe('a client that adds a slash', () => {
  it('is served at every endpoint, without a redirect', async () => {
    for (const server of [{}, { routerOptions: { ignoreTrailingSlash: true } }]) {
      const { app } = await gateway({}, { server })
      const answer = await app.inject({
        method: 'POST',
        url: '/mcp/',
        headers: mcpHeaders,
        payload: rpc('tools/list'),
      })
      expect(answer.statusCode).toBe(200)
      const refused = await app.inject({ method: 'POST', url: '/mcp/', payload: rpc('tools/list') })
      expect(refused.statusCode).toBe(401)
      expect(refused.headers['www-authenticate']).toContain(metadataPath)
      expect((await app.inject({ method: 'GET', url: '/sse/' })).statusCode).toBe(401)
      expect((await app.inject({ method: 'OPTIONS', url: '/mcp/' })).statusCode).toBe(204)
      const plain = await app.inject({ url: metadataPath })
      const slashed = await app.inject({ url: `${metadataPath}/` })
      expect(slashed.statusCode).toBe(200)
      expect(slashed.json()).toEqual(plain.json())
    }
  })

  it('leaves a route of the gateway alone', async () => {
    const { app } = await gateway({}, { prepare: (own) => void own.post('/mcp/', async () => 'mine') })
    expect((await app.inject({ method: 'POST', url: '/mcp/' })).body).toBe('mine')
    const answer = await app.inject({
      method: 'POST',
      url: '/mcp',
      headers: mcpHeaders,
      payload: rpc('tools/list'),
    })
    expect(answer.statusCode).toBe(200)
  })
})

describe('a client that looks before it asks', () => {
  it('gets the heads of what GET answers', async () => {
    const { app } = await gateway({}, { server: { exposeHeadRoutes: false } })
    for (const url of [metadataPath, '/.well-known/oauth-protected-resource', '/health', '/ready']) {
      const answer = await app.inject({ method: 'HEAD', url })
      expect([url, answer.statusCode, answer.body]).toEqual([url, 200, ''])
    }
    const unsigned = await app.inject({ method: 'HEAD', url: '/mcp' })
    expect(unsigned.statusCode).toBe(401)
    expect(unsigned.headers['www-authenticate']).toContain(metadataPath)
    const signed = await app.inject({ method: 'HEAD', url: '/mcp', headers: mcpHeaders })
    expect([signed.statusCode, signed.headers.allow]).toEqual([405, 'POST, OPTIONS'])
  })

  it('may preflight the metadata from any page', async () => {
    const { app } = await gateway()
    for (const url of [metadataPath, `${metadataPath}/`, '/.well-known/oauth-protected-resource']) {
      const answer = await app.inject({
        method: 'OPTIONS',
        url,
        headers: {
          origin: 'https://inspector.example',
          'access-control-request-method': 'GET',
          'access-control-request-headers': 'mcp-protocol-version',
        },
      })
      expect([url, answer.statusCode]).toEqual([url, 204])
      expect(answer.headers['access-control-allow-origin']).toBe('*')
      expect(answer.headers['access-control-allow-methods']).toContain('GET')
      expect(answer.headers['access-control-allow-headers']).toContain('Mcp-Protocol-Version')
    }
  })
})

describe('a client that writes null for what is not there', () => {
  const messages = [
    { jsonrpc: '2.0', id: 1, method: 'tools/list', params: null },
    { jsonrpc: '2.0', id: 1, method: 'tools/list', params: { cursor: null, _meta: null } },
    rpc('tools/call', { name: 'count_to', arguments: null }),
    rpc('tools/call', { name: 'count_to', arguments: '', _meta: { progressToken: null } }),
    rpc('tools/call', { name: 'echo', arguments: '{"text":"hi"}', task: null }),
    rpc('prompts/get', { name: 'compare', arguments: { first: 7, second: null } }),
    rpc('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: { roots: null, sampling: null },
      clientInfo: { name: 'test', version: '1', title: null },
    }),
  ]

  it('is answered as if it had left it out', async () => {
    const { app } = await gateway()
    for (const payload of messages) {
      const answer = await app.inject({ method: 'POST', url: '/mcp', headers: mcpHeaders, payload })
      expect([payload, answer.statusCode, answer.json().error]).toEqual([payload, 200, undefined])
    }
  })

  it('may do so in a batch, and in a notification', async () => {
    const { app } = await gateway()
    const batch = messages.slice(0, -1).map((message, id) => ({ ...message, id }))
    const post = (payload: object) =>
      app.inject({ method: 'POST', url: '/mcp', headers: mcpHeaders, payload })
    const answers: { result?: unknown }[] = (await post(batch)).json()
    expect(answers).toHaveLength(batch.length)
    for (const answer of answers) expect(answer).toHaveProperty('result')
    const notified = await post({
      jsonrpc: '2.0',
      id: null,
      method: 'notifications/initialized',
      params: null,
    })
    expect(notified.statusCode).toBe(202)
  })
})

describe('a gateway that wraps every answer', () => {
  const wrappers = {
    preSerialization: (app: Parameters<typeof addHooks>[0]) =>
      void app.addHook('preSerialization', async (_request, _reply, payload) => ({ data: payload })),
    serializer: (app: Parameters<typeof addHooks>[0]) =>
      void app.setReplySerializer((payload) => JSON.stringify({ data: payload })),
    'serializer of each reply': (app: Parameters<typeof addHooks>[0]) =>
      void app.addHook('onRequest', async (_, reply) => {
        reply.serializer((payload: unknown) => JSON.stringify({ data: payload }))
      }),
  }

  for (const [how, wrap] of Object.entries(wrappers)) {
    it(`leaves what clients read as it is: ${how}`, async () => {
      const { app } = await gateway({}, { prepare: wrap })
      app.get('/own', async () => ({ own: true }))
      expect((await app.inject({ url: '/own' })).json()).toEqual({ data: { own: true } })
      expect((await app.inject({ url: metadataPath })).json()).toHaveProperty('resource')
      expect((await app.inject({ url: '/health' })).json()).toEqual({ status: 'ok' })
      expect((await app.inject({ url: '/ready' })).json()).toEqual({ status: 'ready' })
      const post = (headers: Record<string, string>) =>
        app.inject({ method: 'POST', url: '/mcp', headers, payload: rpc('tools/list') })
      expect((await post(mcpHeaders)).json()).toHaveProperty('result.tools')
      const { authorization: __, ...unsigned } = mcpHeaders
      expect((await post(unsigned)).json()).toMatchObject({ jsonrpc: '2.0', error: { code: -32000 } })
    })
  }

  it('has its onSend hooks run over JSON answers; a stream of events passes them', async () => {
    const { app } = await gateway({}, { prepare: addHooks })
    const post = (payload: object) =>
      app.inject({ method: 'POST', url: '/mcp', headers: mcpHeaders, payload })
    const json = await post(rpc('tools/list'))
    expect(json.headers['x-gateway']).toBe('string')
    expect(json.json()).toHaveProperty('result.tools')
    const stream = await post(progressing)
    expect(stream.headers['x-gateway']).toBeUndefined()
    expect(stream.body).toContain('2 of 2')
  })
})

function addHooks(app: Awaited<ReturnType<typeof gateway>>['app']): void {
  app.addHook('onSend', async (_request, reply, payload) => {
    reply.header('x-gateway', typeof payload)
    return payload
  })
}
