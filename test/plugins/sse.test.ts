import { EventEmitter, once } from 'node:events'
import { get } from 'node:http'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import type { FastifyInstance } from 'fastify'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { patience } from '../patience.ts'
import { gateway, listen, rpc } from './gateway.ts'
import { createServiceDouble, principalOf } from './service-double.ts'

const authorized = { headers: { authorization: 'Bearer good' } }

async function sseClient(url: URL): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' })
  await client.connect(new SSEClientTransport(new URL('/sse', url), { requestInit: authorized }))
  onTestFinished(() => client.close())
  return client
}

/** A raw stream: what came over it, and when it ended. */
interface RawStream {
  readonly status: number
  readonly text: () => string
  /** Waits for a piece of text. */
  until(piece: string): Promise<void>
  readonly ended: Promise<void>
  close(): void
}

function openStream(url: URL, token: string): Promise<RawStream> {
  return new Promise((resolve, reject) => {
    const request = get(
      new URL('/sse', url),
      { agent: false, headers: { authorization: `Bearer ${token}` } },
      (response) => {
        let text = ''
        const events = new EventEmitter()
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
          events.emit('data')
        })
        response.on('error', () => undefined)
        onTestFinished(() => void request.destroy())
        resolve({
          status: response.statusCode ?? 0,
          text: () => text,
          async until(piece) {
            while (!text.includes(piece)) await once(events, 'data')
          },
          ended: new Promise((done) => response.once('close', () => done())),
          close: () => void request.destroy(),
        })
      },
    )
    request.on('error', reject)
  })
}

async function endpointOf(stream: RawStream): Promise<string> {
  await stream.until('\n\n')
  return /data: (\S+)/.exec(stream.text())?.[1] ?? ''
}

function post(app: FastifyInstance, endpoint: string, token: string, payload: object | string) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  return app.inject({ method: 'POST', url: endpoint, headers, payload })
}

const echo = rpc('tools/call', { name: 'echo', arguments: { text: 'hi' } }, 'echo-1')

describe('HTTP+SSE', () => {
  it('serves an older client: tools, calls, progress, resources', async () => {
    const { app } = await gateway()
    const client = await sseClient(await listen(app))
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('echo')
    const seen: number[] = []
    const onprogress = ({ progress }: { progress: number }) => void seen.push(progress)
    await client.callTool({ name: 'count_to', arguments: { n: 2 } }, undefined, { onprogress })
    expect(seen).toEqual([1, 2])
    expect((await client.readResource({ uri: 'fhir://capabilities' })).contents).toHaveLength(1)
  })

  it('serves several clients at once, each with a server of its own', async () => {
    const { app } = await gateway()
    const url = await listen(app)
    const clients = await Promise.all([sseClient(url), sseClient(url), sseClient(url)])
    const answers = await Promise.all(
      clients.map((client, index) => client.callTool({ name: 'echo', arguments: { text: `n${index}` } })),
    )
    expect(answers.map(({ structuredContent }) => structuredContent)).toEqual([
      { text: 'n0' },
      { text: 'n1' },
      { text: 'n2' },
    ])
  })

  it('aborts a call that the client cancels', async () => {
    const { app, double } = await gateway()
    const client = await sseClient(await listen(app))
    const cancel = new AbortController()
    const call = client
      .callTool({ name: 'wait_for_abort' }, undefined, { signal: cancel.signal })
      .catch(() => 'cancelled')
    const { signal } = await double.waiting
    const aborted = once(signal, 'abort')
    cancel.abort('enough')
    await aborted
    expect(await call).toBe('cancelled')
  })

  it('aborts the calls of a stream that the client closes', async () => {
    const { app, double } = await gateway()
    const client = await sseClient(await listen(app))
    void client.callTool({ name: 'wait_for_abort' }).catch(() => undefined)
    const { signal } = await double.waiting
    const aborted = once(signal, 'abort')
    await client.close()
    await aborted
    expect(signal.aborted).toBe(true)
  })

  it('tells the messages path as clients see it', async () => {
    const { app } = await gateway({ publicUrl: 'https://gateway.example.org/fhir' })
    const stream = await openStream(await listen(app), 'good')
    expect(await endpointOf(stream)).toMatch(/^\/fhir\/messages\?sessionId=/)
  })

  it('says 400 for what is no JSON-RPC message', async () => {
    const { app } = await gateway()
    const endpoint = await endpointOf(await openStream(await listen(app), 'good'))
    expect((await post(app, endpoint, 'good', { not: 'jsonrpc' })).json().error.code).toBe(-32600)
    expect((await post(app, endpoint, 'good', '{')).json().error.code).toBe(-32700)
  })
})

