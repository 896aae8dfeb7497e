import { createHmac } from 'node:crypto'
import Fastify, { type FastifyInstance } from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { wellKnown } from '../../plugins/metadata.ts'
import type { OptionsInput } from '../../src/config/options.ts'
import { defineLocalTool } from '../../src/tools/tool.ts'
import { addressesOf, enough, gateway, listen, mcpHeaders, pluginOf, portOf, rpc } from './gateway.ts'
import { createServiceDouble } from './service-double.ts'

function bareApp(): FastifyInstance {
  const app = Fastify({ forceCloseConnections: true })
  onTestFinished(() => app.close())
  return app
}

async function failure(run: () => unknown): Promise<string> {
  try {
    await run()
  } catch (thrown) {
    return String(thrown)
  }
  return 'nothing was thrown'
}

describe('registering', () => {
  it('fails at register for a wrong option, with its name and what it has to be', async () => {
    const wrong = [
      [{ fhir: { baseUrl: 'nowhere', credentials: 'none' } }, 'fhir.baseUrl must be an http or https URL'],
      [{ fhir: { baseUrl: 'https://fhir.example.org' } }, 'fhir.credentials is required'],
      [{ path: 'mcp' }, 'path must match'],
      [{ bodyLimit: 0 }, 'bodyLimit must be'],
      [{ results: { byteBudget: 1 } }, 'results.byteBudget must be at least 4096'],
      [{ prefix: '/api' }, 'prefix is not an option'],
      [{ fhir: { ...enough.fhir, baseURL: 'x' } }, 'fhir.baseURL is not an option'],
    ] as const
    for (const [options, message] of wrong) {
      const app = bareApp()
      const given = { ...enough, ...options } as OptionsInput
      const thrown = await failure(() => app.register(pluginOf(createServiceDouble()), given))
      expect(thrown).toContain(message)
    }
  })

  it("passes over Fastify's own register options", async () => {
    const app = bareApp()
    await app.register(pluginOf(createServiceDouble()), { ...enough, logLevel: 'warn' })
    await app.ready()
    expect(app.hasDecorator('fhirMcp')).toBe(true)
  })

  it('works twice by path and decorator name, each with its own service', async () => {
    const app = bareApp()
    const [first, second] = [createServiceDouble(), createServiceDouble()]
    await app.register(pluginOf(first), enough)
    await app.register(pluginOf(second), { ...enough, path: '/r5', decoratorName: 'otherExchange' })
    const payload = rpc('tools/call', { name: 'echo', arguments: { text: 'hi' } })
    const answer = await app.inject({ method: 'POST', url: '/r5', headers: mcpHeaders, payload })
    expect(answer.statusCode).toBe(200)
    expect([first.calls.length, second.calls.length]).toEqual([0, 1])
    expect(app.hasDecorator('otherExchange')).toBe(true)
    expect((await app.inject('/r5/health')).json()).toEqual({ status: 'ok' })
  })

  it('refuses the same decorator name or the same path twice', async () => {
    const app = bareApp()
    await app.register(pluginOf(createServiceDouble()), enough)
    const again = (options: Partial<OptionsInput>) =>
      failure(() => app.register(pluginOf(createServiceDouble()), { ...enough, ...options }))
    expect(await again({ path: '/other' })).toContain('decoratorName: fhirMcp is taken already')
  })

  it('refuses a path that is taken', async () => {
    const app = bareApp()
    await app.register(pluginOf(createServiceDouble()), enough)
    const options = { ...enough, decoratorName: 'second' }
    const thrown = await failure(() => app.register(pluginOf(createServiceDouble()), options))
    expect(thrown).toContain('path: the route POST /mcp is taken already')
  })

  it("names the option where a route of the gateway's own is in the way", async () => {
    const app = bareApp()
    app.get('/health', async () => 'mine')
    expect(await failure(() => app.register(pluginOf(createServiceDouble()), enough))).toContain(
      'health: the route GET /health',
    )
    const other = bareApp()
    other.get('/health', async () => 'mine')
    await other.register(pluginOf(createServiceDouble()), { ...enough, health: false })
    expect((await other.inject('/health')).body).toBe('mine')
  })

  it('offers no HTTP+SSE where it is switched off', async () => {
    const { app } = await gateway({ sse: false })
    const headers = { authorization: 'Bearer good' }
    expect((await app.inject({ url: '/sse', headers })).statusCode).toBe(404)
    expect((await app.inject({ method: 'POST', url: '/messages', headers })).statusCode).toBe(404)
  })

  it('closes the service after the requests in flight', async () => {
    const { app, double } = await gateway()
    const url = await listen(app)
    const payload = JSON.stringify(rpc('tools/call', { name: 'wait_for_abort' }))
    const answering = fetch(new URL('/mcp', url), {
      method: 'POST',
      headers: { ...mcpHeaders, connection: 'close' },
      body: payload,
    })
    await double.waiting
    const closing = app.server.listening ? app.close() : Promise.resolve()
    double.release()
    expect((await answering).status).toBe(200)
    await closing
    expect(double.events).toEqual(['call ended', 'service closed'])
  })
})

