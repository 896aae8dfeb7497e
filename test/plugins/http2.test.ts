import { once } from 'node:events'
import { type ClientHttp2Session, connect, constants, type OutgoingHttpHeaders } from 'node:http2'
import Fastify, { type FastifyServerOptions } from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { OptionsInput } from '../../src/config/options.ts'
import { enough, mcpHeaders, pluginOf, rpc } from './gateway.ts'
import { createServiceDouble, type ServiceDouble } from './service-double.ts'

const publicUrl = 'https://gateway.example.org'

interface Http2Gateway {
  readonly double: ServiceDouble
  readonly session: ClientHttp2Session
  ask(headers: OutgoingHttpHeaders, body?: unknown): Promise<{ status: number; type: string; text: string }>
}

async function http2Gateway(options: Partial<OptionsInput> = {}): Promise<Http2Gateway> {
  const double = createServiceDouble()
  // Fastify's types have another instance for HTTP/2, which no plugin is typed for.
  const server: FastifyServerOptions = { logger: false, ...{ http2: true } }
  const app = Fastify(server)
  await app.register(pluginOf(double), { ...enough, ...options })
  const session = connect(await app.listen({ host: '127.0.0.1', port: 0 }))
  onTestFinished(async () => {
    double.release()
    session.destroy()
    await app.close()
  })
  return {
    double,
    session,
    async ask(headers, body) {
      const stream = session.request({ ':path': '/mcp', ...headers })
      const answered = once(stream, 'response')
      stream.end(body === undefined ? undefined : JSON.stringify(body))
      const [head] = await answered
      let text = ''
      for await (const chunk of stream.setEncoding('utf8')) text += chunk
      return { status: Number(head[':status']), type: String(head['content-type']), text }
    },
  }
}

const post = { ':method': 'POST', ...mcpHeaders }

describe('a gateway over HTTP/2', () => {
  it('serves a client that says whom it asks by :authority', async () => {
    const { ask } = await http2Gateway()
    const answer = await ask(post, rpc('tools/call', { name: 'echo', arguments: { text: 'hello' } }))
    expect([answer.status, answer.type]).toEqual([200, 'application/json'])
    expect(JSON.parse(answer.text)).toMatchObject({ result: { structuredContent: { text: 'hello' } } })
  })

  it('serves the newest era, progress and what needs no token', async () => {
    const { ask } = await http2Gateway()
    const progressing = rpc('tools/call', {
      name: 'count_to',
      arguments: { n: 2 },
      _meta: { progressToken: 1 },
    })
    const stream = await ask(post, progressing)
    expect([stream.status, stream.type]).toEqual([200, 'text/event-stream'])
    expect(stream.text).toContain('2 of 2')
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    }
    const modern = await ask(
      { ...post, 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' },
      rpc('tools/list', { _meta }),
    )
    expect(modern.status).toBe(200)
    expect(JSON.parse(modern.text).result.tools).toHaveLength(5)
    const metadata = await ask({ ':path': '/.well-known/oauth-protected-resource/mcp' })
    expect(metadata.status).toBe(200)
    expect((await ask({ ...post, authorization: '' }, rpc('tools/list'))).status).toBe(401)
  })

  it('refuses a foreign :authority, and a Host that says something else than it', async () => {
    const { ask } = await http2Gateway({ publicUrl })
    const status = async (headers: OutgoingHttpHeaders) =>
      (await ask({ ...post, ...headers }, rpc('tools/list'))).status
    expect(await status({ ':authority': 'gateway.example.org' })).toBe(200)
    expect(await status({ ':authority': 'evil.example' })).toBe(403)
    expect(await status({ ':authority': 'gateway.example.org', host: 'evil.example' })).toBe(403)
    expect(await status({ ':authority': 'evil.example', host: 'gateway.example.org' })).toBe(403)
  })

  it('serves an older client over HTTP+SSE', async () => {
    const { session } = await http2Gateway()
    const stream = session.request({ ':path': '/sse', authorization: mcpHeaders.authorization })
    const [head] = await once(stream, 'response')
    expect(head[':status']).toBe(200)
    const [first] = await once(stream.setEncoding('utf8'), 'data')
    expect(first).toContain('event: endpoint')
    stream.close()
  })

  it('aborts the call of a client that cancels its stream', async () => {
    const { double, session } = await http2Gateway()
    const stream = session.request({ ':path': '/mcp', ...post })
    stream.on('error', () => undefined)
    stream.end(JSON.stringify(rpc('tools/call', { name: 'wait_for_abort' })))
    const { signal } = await double.waiting
    const aborted = once(signal, 'abort')
    stream.close(constants.NGHTTP2_CANCEL)
    await aborted
    expect(signal.aborted).toBe(true)
  })
})
