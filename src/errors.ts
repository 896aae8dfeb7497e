/** What the catalog says of one kind of failure. `status` is its HTTP status where HTTP has to answer. */
export interface ErrorEntry {
  readonly status: number
  /** FHIR issue type (http://hl7.org/fhir/issue-type) of the OperationOutcome that carries it. */
  readonly issue: string
  readonly message: string
  readonly cause: string
  readonly cure: string
}

/**
 * Every error that leaves this package. A code is never reused or renamed; `docs/errors.md` lists the same.
 * Messages are fixed texts: no token, no patient data, no text of the exchange.
 */
export const errorCatalog = {
  UNAUTHENTICATED: {
    status: 401,
    issue: 'login',
    message: 'Sign in first: the request has no access token.',
    cause: 'There was no Authorization header with a Bearer token.',
    cure: 'Send an access token; the challenge names the authorization server.',
  },
  TOKEN_EXPIRED: {
    status: 401,
    issue: 'expired',
    message: 'The access token, or what it claims, is too old.',
    cause:
      'The token has expired, or its claims are older than auth.maxClaimsAge and no source can renew them.',
    cure: 'Refresh the token or sign in again.',
  },
  TOKEN_INVALID: {
    status: 401,
    issue: 'login',
    message: 'The access token was not accepted.',
    cause: 'Signature, issuer, algorithm, form or state of the token is not what the configuration expects.',
    cure: 'Get a token from the configured issuer; check auth.issuer and auth.sources.',
  },
  AUDIENCE: {
    status: 401,
    issue: 'login',
    message: 'The access token was issued for somebody else.',
    cause: 'Neither the audience nor the client of the token is one that this server accepts.',
    cure: 'Ask for a token with this server as its resource; check auth.audience and auth.clients.',
  },
  NO_PERMISSIONS: {
    status: 403,
    issue: 'forbidden',
    message: 'The token carries no readable permissions.',
    cause: 'The permissions claim is missing, malformed or could not be read from any source.',
    cure: 'Have the issuer send the claim; a new sign-in alone does not help.',
  },
  FORBIDDEN: {
    status: 403,
    issue: 'forbidden',
    message: 'Not found, or not within what this token may see.',
    cause: 'What was asked for does not exist or is outside the permissions; both read the same.',
    cure: 'Ask get_my_access what the token reaches.',
  },
  INSUFFICIENT_SCOPE: {
    status: 403,
    issue: 'forbidden',
    message: 'The token lacks a scope that this call needs.',
    cause: 'The token has SMART scopes and none of them covers this call.',
    cure: 'Ask the authorization server for the scopes that the error names.',
  },
  INVALID_ARGUMENT: {
    status: 400,
    issue: 'value',
    message: 'An argument is not usable.',
    cause: 'An argument is missing, malformed or does not fit another one.',
    cure: 'Call again as the message says.',
  },
  AMBIGUOUS: {
    status: 400,
    issue: 'multiple-matches',
    message: 'More than one thing within reach fits.',
    cause: 'A title, identifier or participant code names more than one study or patient.',
    cure: 'Choose one of the ids that the error lists.',
  },
  NOT_SUPPORTED_BY_EXCHANGE: {
    status: 422,
    issue: 'not-supported',
    message: 'The exchange cannot answer this safely.',
    cause: 'The FHIR server lacks, or was not proven to honour, a search that the call needs.',
    cure: 'Leave the filter out that the message names, or ask in another way.',
  },
  EXCHANGE_UNAVAILABLE: {
    status: 503,
    issue: 'transient',
    message: 'The exchange could not answer.',
    cause: 'The FHIR server refused, broke or failed the request, and so did one retry where that was safe.',
    cure: 'Try again later.',
  },
  EXCHANGE_TIMEOUT: {
    status: 504,
    issue: 'timeout',
    message: 'The exchange took too long.',
    cause: 'The FHIR server did not answer within fhir.timeout.',
    cure: 'Ask for less, or try again later; a tool names its own arguments for that.',
  },
  EXCHANGE_REJECTED: {
    status: 502,
    issue: 'processing',
    message: 'The exchange did not accept the request, or answered with something that is not FHIR.',
    cause:
      'The FHIR server answered with an error, a redirect, or a body that is not the resource asked for; or it says itself that its answer failed or is incomplete, where that cannot be passed on with a warning (rosters, counts).',
    cure: "Check fhir.baseUrl, fhir.dialect and the exchange's own log.",
  },
  EXCHANGE_LEAK: {
    status: 502,
    issue: 'security',
    message: 'The exchange answered with data outside the permissions; nothing was returned.',
    cause: 'A resource in the answer does not belong to what was granted: the FHIR server ignored a filter.',
    cure: 'Report it to whoever runs the exchange; the audit log has the call.',
  },
  RATE_LIMITED: {
    status: 429,
    issue: 'throttled',
    message: 'Too many requests.',
    cause:
      'This server or the exchange limits how often it may be asked, or how much at once; with HTTP status 503 this server is overloaded.',
    cure: 'Wait as long as the error says. An operator can change the limits of this server with limits.*.',
  },
  CONFIG: {
    status: 500,
    issue: 'exception',
    message: 'The configuration is not usable.',
    cause: 'An option or environment variable is missing, malformed or contradicts another one.',
    cure: 'Correct the option that the message names.',
  },
  ISSUER_UNAVAILABLE: {
    status: 503,
    issue: 'transient',
    message: 'The issuer of access tokens could not be asked.',
    cause:
      'What a token is verified or got with (metadata, keys, introspection, userinfo, token endpoint) did not answer, answered with something else, or is of another issuer.',
    cure: 'Try again later; where it stays so, an operator compares auth.issuer with what the issuer says of itself (the command check does).',
  },
  STORAGE_UNAVAILABLE: {
    status: 503,
    issue: 'transient',
    message: 'What this server has to keep cannot be kept now.',
    cause:
      'The audit cannot be written (a full disk, rights, audit.sink), or the storage of sign-ins does not answer.',
    cure: 'Try again later; an operator finds the code of the system in the log, and makes room or starts what is down.',
  },
} as const satisfies Record<string, ErrorEntry>

