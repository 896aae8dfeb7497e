import { IncomingMessage, ServerResponse } from 'node:http'
import { connect, Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { endUnread } from '../../plugins/unread.ts'
import { gateway, listen, mcpHeaders, rpc } from './gateway.ts'
import { createServiceDouble, principalOf } from './service-double.ts'

const headers = { ...mcpHeaders, 'mcp-protocol-version': '2025-03-26' }
const post = (app: FastifyInstance, payload: unknown, token = 'good') =>
  app.inject({
    method: 'POST',
    url: '/mcp',
    headers: { ...headers, authorization: `Bearer ${token}` },
    payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
  })
const echo = (id: number | string, text = 'hi') =>
  rpc('tools/call', { name: 'echo', arguments: { text } }, id)
const invalid = { jsonrpc: '2.0', error: { code: -32600 } }

describe('a message', () => {
  it.each([
    ['lists', '['.repeat(5000) + ']'.repeat(5000)],
    ['objects', `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`],
    ['arguments', JSON.stringify(echo(1)).replace('"hi"', '['.repeat(5000) + ']'.repeat(5000))],
    ['a batch', `[${JSON.stringify(echo(1)).replace('"hi"', '['.repeat(5000) + ']'.repeat(5000))}]`],
  ])('of %s that stand in each other 5,000 deep is refused as what it is', async (_, payload) => {
    const { app, double } = await gateway()
    const answer = await post(app, payload)
    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toMatchObject(invalid)
    expect(double.calls).toHaveLength(0)
    expect((await post(app, echo(1))).statusCode).toBe(200)
  })

  it('that is as deep as arguments may be is read', async () => {
    const { app } = await gateway()
    const deep = JSON.stringify(echo(1)).replace('"hi"', `${'['.repeat(90)}${']'.repeat(90)}`)
    expect((await post(app, deep)).statusCode).toBe(200)
  })

  it.each(['/mcp', '/messages?sessionId=none'])(
    'with a long id or progress token is refused: %s',
    async (url) => {
      const { app, double } = await gateway()
      const send = (payload: unknown) =>
        app.inject({ method: 'POST', url, headers, payload: JSON.stringify(payload) })
      const long = 'x'.repeat(257)
      const progress = rpc('tools/call', { ...echo(1).params, _meta: { progressToken: long } })
      for (const payload of [echo(long), [echo(1), echo(long)], progress]) {
        const answer = await send(payload)
        expect(answer.statusCode).toBe(400)
        expect(answer.body).not.toContain(long)
      }
      expect(double.calls).toHaveLength(0)
      // As long as they may be they are taken (control); there is no such stream to take them to.
      const fits = (await send(echo('x'.repeat(256)))).statusCode
      expect(fits).toBe(url === '/mcp' ? 200 : 404)
    },
  )

  it('of a batch shares its id with no other request of it', async () => {
    const { app, double } = await gateway()
    const twice = await post(app, [echo(7, 'one'), echo(7, 'two')])
    expect(twice.statusCode).toBe(400)
    expect(twice.json()).toMatchObject(invalid)
    expect(double.calls).toHaveLength(0)
    const two: { id: number | string }[] = (await post(app, [echo(7, 'one'), echo('7', 'two')])).json()
    expect(new Set(two.map(({ id }) => id))).toEqual(new Set([7, '7']))
  })
})

describe('messages of one person', () => {
  it('count whatever they ask for, each of a batch by itself, over all of their clients', async () => {
    const clock = { now: 1_700_000_000_000 }
    const double = createServiceDouble()
    double.tokens.set('bob', principalOf('bob'))
    double.tokens.set('other-client', principalOf('ada', { client: 'another' }))
    const { app } = await gateway(
      { limits: { messagesPerPrincipal: 4 } },
      { double, parts: { now: () => clock.now } },
    )
    const batch = [1, 2, 3].map((id) => rpc('ping', {}, id))
    expect((await post(app, batch)).statusCode).toBe(200)
    expect((await post(app, rpc('tools/list'))).statusCode).toBe(200)
    clock.now += 20_000
    for (const token of ['good', 'other-client']) {
      const refused = await post(app, rpc('ping'), token)
      expect(refused.statusCode).toBe(429)
      expect(refused.headers['retry-after']).toBe('40')
      expect(refused.json()).toMatchObject({ id: 1, error: { data: { code: 'FHIR_MCP_RATE_LIMITED' } } })
    }
    expect((await post(app, rpc('ping'), 'bob')).statusCode).toBe(200)
    clock.now += 40_000
    expect((await post(app, rpc('ping'))).statusCode).toBe(200)
  })
})

/** A connection that sends what it is told, and reads when it is told. */
async function rawClient(url: URL): Promise<Socket> {
  const socket = connect(Number(url.port), '127.0.0.1')
  socket.on('error', () => undefined)
  onTestFinished(() => void socket.destroy())
  await new Promise<void>((resolve) => socket.once('connect', resolve))
  return socket
}

function requestText(method: string, path: string, body = ''): string {
  return [
    `${method} ${path} HTTP/1.1`,
    'host: 127.0.0.1',
    'authorization: Bearer good',
    'accept: application/json, text/event-stream',
    ...(body === '' ? [] : ['content-type: application/json', `content-length: ${Buffer.byteLength(body)}`]),
    '',
    body,
  ].join('\r\n')
}

describe('a stream that is not read', () => {
  it('is closed once so much waits in it; one that is read goes on', async () => {
    const { app } = await gateway()
    const url = await listen(app)
    const streams = await Promise.all([rawClient(url), rawClient(url)])
    const endpoints = await Promise.all(
      streams.map(async (socket) => {
        socket.write(requestText('GET', '/sse'))
        let text = ''
        return new Promise<string>((resolve) => {
          socket.on('data', (chunk) => {
            text = `${text}${chunk}`.slice(-2000)
            const path = /data: (\/\S+)/.exec(text)?.[1]
            if (path !== undefined) resolve(path)
          })
        })
      }),
    )
    const [unread] = streams
    unread?.pause()
    const say = (endpoint: string, id: number) =>
      app.inject({
        method: 'POST',
        url: endpoint,
        headers,
        payload: JSON.stringify(echo(id, 'x'.repeat(300_000))),
      })
    const [left = '', kept = ''] = endpoints
    const statuses = new Set<number>()
    // Each answer has the text twice: 60 of them are 36 MB, of which a kernel takes a few.
    for (let id = 0; id < 60; id += 1) {
      statuses.add((await say(left, id)).statusCode)
      expect((await say(kept, id)).statusCode).toBe(202)
      await new Promise(setImmediate)
    }
    expect(statuses).toEqual(new Set([202, 404]))
    expect((await say(kept, 100)).statusCode).toBe(202)
  })

  it('of one answer ends after a minute, and not where the answer was taken', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    for (const isTaken of [false, true]) {
      const raw = new ServerResponse(new IncomingMessage(new Socket()))
      endUnread(raw)
      vi.advanceTimersByTime(59_999)
      expect(raw.destroyed).toBe(false)
      if (isTaken) raw.emit('finish')
      vi.advanceTimersByTime(1)
      expect(raw.destroyed).toBe(!isTaken)
    }
  })
})

