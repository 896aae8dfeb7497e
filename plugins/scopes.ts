import type { FastifyRequest } from 'fastify'
import { fhirMcpError } from '../src/errors.ts'
import type { McpService } from '../src/mcp/service.ts'
import { bearerOfRequest } from './bearer.ts'

/**
 * Before anything is dispatched: throws INSUFFICIENT_SCOPE with all scopes that the tool calls of this body lack, so that a
 * client can ask for them at once. Streamable HTTP alone: clients of HTTP+SSE cannot, they get an answer with the error.
 */
export function createScopeCheck(service: Pick<McpService, 'missingScopes'>) {
  return async (request: FastifyRequest): Promise<void> => {
    const { principal } = bearerOfRequest(request)
    const missing = toolsCalled(request.body).flatMap((tool) => service.missingScopes(principal, tool) ?? [])
    if (missing.length > 0) throw fhirMcpError('INSUFFICIENT_SCOPE', { scopes: [...new Set(missing)] })
  }
}

/** Names of the tools that a body calls, be it one message or a batch. */
function toolsCalled(body: unknown): string[] {
  const messages: readonly unknown[] = Array.isArray(body) ? body : [body]
  return messages.flatMap((message) => {
    const name = isToolCall(message) ? message.params.name : undefined
    return typeof name === 'string' ? [name] : []
  })
}

function isToolCall(message: unknown): message is { params: { name?: unknown } } {
  if (typeof message !== 'object' || message === null || !('method' in message)) return false
  if (message.method !== 'tools/call' || !('params' in message)) return false
  return typeof message.params === 'object' && message.params !== null
}
