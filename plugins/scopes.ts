import type { FastifyRequest } from 'fastify'
import { whyScopesNarrow } from '../src/access/scopes.ts'
import { type FhirMcpError, fhirMcpError, isFhirMcpError } from '../src/errors.ts'
import type { Bearer } from '../src/mcp/bearers.ts'
import type { McpService } from '../src/mcp/service.ts'
import { bearerOfRequest } from './bearer-of-request.ts'

/**
 * Before anything is dispatched: throws INSUFFICIENT_SCOPE with all scopes that the tool calls of this body lack, so that a
 * client can ask for them at once. Streamable HTTP alone: clients of HTTP+SSE cannot, they get an answer with the error.
 */
export function createScopeCheck(service: Pick<McpService, 'missingScopes' | 'keepRefusal'>) {
  return async (request: FastifyRequest): Promise<void> => {
    const bearer = bearerOfRequest(request)
    const lacking = toolsCalled(request.body).map((called) => ({
      called,
      missing: service.missingScopes({ principal: bearer.principal, ...called }) ?? [],
    }))
    const missing = lacking.flatMap((one) => one.missing)
    if (missing.length === 0) return
    const error =
      (await overLimit(bearer, lacking.length)) ??
      fhirMcpError('INSUFFICIENT_SCOPE', {
        scopes: [...new Set(missing)],
        detail: whyScopesNarrow(bearer.principal.scopes),
      })
    await Promise.all(lacking.map(({ called }) => service.keepRefusal({ ...bearer, ...called }, error)))
    throw error
  }
}

/** Calls that are refused here count as well. Their limit comes before the scopes: a client that asks again only adds to it. */
async function overLimit({ admit }: Bearer, calls: number): Promise<FhirMcpError | undefined> {
  try {
    for (let counted = 0; counted < calls; counted += 1) await admit?.()
    return undefined
  } catch (thrown) {
    if (isFhirMcpError(thrown)) return thrown
    throw thrown
  }
}

interface Called {
  readonly name: string
  readonly arguments: unknown
}

/** The tools that a body calls, be it one message or a batch. */
function toolsCalled(body: unknown): Called[] {
  const messages: readonly unknown[] = Array.isArray(body) ? body : [body]
  return messages.flatMap((message) => {
    if (!isToolCall(message)) return []
    const { name, arguments: given } = message.params
    return typeof name === 'string' ? [{ name, arguments: given }] : []
  })
}

function isToolCall(message: unknown): message is { params: { name?: unknown; arguments?: unknown } } {
  if (typeof message !== 'object' || message === null || !('method' in message)) return false
  if (message.method !== 'tools/call' || !('params' in message)) return false
  return typeof message.params === 'object' && message.params !== null
}
