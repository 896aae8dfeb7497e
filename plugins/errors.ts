import type { FastifyReply, FastifyRequest } from 'fastify'
import { giveWay } from '../src/give-way.ts'
import { describeFault } from '../src/mcp/fault.ts'
import { type Challenge, type Refusal, type RpcId, refusalOf } from './refusal.ts'
import { sendJson } from './send-json.ts'

/** Sends a refusal. A connection on which the rest of a body would still come ends with it: nobody reads that any more. */
export function sendRefusal(reply: FastifyReply, { status, headers, body }: Refusal): FastifyReply {
  const closing = isUnread(reply.request) ? { connection: 'close' } : {}
  return sendJson(reply.code(status).headers({ ...headers, ...closing }), body)
}

/** Over HTTP/2 there is a stream for each request, and no such header (RFC 9113 §8.2.2). */
function isUnread({ raw, headers }: FastifyRequest): boolean {
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
  return hasBody && raw.httpVersionMajor === 1 && !raw.complete
}

/** The id of the request in a body; null for a batch, a notification, or what is no JSON-RPC. */
export function rpcIdOf(body: unknown): RpcId {
  if (typeof body !== 'object' || body === null || !('id' in body)) return null
  return typeof body.id === 'string' || typeof body.id === 'number' ? body.id : null
}

/** The error handler of the MCP routes alone: JSON-RPC in place of Fastify's own bodies. */
export function createErrorHandler(challenge: Challenge) {
  return async (thrown: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    // A body that came together with its head is taken in before anything is said of it.
    if (isUnread(request)) await giveWay()
    const refusal = refusalOf(thrown, challenge, rpcIdOf(request.body), retryAfterOf(reply))
    if (refusal.status === 500) request.log.error({ fault: describeFault(thrown) }, 'request failed')
    return sendRefusal(reply, refusal)
  }
}

/** Seconds that a limit of the gateway's own has put on the answer; undefined where there are none. */
function retryAfterOf(reply: FastifyReply): number | undefined {
  const seconds = Number(reply.getHeader('retry-after') ?? Number.NaN)
  return Number.isFinite(seconds) ? seconds : undefined
}
