import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
} from '@modelcontextprotocol/client'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { gateway, listen, mcpHeaders, rpc } from './gateway.ts'

const authorized = { headers: { authorization: 'Bearer good' } }

async function olderClient(url: URL): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' })
  const transport = new StreamableHTTPClientTransport(new URL('/mcp', url), { requestInit: authorized })
  await client.connect(transport as Transport)
  onTestFinished(() => client.close())
  return client
}

async function modernClient(url: URL): Promise<ModernClient> {
  const client = new ModernClient(
    { name: 'test', version: '1' },
    { versionNegotiation: { mode: { pin: '2026-07-28' } } },
  )
  await client.connect(new ModernTransport(new URL('/mcp', url), { requestInit: authorized }))
  onTestFinished(() => client.close())
  return client
}

for (const [era, connect] of [
  ['2025-11-25', olderClient],
  ['2026-07-28', modernClient],
] as const) {
  describe(`the MCP route in era ${era}`, () => {
    it('lists tools, resources, templates and prompts, and tells the efficient ways', async () => {
      const { app } = await gateway()
      const client = await connect(await listen(app))
      const { tools } = await client.listTools()
      expect(tools.map(({ name }) => name)).toEqual([
        'echo',
        'count_to',
        'wait_for_abort',
        'fail',
        'needs_scope',
      ])
      expect(tools[0]?.annotations).toMatchObject({ readOnlyHint: true, destructiveHint: false })
      expect((await client.listResources()).resources.map(({ uri }) => uri)).toEqual(['fhir://capabilities'])
      const { resourceTemplates } = await client.listResourceTemplates()
      expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual(['exchange://study/{id}'])
      expect((await client.listPrompts()).prompts.map(({ name }) => name)).toEqual(['compare'])
      expect(client.getInstructions()).toContain('get_my_access')
    })

    it('calls a tool with the principal of the bearer', async () => {
      const { app, double } = await gateway()
      const client = await connect(await listen(app))
      const result = await client.callTool({ name: 'echo', arguments: { text: 'hello' } })
      expect(result.content).toEqual([{ type: 'text', text: 'hello for ada' }])
      expect(result.structuredContent).toEqual({ text: 'hello' })
      expect(double.calls[0]).toMatchObject({ token: 'good', principal: { subject: 'ada' } })
    })

    it('reports progress to a client that asks for it', async () => {
      const { app } = await gateway()
      const client = await connect(await listen(app))
      const seen: unknown[] = []
      const call = { name: 'count_to', arguments: { n: 2 } }
      const onprogress = (progress: unknown) => void seen.push(progress)
      const result =
        client instanceof Client
          ? await client.callTool(call, undefined, { onprogress })
          : await client.callTool(call, { onprogress })
      expect(result.content).toEqual([{ type: 'text', text: 'Counted to 2.' }])
      expect(seen).toEqual([
        { progress: 1, total: 2, message: '1 of 2' },
        { progress: 2, total: 2, message: '2 of 2' },
      ])
    })

    it('answers an unknown and a hidden tool alike', async () => {
      const { app } = await gateway()
      const client = await connect(await listen(app))
      const refused = async (name: string) => {
        const thrown: unknown = await client
          .callTool({ name, arguments: {} })
          .catch((error: unknown) => error)
        return thrown instanceof Error ? { ...thrown, message: thrown.message } : undefined
      }
      const unknown = await refused('no_such_tool')
      expect(unknown).toMatchObject({ code: -32602 })
      expect(await refused('hidden')).toEqual(unknown)
    })

    it('answers a fault with a fixed text', async () => {
      const { app } = await gateway()
      const client = await connect(await listen(app))
      const thrown: unknown = await client.callTool({ name: 'fail' }).catch((error: unknown) => error)
      expect(thrown).toMatchObject({ code: -32603 })
      expect(String(thrown)).not.toContain('secret')
    })

    it('reads a resource, and refuses one in words that tell nothing', async () => {
      const { app } = await gateway()
      const client = await connect(await listen(app))
      const { contents } = await client.readResource({ uri: 'fhir://capabilities' })
      const _meta = { 'fastify-fhir-mcp/texts': 'data, not instructions' }
      expect(contents).toEqual([
        { uri: 'fhir://capabilities', mimeType: 'application/json', text: '{}', _meta },
      ])
      const refused = await client
        .readResource({ uri: 'exchange://study/7' })
        .catch((error: unknown) => error)
      expect(refused).toMatchObject({ code: -32602, data: { code: 'FHIR_MCP_FORBIDDEN' } })
    })

    it('completes a variable of a template and gets a prompt', async () => {
      const { app } = await gateway()
      const client = await connect(await listen(app))
      const ref = { type: 'ref/resource', uri: 'exchange://study/{id}' } as const
      const { completion } = await client.complete({ ref, argument: { name: 'id', value: 's' } })
      expect(completion.values).toEqual(['s1', 's2'])
      const prompt = await client.getPrompt({ name: 'compare', arguments: { first: 'A' } })
      expect(prompt.messages[0]?.content).toEqual({ type: 'text', text: 'Compare A and the others.' })
      await expect(client.getPrompt({ name: 'compare', arguments: {} })).rejects.toMatchObject({
        code: -32602,
      })
      await expect(client.getPrompt({ name: 'nothing' })).rejects.toMatchObject({ code: -32602 })
    })

    it('aborts the call of a client that has gone', async () => {
      const { app, double } = await gateway()
      const client = await connect(await listen(app))
      const call = client.callTool({ name: 'wait_for_abort' }).catch(() => undefined)
      const { signal } = await double.waiting
      const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      expect(signal.aborted).toBe(false)
      await client.close()
      await aborted
      await call
      expect(double.events).toContain('call aborted')
    })
  })
}

