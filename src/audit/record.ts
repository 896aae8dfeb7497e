import type { ErrorCode } from '../errors.ts'

/** What is kept of one call: who, what, when and how it ended. No arguments, no values, no token. */
export interface CallRecord {
  readonly kind: 'tool' | 'resource'
  /** Name of the tool, or URI template of the resource. */
  readonly name: string
  readonly issuer: string
  readonly subject: string
  readonly client: string | undefined
  /** What was decided on, where it came to a decision. The id of a patient stands in `patient` alone. */
  readonly target: { readonly kind: string; readonly id: string | undefined } | undefined
  readonly outcome: 'allowed' | 'denied' | 'failed'
  readonly code: ErrorCode | undefined
  /** Requests that reached the exchange for this call. */
  readonly requests: number
  /** Milliseconds. */
  readonly duration: number
  /** ISO instant of the end. */
  readonly time: string
}

/** Takes a record. It must not throw. */
export type Audit = (record: CallRecord) => void

const denials = new Set<ErrorCode>([
  'FHIR_MCP_FORBIDDEN',
  'FHIR_MCP_INSUFFICIENT_SCOPE',
  'FHIR_MCP_NO_PERMISSIONS',
  'FHIR_MCP_TOKEN_EXPIRED',
])

/** Whether a code says that the caller may not, rather than that something failed. */
export function isDenialCode(code: ErrorCode): boolean {
  return denials.has(code)
}
