import type { ErrorCode } from '../errors.ts'
import type { ChainHead } from './chain.ts'

/** What a call was about: decided on, or asked for alone. */
export interface CallTarget {
  readonly kind: 'reach' | 'study' | 'organization' | 'patient'
  /** FHIR id. Undefined for the caller's whole reach, and where the caller named it by something else than an id. */
  readonly id: string | undefined
  /** The study within which a patient was asked for, by its id. */
  readonly study?: string | undefined
  /** False: the caller asked for it, and nothing allowed it. It may not exist. */
  readonly decided: boolean
}

/** What is kept of one call: who, what, when and how it ended. No values, no token. */
export interface CallRecord {
  /** UUID of the record. */
  readonly id: string
  /** ISO instant of the end. */
  readonly time: string
  /** `request`: one that was refused before it was read, since the person's claim cannot be used. */
  readonly kind: 'tool' | 'resource' | 'completion' | 'request'
  /** Name of the tool, URI template of the resource, or method and route of the request. */
  readonly name: string
  readonly issuer: string
  readonly subject: string
  readonly client: string | undefined
  /** Names of the arguments that were given, as far as the tool has them. Never a value. */
  readonly arguments: readonly string[]
  /** Undefined where the call is about nothing, or it is not known about what. */
  readonly target: CallTarget | undefined
  /** Ids of the patients whose resources or data are in the answer, `mostPatients` at most. */
  readonly patients: readonly string[]
  /** How many more there were. */
  readonly patientsCut?: number | undefined
  readonly outcome: 'allowed' | 'denied' | 'failed'
  readonly code: ErrorCode | undefined
  /** Milliseconds. */
  readonly duration: number
  /** Requests that reached the exchange for this call. */
  readonly requests: number
  /** Bytes that the exchange answered for it, packed as they came. */
  readonly received: number
  /** Bytes of the answer, structured and text together; 0 where nothing but an error was answered. */
  readonly bytes: number
}

/** Ids that one record holds at the most: a line stays below half a megabyte. */
export const mostPatients = 5000

/** What the ordinary log may say of a call. Ids of people are keyed hashes. */
export interface CallLine {
  /** Id of the record. */
  readonly record: string
  readonly outcome: CallRecord['outcome']
  readonly code: ErrorCode | undefined
  readonly duration: number
  readonly requests: number
  readonly subject: string
  /** Of the first twenty patients: those of the answer, or else the one that was asked for. */
  readonly patients?: readonly string[]
  readonly [kind: string]: unknown
}

/** How the audit fares. */
export interface AuditStatus {
  /** Records that could not be kept, so that their calls were refused (`refuse`) or went on (`continue`). */
  readonly failed: number
  /** Whether the last attempt to keep a record failed. */
  readonly failing: boolean
  /** The last record that is durable: kept elsewhere, it shows later whether records were taken from the end. */
  readonly head: ChainHead | undefined
  /** AuditEvents that the repository has taken. */
  readonly posted: number
  /** AuditEvents that the repository did not want; their records are in the file. */
  readonly skipped: number
}

/** Keeps the records of calls. */
export interface Audit {
  /**
   * Keeps the record of a call, which is answered once this resolves: the record is durable then. Throws STORAGE_UNAVAILABLE where
   * that failed and calls are to be refused then.
   */
  keep(record: CallRecord): Promise<void>
  /** The same for the ordinary log. */
  lineOf(record: CallRecord): CallLine
  status(): AuditStatus
  /** Resolves once all that was given is kept, as far as it can be. */
  close(): Promise<void>
}

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