/** The name of an error without its prefix. */
export type ErrorName = keyof typeof errorCatalog
/** The stable code of an error, as clients see it. */
export type ErrorCode = `FHIR_MCP_${ErrorName}`

/** What one occurrence adds to its catalog entry. Nothing in it may come from a token, a patient or the exchange. */
export interface ErrorOptions {
  /** One sentence of ours on what is wrong here and what would be right. */
  readonly detail?: string
  /** Choices within the caller's reach, for AMBIGUOUS. */
  readonly choices?: readonly { readonly id: string; readonly label: string }[]
  /** All scopes that the call needs, for INSUFFICIENT_SCOPE. */
  readonly scopes?: readonly string[]
  /** Seconds to wait, for RATE_LIMITED, EXCHANGE_UNAVAILABLE and ISSUER_UNAVAILABLE. */
  readonly retryAfter?: number
  /** The first element of a claim that cannot be read (`jhe_permissions.studies[3].id`), for the operator alone: never a value. */
  readonly at?: string
}

/** The one error class of this package; tell occurrences apart by `code`. */
export class FhirMcpError extends Error {
  readonly code: ErrorCode
  readonly statusCode: number
  readonly entry: ErrorEntry
  readonly detail: string | undefined
  readonly choices: readonly { readonly id: string; readonly label: string }[]
  readonly scopes: readonly string[]
  readonly retryAfter: number | undefined
  readonly at: string | undefined

  constructor(kind: ErrorName, options: ErrorOptions = {}) {
    const entry = errorCatalog[kind]
    // All but a wrong configuration are expected ends of a call; a stack of its own was a tenth of our part of a denied one.
    const { stackTraceLimit } = Error
    if (kind !== 'CONFIG') Error.stackTraceLimit = 0
    super(options.detail === undefined ? entry.message : `${entry.message} ${options.detail}`)
    Error.stackTraceLimit = stackTraceLimit
    this.name = 'FhirMcpError'
    this.code = `FHIR_MCP_${kind}`
    this.statusCode = entry.status
    this.entry = entry
    this.detail = options.detail
    this.choices = options.choices ?? []
    this.scopes = options.scopes ?? []
    this.retryAfter = options.retryAfter
    this.at = options.at
  }
}

/** Makes an error of the catalog. */
export function fhirMcpError(kind: ErrorName, options: ErrorOptions = {}): FhirMcpError {
  return new FhirMcpError(kind, options)
}

/** The error for a claim that is there and cannot be read; `at` is its first wrong element. */
export function unreadableClaim(at: string): FhirMcpError {
  return fhirMcpError('NO_PERMISSIONS', { detail: 'A claim is there, but it cannot be read.', at })
}

/** Whether something thrown is an error of the catalog, of this kind where one is given. */
export function isFhirMcpError(thrown: unknown, kind?: ErrorName): thrown is FhirMcpError {
  return thrown instanceof FhirMcpError && (kind === undefined || thrown.code === `FHIR_MCP_${kind}`)
}
