import { type ErrorName, FhirMcpError } from '../errors.ts'

/** JSON-RPC 2.0 error codes that leave this package. */
export const rpcCodes = {
  parse: -32700,
  invalidRequest: -32600,
  invalidParams: -32602,
  internal: -32603,
  /** Refusals that JSON-RPC has no code for: who calls, how, or too often. */
  refused: -32000,
} as const

/** What `error` of a JSON-RPC response holds. `data.code` is the code of the catalog. */
export interface RpcErrorBody {
  readonly code: number
  readonly message: string
  readonly data?: Readonly<Record<string, unknown>>
}

/** A failure that both SDKs answer as a JSON-RPC error: they read `code` and `data` from whatever a handler throws. */
export class RpcError extends Error {
  readonly code: number
  readonly data: Readonly<Record<string, unknown>> | undefined

  constructor(body: RpcErrorBody) {
    super(body.message)
    this.name = 'RpcError'
    this.code = body.code
    this.data = body.data
  }
}

const invalidParams = new Set<string>(
  (['FORBIDDEN', 'INVALID_ARGUMENT', 'AMBIGUOUS', 'NOT_SUPPORTED_BY_EXCHANGE'] satisfies ErrorName[]).map(
    (name) => `FHIR_MCP_${name}`,
  ),
)

/** Something thrown as a JSON-RPC error. What is not of the catalog becomes a fixed text. */
export function rpcErrorBody(thrown: unknown): RpcErrorBody {
  if (thrown instanceof RpcError) {
    const { code, message, data } = thrown
    return data === undefined ? { code, message } : { code, message, data }
  }
  if (!(thrown instanceof FhirMcpError)) return { code: rpcCodes.internal, message: 'Internal error' }
  return { code: rpcCodeOf(thrown), message: thrown.message, data: dataOf(thrown) }
}

/** The JSON-RPC code of a failure: what was asked for (-32602), who asks (-32000), or the server's side (-32603). */
function rpcCodeOf(error: FhirMcpError): number {
  if (invalidParams.has(error.code)) return rpcCodes.invalidParams
  return error.statusCode < 500 ? rpcCodes.refused : rpcCodes.internal
}

function dataOf(error: FhirMcpError): Record<string, unknown> {
  return {
    code: error.code,
    cure: error.entry.cure,
    ...(error.scopes.length > 0 ? { scopes: error.scopes } : {}),
    ...(error.choices.length > 0 ? { choices: error.choices } : {}),
    ...(error.retryAfter === undefined ? {} : { retryAfter: error.retryAfter }),
  }
}