describe("a gateway's own things", () => {
  it('keeps its routes, parsers, error handler and 404', async () => {
    const { app } = await gateway(
      {},
      {
        prepare(app) {
          app.setErrorHandler((_, __, reply) => reply.code(418).send({ own: true }))
          app.setNotFoundHandler((_, reply) => reply.code(404).send({ own: '404' }))
          app.addContentTypeParser('application/custom', { parseAs: 'string' }, (_, body, done) =>
            done(null, `custom ${body}`),
          )
          app.post('/own', async ({ body }) => ({ body }))
          app.get('/broken', async () => {
            throw new Error('own fault')
          })
        },
      },
    )
    const own = { method: 'POST', url: '/own' } as const
    const custom = { 'content-type': 'application/custom' }
    expect((await app.inject({ ...own, headers: custom, payload: 'x' })).json()).toEqual({ body: 'custom x' })
    expect((await app.inject({ ...own, payload: { a: 1 } })).json()).toEqual({ body: { a: 1 } })
    const malformed = await app.inject({
      ...own,
      headers: { 'content-type': 'application/json' },
      payload: '{',
    })
    expect([malformed.statusCode, malformed.json()]).toEqual([418, { own: true }])
    expect((await app.inject('/broken')).json()).toEqual({ own: true })
    expect((await app.inject('/nothing')).json()).toEqual({ own: '404' })
    const mcp = await app.inject({
      method: 'POST',
      url: '/mcp',
      headers: { ...mcpHeaders, ...custom },
      payload: 'x',
    })
    expect([mcp.statusCode, mcp.json().jsonrpc]).toEqual([415, '2.0'])
  })

  it('keeps headers of other plugins on answers of both eras, on streams and on refusals', async () => {
    const { app } = await gateway(
      {},
      {
        prepare(app) {
          app.addHook('onRequest', async (_, reply) => {
            reply.headers({ 'x-own': 'kept', 'set-cookie': ['a=1', 'b=2'] })
          })
        },
      },
    )
    const call = { name: 'echo', arguments: { text: 'a' } }
    const envelope = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 't', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    }
    const modern = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'echo' }
    const requests = [
      { headers: mcpHeaders, payload: rpc('tools/call', call), status: 200 },
      {
        headers: mcpHeaders,
        payload: rpc('tools/call', { ...call, _meta: { progressToken: 1 } }),
        status: 200,
      },
      {
        headers: { ...mcpHeaders, ...modern },
        payload: rpc('tools/call', { ...call, _meta: envelope }),
        status: 200,
      },
      {
        headers: { ...mcpHeaders, authorization: 'Bearer wrong' },
        payload: rpc('tools/call', call),
        status: 401,
      },
    ]
    for (const { status, ...request } of requests) {
      const answer = await app.inject({ method: 'POST', url: '/mcp', ...request })
      expect(answer.statusCode).toBe(status)
      expect(answer.headers['x-own']).toBe('kept')
      expect(answer.headers['set-cookie']).toEqual(['a=1', 'b=2'])
    }
  })

  it('may refuse a request by a hook of its own; that is worded as JSON-RPC too', async () => {
    const { app } = await gateway(
      {},
      {
        prepare(app) {
          app.addHook('onRequest', async (request) => {
            const status = Number(request.headers['x-refuse'])
            if (status > 0) throw Object.assign(new Error('Slow down, 10.0.0.7'), { statusCode: status })
          })
        },
      },
    )
    const ask = (status: string) =>
      app.inject({
        method: 'POST',
        url: '/mcp',
        headers: { ...mcpHeaders, 'x-refuse': status },
        payload: rpc('ping'),
      })
    const limited = await ask('429')
    expect([limited.statusCode, limited.json().error.data.code]).toEqual([429, 'FHIR_MCP_RATE_LIMITED'])
    const teapot = await ask('418')
    expect([teapot.statusCode, teapot.json().error.message]).toEqual([418, 'The request was refused'])
    const overloaded = await ask('503')
    expect([overloaded.statusCode, overloaded.json().error.data.code]).toEqual([503, 'FHIR_MCP_RATE_LIMITED'])
    expect(overloaded.body).not.toContain('10.0.0.7')
    const broken = await ask('502')
    expect([broken.statusCode, broken.json().error.message]).toEqual([500, 'Internal error'])
  })
})