describe('a request whose body does not come', () => {
  const bad = (body: string, length = Buffer.byteLength(body)) =>
    requestText('POST', '/mcp', 'x')
      .replace('good', 'bad')
      .replace('content-length: 1', `content-length: ${length}`)
      .slice(0, -1) + body

  it('is refused by its token, and its connection ends; one that came whole leaves it open', async () => {
    const { app } = await gateway({}, { server: { requestTimeout: 0 } })
    const url = await listen(app)
    const slow = await rawClient(url)
    let said = ''
    slow.on('data', (chunk) => {
      said += chunk
    })
    const ended = new Promise<void>((resolve) => slow.once('close', () => resolve()))
    slow.write(bad('{"jsonrpc"', 1000))
    await ended
    expect(said).toMatch(/^HTTP\/1\.1 401 /)
    expect(said).toMatch(/connection: close/i)

    const whole = await rawClient(url)
    let answers = ''
    whole.on('data', (chunk) => {
      answers += chunk
    })
    for (const times of [1, 2]) {
      whole.write(bad(JSON.stringify(rpc('ping'))))
      await expect.poll(() => answers.match(/HTTP\/1\.1 401 /g)?.length ?? 0, { timeout: 5000 }).toBe(times)
    }
    expect(answers).not.toMatch(/connection: close/i)
  })

  it.each([
    [0, 1],
    [30_000, 0],
  ])('is warned of at start where nothing ends it: requestTimeout %d', async (requestTimeout, times) => {
    const lines: string[] = []
    const stream = { write: (line: string) => void lines.push(line) }
    const { app } = await gateway({}, { server: { requestTimeout, logger: { level: 'warn', stream } } })
    await app.ready()
    expect(lines.filter((line) => line.includes('requestTimeout')).length).toBe(times)
  })
})
