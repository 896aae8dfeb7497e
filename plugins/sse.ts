import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Handlers } from '../src/mcp/handlers.ts'
import { rpcCodes } from '../src/mcp/rpc-error.ts'
import { createServerV1 } from '../src/mcp/server-v1.ts'
import type { Address } from './address.ts'
import { bearerOfRequest } from './bearer-of-request.ts'
import { sendRefusal } from './errors.ts'
import { hidden } from './hidden.ts'
import { hijack } from './hijack.ts'
import { protocolRefusal } from './refusal.ts'
import { sendText } from './send-json.ts'
import { slashedToo } from './slashed.ts'
import { createSseSessions, type StreamLimits } from './sse-sessions.ts'
import { createSseTransport } from './sse-transport.ts'

/** What the routes are made of. */
export interface SseRoutes {
  readonly handlers: Handlers
  readonly address: Address
  readonly limits: StreamLimits
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Proxies cut a stream on which nothing moves; most wait a minute. */
const keepAlive = 25_000

/**
 * HTTP+SSE (protocol 2024-11-05) for older clients: `GET /sse` opens a stream, `POST /messages?sessionId=` talks to it. Each
 * message is verified and decided with its own token, which has to be of the stream's principal; else 404.
 */
export async function sseRoutes(fastify: FastifyInstance, options: SseRoutes): Promise<void> {
  const { handlers, address, now } = options
  const sessions = createSseSessions(options.limits, now)
  const { sse, messages } = address.paths
  const route = { schema: hidden, exposeHeadRoute: false }

  async function open(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { principal } = bearerOfRequest(request)
    const transport = createSseTransport(address.messagesPath(), reply.raw)
    const server = createServerV1(handlers)
    sessions.add(transport, principal, () => void server.close())
    hijack(reply)
    const beat = setInterval(() => {
      if (!reply.raw.writableEnded) reply.raw.write(': keep-alive\n\n')
    }, keepAlive).unref()
    reply.raw.once('close', () => clearInterval(beat))
    await server.connect(transport)
  }

  async function take(
    request: FastifyRequest<{ Querystring: { sessionId?: unknown } }>,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const { sessionId } = request.query
    const id = typeof sessionId === 'string' ? sessionId : ''
    let delivered: boolean
    try {
      delivered = await sessions.deliver(id, bearerOfRequest(request), request.body)
    } catch {
      return sendRefusal(
        reply,
        protocolRefusal(400, 'The body is no JSON-RPC message', rpcCodes.invalidRequest),
      )
    }
    if (!delivered) return sendRefusal(reply, protocolRefusal(404, 'Session not found'))
    return sendText(reply.code(202), 'text/plain', 'Accepted')
  }

  for (const url of slashedToo(fastify, 'GET', sse)) fastify.get(url, route, open)
  for (const url of slashedToo(fastify, 'POST', messages)) fastify.post(url, route, take)

  fastify.addHook('preClose', () => sessions.drain())
}