describe('own tools, resources and prompts', () => {
  it('are added by the decorator before ready, typed by their input', async () => {
    const { app } = await gateway()
    app.fhirMcp.tool({
      name: 'sign',
      title: 'Sign',
      description: 'Signs a text.',
      input: z.object({ text: z.string(), rounds: z.number().int().max(9).default(1) }),
      output: 'object',
      local: true,
      run: async ({ text, rounds }) => ({
        text: createHmac('sha256', 'key').update(text.repeat(rounds)).digest('hex'),
      }),
    })
    app.fhirMcp.tool({
      name: 'patient_age',
      title: 'Age',
      description: 'How old a patient is.',
      input: z.object({ patient_id: z.string() }),
      output: 'object',
      rule: { needs: [{ types: ['Patient'] }], patients: true },
      subject: ({ patient_id }) => ({ kind: 'patient', patient: patient_id, study: undefined }),
      run: async (_, { exchange, grant }) => ({ text: String((await exchange.patient(grant)).birthDate) }),
    })
    app.fhirMcp.resource({
      name: 'greeting',
      title: 'Greeting',
      description: 'A greeting.',
      mimeType: 'text/plain',
      uri: 'own://greeting/{name}',
      local: true,
      read: async ({ name }) => ({ text: `Hello, ${name}.` }),
    })
    app.fhirMcp.prompt({ name: 'own', title: 'Own', description: 'Own.', arguments: [], get: () => [] })
    await app.ready()
    const list = async (method: string) =>
      (await app.inject({ method: 'POST', url: '/mcp', headers: mcpHeaders, payload: rpc(method) })).json()
        .result
    const { tools } = await list('tools/list')
    expect(tools.at(-2)).toMatchObject({
      name: 'sign',
      inputSchema: {
        type: 'object',
        required: ['text'],
        properties: { rounds: { type: 'integer', maximum: 9 } },
      },
    })
    expect((await list('resources/templates/list')).resourceTemplates.at(-1).uriTemplate).toBe(
      'own://greeting/{name}',
    )
    expect((await list('prompts/list')).prompts.at(-1).name).toBe('own')
  })

  it('fail for a name that is taken, and after ready', async () => {
    const { app } = await gateway()
    const tool = (name: string) =>
      defineLocalTool({
        name,
        title: name,
        description: name,
        input: z.object({}),
        output: 'object',
        local: true,
        run: async () => ({}),
      })
    expect(() => app.fhirMcp.tool(tool('echo'))).toThrow('echo is registered already')
    await app.ready()
    expect(() => app.fhirMcp.tool(tool('late'))).toThrow('before ready')
  })
})

