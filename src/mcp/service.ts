import type { Principal } from '../access/principal.ts'
import type { AuditStatus, CallLine } from '../audit/record.ts'
import type { FhirMcpError } from '../errors.ts'
import type { Identify } from '../identity/identify.ts'
import type { Answer } from '../results/answer.ts'
import type { ListedTool } from './listing.ts'
import type { Registry, ResourceBody } from './registry.ts'

/** Reports progress of a call: done, of how many where that is known, and in words. */
export type Progress = (done: number, total: number | undefined, message: string) => void

/** Who asks, with what, and until when. */
export interface Asker {
  readonly principal: Principal
  /** The caller's access token; sent on with `forward`, and to the token endpoint alone with `token-exchange`. */
  readonly token: string
  readonly signal: AbortSignal
  /** Takes a line on the call, for the log of the request that it came with. */
  readonly record?: (line: CallLine) => void
  /** Counts one call of this principal. Throws RATE_LIMITED when there were too many. */
  readonly admit?: () => Promise<void>
}

/** A tool that is called, and by whom. */
export interface ToolCall extends Pick<Asker, 'principal' | 'record'> {
  readonly name: string
  readonly arguments: unknown
}

export interface ToolRequest extends Asker, ToolCall {
  readonly progress?: Progress
}

export interface ResourceRequest extends Asker {
  readonly uri: string
}

export interface CompletionRequest extends Asker {
  /** URI template of the resource. */
  readonly uri: string
  readonly variable: string
  readonly value: string
}

/** A request that is refused before it is read. */
export interface RefusedRequest extends Pick<Asker, 'record'> {
  /** Method and route; `stdio`. */
  readonly name: string
}

/** A resource, as `resources/read` answers it. */
export type ResourceContents = { readonly uri: string; readonly mimeType: string } & ResourceBody

/** Values that fit, as `completion/complete` answers them: 100 at the most. */
export interface Completion {
  readonly values: readonly string[]
  readonly total: number
  readonly hasMore: boolean
}

/** The product behind every transport. One serves a process; it holds the caches and the pool. */
export interface McpService {
  readonly registry: Registry
  readonly identify: Identify
  /** The same for HTTP+SSE, where a token for the stream's URL is ours as well; undefined where there is no such audience. */
  readonly identifyOverSse?: Identify | undefined
  /** The tools that roles and permissions could allow this principal, in a fixed order. */
  listTools(principal: Principal): readonly ListedTool[]
  /**
   * All scopes that a call of this tool, with these arguments, needs and that the token lacks; undefined when none is missing.
   * What is found out of the call is kept until `callTool` or `keepRefusal`.
   */
  missingScopes(call: ToolCall): readonly string[] | undefined
  /**
   * Calls a tool. Failures of the catalog are answers with `isError`; undefined: there is no such tool for this principal.
   */
  callTool(request: ToolRequest): Promise<Answer | undefined>
  /** Reads a resource. Throws FhirMcpError; a URI of no resource and a forbidden one read the same. */
  readResource(request: ResourceRequest): Promise<ResourceContents>
  /** Completes a variable of a resource's URI template, within the caller's reach. */
  complete(request: CompletionRequest): Promise<Completion>
  /** Whether the exchange answers, and over HTTP the issuer too. Throws ISSUER_UNAVAILABLE or EXCHANGE_UNAVAILABLE and the like. */
  ready(signal: AbortSignal): Promise<void>
  /**
   * Leaves the record of a tool call that its transport refused before it came here; the refusal may be answered once this
   * resolves. Throws STORAGE_UNAVAILABLE where the record could not be kept.
   */
  keepRefusal(call: ToolCall, error: FhirMcpError): Promise<void>
  /** The same for a resource that was to be read. */
  keepRefusedRead(request: ResourceRequest, error: FhirMcpError): Promise<void>
  /** The same for a completion. */
  keepRefusedCompletion(request: CompletionRequest, error: FhirMcpError): Promise<void>
  /** The same for a request of a person whose claim cannot be used; it does nothing where it is not known whose that is. */
  keepRefusedBearer(request: RefusedRequest, error: FhirMcpError): Promise<void>
  /** How the audit of this service fares. */
  auditStatus(): AuditStatus
  /** Resolves once the connections are ended and all records are kept, as far as they can be. */
  close(): Promise<void>
}
