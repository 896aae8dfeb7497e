import { FhirMcpError, fhirMcpError } from '../src/errors.ts'
import { type RpcErrorBody, rpcCodes, rpcErrorBody } from '../src/mcp/rpc-error.ts'

/** The id of a JSON-RPC request; null where it is not known. */
export type RpcId = string | number | null

/** What a client that has to sign in is told. */
export interface Challenge {
  /** Where the metadata is that names the authorization server (RFC 9728 §5.1). */
  readonly metadataUrl: () => string
  /** Scopes that every token needs here. */
  readonly scopes: readonly string[]
}

/** An HTTP answer that says no, with a JSON-RPC error as its body. */
export interface Refusal {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: { readonly jsonrpc: '2.0'; readonly id: RpcId; readonly error: RpcErrorBody }
}

/** A refusal in words of the protocol alone: wrong method, host, body. */
export function protocolRefusal(
  status: number,
  message: string,
  code: number = rpcCodes.refused,
  id: RpcId = null,
): Refusal {
  return { status, headers: {}, body: { jsonrpc: '2.0', id, error: { code, message } } }
}

/**
 * Anything thrown while a request was handled, as an answer: errors of the catalog with their status and challenge (RFC 6750
 * §3, RFC 9728 §5.1), Fastify's refusals of a body in JSON-RPC's words, anything else as a 500 with a fixed text.
 * `challenge` is what a client that has to sign in is told; `retryAfter`, in seconds, is what another plugin's
 * limit said.
 */
export function refusalOf(
  thrown: unknown,
  challenge: Challenge,
  id: RpcId = null,
  retryAfter?: number,
): Refusal {
  if (thrown instanceof FhirMcpError) {
    const body = { jsonrpc: '2.0', id, error: rpcErrorBody(thrown) } as const
    return { status: thrown.statusCode, headers: headersOf(thrown, challenge), body }
  }
  switch (statusOf(thrown)) {
    case 400:
      return protocolRefusal(400, 'Parse error: the body is not valid JSON', rpcCodes.parse)
    case 413:
      return protocolRefusal(413, 'The request body is too large')
    case 415:
      return protocolRefusal(415, 'Content-Type must be application/json')
    case 429:
      return refusalOf(tooMuch(retryAfter), challenge, id)
    case 503: {
      const overloaded = tooMuch(retryAfter, 'The server is overloaded.')
      return { ...refusalOf(overloaded, challenge, id), status: 503 }
    }
    case 500:
      return protocolRefusal(500, 'Internal error', rpcCodes.internal, id)
    default:
      return protocolRefusal(statusOf(thrown), 'The request was refused', rpcCodes.refused, id)
  }
}

function tooMuch(retryAfter: number | undefined, detail?: string): FhirMcpError {
  return fhirMcpError('RATE_LIMITED', {
    ...(detail === undefined ? {} : { detail }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
  })
}

/** The 4xx status that an error of Fastify or of another plugin asks for, or 503; 500 for everything else. */
function statusOf(thrown: unknown): number {
  const status =
    typeof thrown === 'object' && thrown !== null && 'statusCode' in thrown ? thrown.statusCode : undefined
  if (typeof status !== 'number') return 500
  return (status >= 400 && status < 500) || status === 503 ? status : 500
}

function headersOf(error: FhirMcpError, challenge: Challenge): Record<string, string> {
  const retry = error.retryAfter === undefined ? {} : { 'retry-after': String(error.retryAfter) }
  const said = challengeOf(error, challenge)
  return said === undefined ? retry : { ...retry, 'www-authenticate': said }
}

/** No `error` where there was no token (RFC 6750 §3.1); no challenge where a new sign-in would not help. */
function challengeOf(error: FhirMcpError, { metadataUrl, scopes }: Challenge): string | undefined {
  const metadata = () => `resource_metadata="${metadataUrl()}"`
  const needed = scopes.length === 0 ? '' : `scope="${scopes.join(' ')}", `
  if (error.code === 'FHIR_MCP_UNAUTHENTICATED') return `Bearer ${needed}${metadata()}`
  if (error.statusCode === 401) {
    return `Bearer error="invalid_token", error_description="${error.entry.message}", ${needed}${metadata()}`
  }
  if (error.code === 'FHIR_MCP_INSUFFICIENT_SCOPE') {
    return `Bearer error="insufficient_scope", scope="${[...new Set([...scopes, ...error.scopes])].join(' ')}", ${metadata()}`
  }
  return undefined
}