describe('the well-known documents', () => {
  const expected = (resource: string) => ({
    resource,
    resource_name: 'FHIR over MCP',
    authorization_servers: ['https://login.example.org'],
    scopes_supported: [],
    bearer_methods_supported: ['header'],
  })

  it('stand at the root and with the path appended, for anybody to read', async () => {
    const { app } = await gateway({ publicUrl: 'https://gateway.example.org/fhir/' })
    for (const url of ['', '/fhir/mcp']) {
      const answer = await app.inject(`/.well-known/oauth-protected-resource${url}`)
      expect(answer.statusCode).toBe(200)
      expect(answer.json()).toEqual(expected('https://gateway.example.org/fhir/mcp'))
      expect(answer.headers['access-control-allow-origin']).toBe('*')
    }
    expect((await app.inject('/.well-known/oauth-protected-resource/other')).statusCode).toBe(404)
  })

  it('never follow Host or X-Forwarded-*', async () => {
    const { app } = await gateway(
      { publicUrl: 'https://gateway.example.org' },
      { server: { trustProxy: true } },
    )
    const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' }
    const answer = await app.inject({ url: '/.well-known/oauth-protected-resource/mcp', headers })
    expect(answer.json().resource).toBe('https://gateway.example.org/mcp')
  })

  it('name the loopback address of a server that has no public URL', async () => {
    const { app } = await gateway()
    expect((await app.inject('/.well-known/oauth-protected-resource')).json().resource).toBe(
      'http://127.0.0.1/mcp',
    )
    const url = await listen(app)
    const answer = await fetch(new URL('/.well-known/oauth-protected-resource/mcp', url))
    expect(await answer.json()).toEqual(expected(`${url.origin}/mcp`))
  })

  it('list the scopes that the tools can need', async () => {
    const { app } = await gateway()
    app.fhirMcp.tool({
      name: 'own',
      title: 'Own',
      description: 'Own.',
      input: z.object({}),
      output: 'object',
      rule: { needs: [{ types: ['ResearchStudy', 'Group'] }, { types: ['Patient'] }], patients: true },
      subject: () => ({ kind: 'reach' }),
      run: async () => ({}),
    })
    const answer = await app.inject('/.well-known/oauth-protected-resource')
    expect(answer.json().scopes_supported).toEqual(['user/ResearchStudy.rs', 'user/Patient.rs'])
  })

  it('of two registrations stand side by side', async () => {
    const app = bareApp()
    const publicUrl = 'https://gateway.example.org'
    await app.register(pluginOf(createServiceDouble()), { ...enough, publicUrl })
    await app.register(pluginOf(createServiceDouble()), {
      ...enough,
      publicUrl,
      path: '/r5/mcp',
      decoratorName: 'r5',
    })
    for (const path of ['/mcp', '/r5/mcp']) {
      const answer = await app.inject(`/.well-known/oauth-protected-resource${path}`)
      expect(answer.json().resource).toBe(`${publicUrl}${path}`)
    }
  })

  it('of a registration in a prefixed scope need wellKnown at the root', async () => {
    const app = bareApp()
    app.register(
      async (scope) => {
        scope.register(pluginOf(createServiceDouble()), enough)
      },
      { prefix: '/api' },
    )
    expect(await failure(() => app.ready())).toContain('register wellKnown there too')
  })

  it('of a registration in a prefixed scope are at the root with it', async () => {
    const app = bareApp()
    app.register(wellKnown)
    app.register(
      async (scope) => {
        scope.register(pluginOf(createServiceDouble()), enough)
      },
      { prefix: '/api' },
    )
    await app.ready()
    const answer = await app.inject('/.well-known/oauth-protected-resource/api/mcp')
    expect(answer.json().resource).toBe('http://127.0.0.1/api/mcp')
    const payload = rpc('tools/list')
    expect(
      (await app.inject({ method: 'POST', url: '/api/mcp', headers: mcpHeaders, payload })).statusCode,
    ).toBe(200)
    const refused = await app.inject({ method: 'POST', url: '/api/mcp', payload })
    expect(refused.headers['www-authenticate']).toContain('/.well-known/oauth-protected-resource/api/mcp"')
  })

  it('cannot be registered inside a prefix, and once more at the root does no harm', async () => {
    const app = bareApp()
    app.register(
      async (scope) => {
        scope.register(wellKnown)
      },
      { prefix: '/api' },
    )
    expect(await failure(() => app.ready())).toContain('outside of any prefix')
    const { app: other } = await gateway()
    await other.register(wellKnown)
    await other.ready()
  })
})

describe('beyond loopback', () => {
  it('nothing is served without publicUrl: the server closes itself and says why', async () => {
    const lines: string[] = []
    const stream = { write: (line: string) => void lines.push(line) }
    const { app } = await gateway({}, { server: { logger: { level: 'fatal', stream } } })
    const closed = new Promise<void>((resolve) => app.addHook('onClose', async () => resolve()))
    await app.listen({ host: '0.0.0.0', port: 0 })
    const port = portOf(app)
    const body = JSON.stringify(rpc('tools/list'))
    const early = await fetch(`http://127.0.0.1:${port}/mcp`, {
      method: 'POST',
      headers: mcpHeaders,
      body,
    }).then(
      ({ status }) => status,
      () => 'closed',
    )
    expect([500, 503, 'closed']).toContain(early)
    await closed
    expect(lines.join('')).toContain('publicUrl is required')
  })

  it('it is served with publicUrl', async () => {
    const { app } = await gateway({ publicUrl: 'https://gateway.example.org' })
    await app.listen({ host: '0.0.0.0', port: 0 })
    const port = portOf(app)
    const answer = await fetch(`http://127.0.0.1:${port}/.well-known/oauth-protected-resource`)
    expect(await answer.json()).toMatchObject({ resource: 'https://gateway.example.org/mcp' })
  })

  it('a server on every loopback address is called localhost', async () => {
    const { app } = await gateway()
    await app.listen({ host: 'localhost', port: 0 })
    const hosts = addressesOf(app)
    const { resource } = (await app.inject('/.well-known/oauth-protected-resource')).json()
    expect(new URL(resource).hostname).toBe(hosts.size > 1 ? 'localhost' : '127.0.0.1')
  })
})

describe('health', () => {
  it('lives, and is ready while the exchange answers, without a token and whatever the host', async () => {
    const { app, double } = await gateway()
    const headers = { host: '10.1.2.3' }
    expect((await app.inject({ url: '/health', headers })).json()).toEqual({ status: 'ok' })
    expect((await app.inject({ url: '/ready', headers })).json()).toEqual({ status: 'ready' })
    double.events.push('exchange down')
    const answer = await app.inject('/ready')
    expect(answer.statusCode).toBe(503)
    expect(answer.json()).toEqual({ status: 'not ready', code: 'FHIR_MCP_EXCHANGE_UNAVAILABLE' })
    expect((await app.inject('/health')).statusCode).toBe(200)
  })
})
