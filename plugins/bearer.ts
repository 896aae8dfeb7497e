import type { FastifyReply, FastifyRequest } from 'fastify'
import type { CallLine } from '../src/audit/record.ts'
import { fhirMcpError, isFhirMcpError } from '../src/errors.ts'
import type { McpService } from '../src/mcp/service.ts'
import { keepBearer } from './bearer-of-request.ts'
import { clientSignal } from './client-signal.ts'
import { hasSeveral } from './header-lines.ts'
import type { Limits } from './limits.ts'

const unreadableClaimText = 'a claim of a token cannot be read: `at` is its first wrong element'

/** RFC 6750 §2.1: the header, and nothing but the header; a token in a query is no token. */
const credentials = /^Bearer +([A-Za-z0-9\-._~+/]+=*)$/i

/**
 * Verifies the bearer of every request before its body is read. Throws UNAUTHENTICATED without a bearer, TOKEN_INVALID for
 * a malformed one and for two, RATE_LIMITED for an address that has sent too many bad ones, and what `identify` throws. A known
 * person whose claim is refused leaves a record.
 */
export function createBearerCheck(
  service: Pick<McpService, 'identify' | 'keepRefusedBearer'>,
  limits: Pick<Limits, 'countCall' | 'refusedTokens'>,
) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (hasSeveral(request.raw.rawHeaders, 'authorization')) throw severalTokens()
    const { authorization } = request.headers
    if (authorization === undefined || !/^Bearer\b/i.test(authorization))
      throw fhirMcpError('UNAUTHENTICATED')
    const token = credentials.exec(authorization)?.[1]
    if (token === undefined) throw fhirMcpError('TOKEN_INVALID')
    const record = (call: CallLine) => logCall(request, call)
    const principal = await limits.refusedTokens
      .identify(request, token, () => service.identify(token, clientSignal(reply)))
      .catch(async (thrown: unknown) => {
        if (isFhirMcpError(thrown)) {
          if (thrown.at !== undefined) {
            request.log.warn({ code: thrown.code, at: thrown.at }, unreadableClaimText)
          }
          await service.keepRefusedBearer({ name: nameOf(request), record }, thrown)
        }
        throw thrown
      })
    keepBearer(request, { principal, token, record, admit: () => limits.countCall(request) })
  }
}

/** What a request is called before it is read: `POST /mcp`. Never its URL, which may have a query. */
function nameOf({ method, routeOptions }: FastifyRequest): string {
  return `${method} ${routeOptions.url}`
}

function severalTokens() {
  return fhirMcpError('TOKEN_INVALID', { detail: 'The request has more than one Authorization header.' })
}

/** What the request's log says of a call: nobody by name or id, and no arguments; that is the audit's. */
function logCall({ log }: FastifyRequest, line: CallLine): void {
  log.info(line, 'mcp call')
}