describe('an SSE session', () => {
  const swaps = [
    ['another person', principalOf('grace')],
    ['another issuer', principalOf('ada', { issuer: 'https://other.example.org' })],
    ['another client', principalOf('ada', { client: 'other' })],
    ['no client', principalOf('ada', { client: undefined })],
  ] as const

  for (const [who, principal] of swaps) {
    it(`is not found by ${who}, and nothing is called`, async () => {
      const { app, double } = await gateway()
      double.tokens.set('swapped', principal)
      const stream = await openStream(await listen(app), 'good')
      const endpoint = await endpointOf(stream)
      const answer = await post(app, endpoint, 'swapped', echo)
      expect(answer.statusCode).toBe(404)
      expect(answer.json().error.message).toBe('Session not found')
      expect(double.calls).toEqual([])
      expect((await post(app, endpoint, 'good', echo)).statusCode).toBe(202)
      await stream.until('echo-1')
      expect(stream.text()).toContain('hi for ada')
    })
  }

  it('reads the same when it never was', async () => {
    const { app, double } = await gateway()
    double.tokens.set('swapped', principalOf('grace'))
    const endpoint = await endpointOf(await openStream(await listen(app), 'good'))
    const foreign = await post(app, endpoint, 'swapped', echo)
    for (const query of ['?sessionId=none', '', '?sessionId=a&sessionId=b']) {
      const answer = await post(app, `/messages${query}`, 'good', echo)
      expect([answer.statusCode, answer.body]).toEqual([404, foreign.body])
    }
  })

  it('refuses a message whose own token does not hold', async () => {
    const { app, double } = await gateway()
    const endpoint = await endpointOf(await openStream(await listen(app), 'good'))
    expect((await post(app, endpoint, 'stolen', echo)).statusCode).toBe(401)
    expect(double.calls).toEqual([])
  })

  it('decides each message with its own token', async () => {
    const { app, double } = await gateway()
    double.tokens.set('newer', principalOf('ada', { patient: 'p-9' }))
    const stream = await openStream(await listen(app), 'good')
    await post(app, await endpointOf(stream), 'newer', echo)
    await stream.until('echo-1')
    expect(double.calls[0]).toMatchObject({ token: 'newer', principal: { patient: 'p-9' } })
  })

  it('leaves a call that lacks a scope to the service: its clients could not ask for more by a 403', async () => {
    const { app, double } = await gateway()
    const endpoint = await endpointOf(await openStream(await listen(app), 'good'))
    const answer = await post(app, endpoint, 'good', rpc('tools/call', { name: 'needs_scope' }))
    expect(answer.statusCode).toBe(202)
    expect(double.calls.map(({ name }) => name)).toEqual(['needs_scope'])
  })

  it('is one of a bounded number, over all and per principal', async () => {
    const { app, double } = await gateway({}, { parts: { total: 3, perPrincipal: 2 } })
    double.tokens.set('other', principalOf('grace'))
    const url = await listen(app)
    const first = await openStream(url, 'good')
    await openStream(url, 'good')
    expect((await openStream(url, 'good')).status).toBe(429)
    expect((await openStream(url, 'other')).status).toBe(200)
    expect((await openStream(url, 'other')).status).toBe(429)
    await endpointOf(first)
    first.close()
    await vi.waitFor(async () => expect((await openStream(url, 'good')).status).toBe(200), patience)
  })

  it('lets its calls end when the server stops, then closes', async () => {
    const { app, double } = await gateway()
    const stream = await openStream(await listen(app), 'good')
    const call = rpc('tools/call', { name: 'wait_for_abort' }, 'slow-1')
    expect((await post(app, await endpointOf(stream), 'good', call)).statusCode).toBe(202)
    await double.waiting
    const closing = app.close()
    double.release()
    await stream.ended
    await closing
    expect(stream.text()).toContain('slow-1')
    expect(double.events).toEqual(['call ended', 'service closed'])
  })
})

describe('the end of a token', () => {
  afterEach(() => void vi.useRealTimers())

  async function expiringStream() {
    vi.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
      now: 1_000_000_000,
    })
    const double = createServiceDouble()
    double.tokens.set('short', principalOf('ada', { expiresAt: 1_000_060 }))
    // A clock that jumps looks like an event loop that was stuck.
    const { app } = await gateway({ limits: { pressure: { eventLoopDelay: 0 } } }, { double })
    const stream = await openStream(await listen(app), 'short')
    const endpoint = await endpointOf(stream)
    let ended = false
    void stream.ended.then(() => {
      ended = true
    })
    return { app, double, stream, endpoint, hasEnded: () => ended }
  }

  it('closes the stream that it opened, at the second, and the session is gone', async () => {
    const { app, stream, endpoint, hasEnded } = await expiringStream()
    vi.advanceTimersByTime(59_999)
    expect((await post(app, endpoint, 'short', rpc('ping'))).statusCode).toBe(202)
    await stream.until('"result"')
    expect(hasEnded()).toBe(false)
    vi.advanceTimersByTime(1)
    await stream.ended
    expect((await post(app, endpoint, 'good', rpc('ping'))).statusCode).toBe(404)
  })

  it('a newer token of the same principal keeps the stream until that one ends', async () => {
    const { app, double, stream, endpoint, hasEnded } = await expiringStream()
    double.tokens.set('refreshed', principalOf('ada', { expiresAt: 1_000_120 }))
    await post(app, endpoint, 'refreshed', rpc('ping', {}, 'first'))
    await stream.until('first')
    vi.advanceTimersByTime(119_999)
    await post(app, endpoint, 'refreshed', rpc('ping', {}, 'second'))
    await stream.until('second')
    expect(hasEnded()).toBe(false)
    vi.advanceTimersByTime(1)
    await stream.ended
  })

  it('leaves time to answer what was taken before', async () => {
    const { app, double, stream, endpoint, hasEnded } = await expiringStream()
    await post(app, endpoint, 'short', rpc('tools/call', { name: 'wait_for_abort', arguments: {} }, 'taken'))
    await double.waiting
    vi.advanceTimersByTime(60_001)
    expect(hasEnded()).toBe(false)
    double.release()
    await stream.until('taken')
    await stream.ended
  })

  it('keeps an idle stream alive for proxies', async () => {
    const { stream } = await expiringStream()
    vi.advanceTimersByTime(25_000)
    await stream.until(': keep-alive')
  })
})
