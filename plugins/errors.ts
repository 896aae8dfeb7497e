import type { FastifyReply, FastifyRequest } from 'fastify'
import { describeFault } from '../src/mcp/fault.ts'
import { type Challenge, type Refusal, type RpcId, refusalOf } from './refusal.ts'
import { sendJson } from './send-json.ts'

/** Sends a refusal. */
export function sendRefusal(reply: FastifyReply, { status, headers, body }: Refusal): FastifyReply {
  return sendJson(reply.code(status).headers(headers), body)
}

/** The id of the request in a body; null for a batch, a notification, or what is no JSON-RPC. */
export function rpcIdOf(body: unknown): RpcId {
  if (typeof body !== 'object' || body === null || !('id' in body)) return null
  return typeof body.id === 'string' || typeof body.id === 'number' ? body.id : null
}

/** The error handler of the MCP routes alone: JSON-RPC in place of Fastify's own bodies. */
export function createErrorHandler(challenge: Challenge) {
  return (thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
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