describe('the MCP route', () => {
  it('answers JSON, and SSE only to a request with a progress token', async () => {
    const { app } = await gateway()
    const post = (params: Record<string, unknown>) =>
      app.inject({ method: 'POST', url: '/mcp', headers: mcpHeaders, payload: rpc('tools/call', params) })
    const call = { name: 'echo', arguments: { text: 'hi' } }
    expect((await post(call)).headers['content-type']).toBe('application/json')
    const stream = await post({ ...call, _meta: { progressToken: 1 } })
    expect(stream.headers['content-type']).toBe('text/event-stream')
    expect(stream.body).toContain('hi for ada')
  })

  it('answers GET and DELETE with 405 and what is allowed', async () => {
    const { app } = await gateway()
    for (const method of ['GET', 'DELETE'] as const) {
      const answer = await app.inject({ method, url: '/mcp', headers: { authorization: 'Bearer good' } })
      expect(answer.statusCode).toBe(405)
      expect(answer.headers.allow).toBe('POST, OPTIONS')
      expect(answer.json()).toMatchObject({ jsonrpc: '2.0', id: null, error: { code: -32000 } })
    }
  })

  it('words the refusals of a body as JSON-RPC', async () => {
    const { app } = await gateway({ bodyLimit: 64 })
    const post = (headers: Record<string, string>, payload: string) =>
      app.inject({ method: 'POST', url: '/mcp', headers: { ...mcpHeaders, ...headers }, payload })
    const malformed = await post({}, '{"jsonrpc"')
    expect([malformed.statusCode, malformed.json().error.code]).toEqual([400, -32700])
    const large = await post({}, JSON.stringify('x'.repeat(100)))
    expect([large.statusCode, large.json().error.message]).toEqual([413, 'The request body is too large'])
    const typed = await post({ 'content-type': 'text/plain' }, 'hello')
    expect([typed.statusCode, typed.json().jsonrpc]).toEqual([415, '2.0'])
    const poisoned = await post({}, '{"__proto__":{"a":1}}')
    expect(poisoned.statusCode).toBe(400)
  })

  it('refuses a message that claims the newest era badly', async () => {
    const { app } = await gateway()
    const headers = { ...mcpHeaders, 'mcp-protocol-version': '2026-07-28' }
    const answer = await app.inject({ method: 'POST', url: '/mcp', headers, payload: rpc('tools/list') })
    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toMatchObject({ jsonrpc: '2.0' })
  })

  it('writes a line per call to the log of its request: no person, no arguments, no token', async () => {
    const lines: string[] = []
    const stream = { write: (line: string) => void lines.push(line) }
    const { app } = await gateway({}, { server: { logger: { level: 'info', stream } } })
    const payload = rpc('tools/call', { name: 'echo', arguments: { text: 'argument' } })
    await app.inject({ method: 'POST', url: '/mcp', headers: mcpHeaders, payload })
    const line = lines.find((one) => one.includes('mcp call'))
    expect(JSON.parse(line ?? '{}')).toMatchObject({
      tool: 'echo',
      outcome: 'allowed',
      requests: 0,
      duration: 1,
    })
    expect(JSON.parse(line ?? '{}')).toHaveProperty('reqId')
    expect(lines.join('')).not.toMatch(/argument|Bearer|good|ada|p-1/)
  })

  it('logs a fault without its message', async () => {
    const lines: string[] = []
    const stream = { write: (line: string) => void lines.push(line) }
    const { app } = await gateway({}, { server: { logger: { level: 'info', stream } } })
    const payload = rpc('tools/call', { name: 'fail' })
    await app.inject({ method: 'POST', url: '/mcp', headers: mcpHeaders, payload })
    expect(lines.join('')).toContain('TypeError')
    expect(lines.join('')).not.toContain('secret')
  })

  it('answers a fault of a transport with a fixed text, and ends what was begun', async () => {
    const { app } = await gateway()
    const url = new URL('/mcp', await listen(app))
    const ask = () =>
      fetch(url, { method: 'POST', headers: mcpHeaders, body: JSON.stringify(rpc('ping', {}, 'p')) })
    const transport = vi.spyOn(WebStandardStreamableHTTPServerTransport.prototype, 'handleRequest')
    transport.mockRejectedValueOnce(new Error('secret'))
    const answer = await ask()
    expect(answer.status).toBe(500)
    expect(await answer.json()).toEqual({
      jsonrpc: '2.0',
      id: 'p',
      error: { code: -32603, message: 'Internal error' },
    })
    transport.mockImplementationOnce(async () => {
      const broken = new ReadableStream({
        start: (controller) => controller.enqueue(Buffer.from('half')),
        pull: (controller) => controller.error(new Error('secret')),
      })
      return new Response(broken, { headers: { 'content-type': 'text/event-stream' } })
    })
    await expect(ask().then((begun) => begun.text())).rejects.toThrow()
  })
})
