import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { drainOnClose } from '../../src/cli/drain.ts'

let app: FastifyInstance
let agent: Agent
let arrived: Promise<void>
let answer: () => void

/** A server whose POST to /slow is answered when the test says so, by Fastify or past it. */
async function start(
  { patience, ...options }: { readonly return503OnClosing: boolean; readonly patience?: number },
  drained = true,
): Promise<number> {
  app = Fastify(options)
  if (drained) drainOnClose(app, patience)
  const answered = new Promise<void>((resolve) => {
    answer = resolve
  })
  arrived = new Promise((resolve) => {
    app.post<{ Querystring: { hijacked?: string } }>('/slow', async ({ query }, reply) => {
      resolve()
      if (query.hijacked === undefined) {
        await answered
        return 'slow'
      }
      reply.hijack()
      await answered
      reply.raw.writeHead(200, { 'content-type': 'text/plain' }).end('slow')
    })
  })
  app.post('/', async () => 'quick')
  await app.listen({ host: '127.0.0.1', port: 0 })
  return (app.server.address() as AddressInfo).port
}

async function post(
  port: number,
  path: string,
): Promise<{ status: number; connection: string; body: string }> {
  const sent = request({ port, path, host: '127.0.0.1', method: 'POST', agent }).end()
  const [response]: IncomingMessage[] = await once(sent, 'response')
  let body = ''
  if (response !== undefined) for await (const chunk of response) body += chunk
  return { status: response?.statusCode ?? 0, connection: response?.headers.connection ?? '', body }
}

beforeEach(() => {
  agent = new Agent({ keepAlive: true, maxSockets: 1 })
})
afterEach(async () => {
  agent.destroy()
  await app.close()
})

describe('a server that is closed', () => {
  it.each(['/slow', '/slow?hijacked=1'])(
    'answers what is in flight (%s), says that the connection ends, and lets nobody connect',
    async (path) => {
      const port = await start({ return503OnClosing: false })
      const inFlight = post(port, path)
      await arrived
      const closed = app.close()
      const [refused] = await once(connect(port, '127.0.0.1'), 'error')
      expect(refused).toMatchObject({ code: 'ECONNREFUSED' })
      answer()
      expect(await inFlight).toEqual({ status: 200, connection: 'close', body: 'slow' })
      await closed
    },
  )

  it('answers a request that comes meanwhile on a connection that was open before', async () => {
    const port = await start({ return503OnClosing: false })
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    const inFlight = post(port, '/slow')
    await arrived
    const closed = app.close()
    await once(connect(port, '127.0.0.1'), 'error')
    socket.write('POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 0\r\n\r\n')
    const [answered] = await once(socket, 'data')
    expect(String(answered)).toMatch(/^HTTP\/1\.1 200 .*connection: close.*quick$/is)
    answer()
    expect((await inFlight).status).toBe(200)
    await closed
  })

  it('does not wait for a request that is never sent to its end, beyond its patience', async () => {
    const port = await start({ return503OnClosing: false, patience: 50 })
    const socket = connect(port, '127.0.0.1')
    const gone = once(socket, 'close')
    const seen = new Promise((resolve) => app.server.once('request', resolve))
    const head = 'host: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 9'
    socket.write(`POST / HTTP/1.1\r\n${head}\r\n\r\n{`)
    await seen
    await app.close()
    await gone
  })

  it('does not wait for a connection that nobody has used', async () => {
    const port = await start({ return503OnClosing: false })
    const unused = connect(port, '127.0.0.1')
    await once(unused, 'connect')
    await post(port, '/')
    const gone = once(unused, 'close')
    await app.close()
    await gone
  })

  it('has its connections kept without all that: the control', async () => {
    const port = await start({ return503OnClosing: true }, false)
    const inFlight = post(port, '/slow?hijacked=1')
    await arrived
    const closed = app.close()
    answer()
    expect((await inFlight).connection).toBe('keep-alive')
    agent.destroy()
    await closed
  })
})
