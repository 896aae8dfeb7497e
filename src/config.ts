import { z } from 'zod'
import type { Principal } from './access/principal.ts'
import { defaultRoles } from './access/roles.ts'
import type { RedisClient } from './limits/redis-windows.ts'
import { isSecretsEndpoint } from './loopback.ts'

const httpUrl = z.url({ protocol: /^https?$/ })
const seconds = (fallback: number, about: string) =>
  z.number().nonnegative().default(fallback).describe(`${about}, in seconds`)
const milliseconds = (fallback: number, about: string) =>
  z.number().int().positive().default(fallback).describe(`${about}, in milliseconds`)

/** Enrolled is configuration: what each FHIR release calls it. */
const enrolledSchema = z
  .object({
    r4: z
      .array(z.string())
      .default(['on-study', 'on-study-intervention', 'on-study-observation', 'follow-up', 'off-study'])
      .describe('R4 ResearchSubject.status values that count as enrolled'),
    r5NotEnrolled: z
      .array(z.string())
      .default(['candidate', 'eligible', 'ineligible', 'screening', 'withdrawn'])
      .describe(
        'R5 progress.subjectState values that do not count as enrolled (an active one without a state counts)',
      ),
  })
  .prefault({})

/**
 * Gives the token that a person has at the exchange. Asked before each request that is sent there, so it should keep what it
 * has. What it throws is FhirMcpError, or becomes EXCHANGE_REJECTED.
 */
export type HeldToken = (principal: Principal, signal: AbortSignal) => Promise<string>

/** What our assertions may be signed with; SMART asks servers for the first two. */
export const assertionAlgorithms = ['ES384', 'RS384', 'ES256', 'RS256', 'PS256'] as const

/** How the plugin shows a token endpoint who it is, and what it asks for. */
const clientSchema = z
  .object({
    tokenUrl: z
      .string()
      .refine(
        isSecretsEndpoint,
        'must be an https URL (http on loopback alone) without credentials or fragment',
      )
      .optional()
      .describe(
        "Token endpoint; with `backend-services` by default that of the exchange's SMART configuration",
      ),
    id: z.string().min(1).describe('Our client_id there'),
    secret: z.string().min(1).optional().describe('token-exchange: our secret, for client_secret_basic'),
    key: z
      .string()
      .min(1)
      .optional()
      .describe('Our private key, for private_key_jwt: PEM (PKCS#8) or a JWK as JSON'),
    keyId: z.string().min(1).optional().describe('kid of that key, where the JWK does not say it'),
    algorithm: z
      .enum(assertionAlgorithms)
      .optional()
      .describe('What assertions are signed with; by default ES384 or ES256 by the curve, RS384 with RSA'),
    scopes: z.array(z.string().min(1)).default([]).describe('Scopes to ask for, such as system/Patient.rs'),
  })
  .optional()

export const fhirSchema = z
  .object({
    baseUrl: httpUrl.describe('FHIR base URL of the exchange'),
    dialect: z.enum(['auto', 'hapi', 'jupyterhealth']).default('auto').describe('How the exchange is asked'),
    credentials: z
      .enum(['forward', 'held', 'token-exchange', 'backend-services', 'none'])
      .describe(
        "What the exchange is asked with: the caller's own token, one held for the caller, one exchanged for it, our own, or nothing",
      ),
    audience: z
      .string()
      .min(1)
      .optional()
      .describe(
        "The exchange's audience: with `forward` (required over HTTP) aud of a JWT must hold it too; what `token-exchange` asks for",
      ),
    client: clientSchema,
    heldToken: z
      .custom<HeldToken>((value) => typeof value === 'function', 'must be a function')
      .optional()
      .describe('With `held`: gives the token of a person at the exchange, where no broker does'),
    apiUrl: httpUrl.optional().describe('JupyterHealth: its API; by default /api/v1 beside the FHIR base'),
    connections: z.number().int().min(1).max(1000).default(10).describe('Connections to the exchange'),
    timeout: milliseconds(30_000, 'Longest wait for one answer of the exchange'),
    maxResponseBytes: z
      .number()
      .int()
      .positive()
      .default(67_108_864)
      .describe('Largest answer of the exchange, unpacked'),
    cachedAnswers: z
      .boolean()
      .default(false)
      .describe('HAPI: allow answers from its search cache (up to 60 s old)'),
  })
  .superRefine((fhir, context) => {
    for (const { path, message } of unfitSettings(fhir)) {
      context.addIssue({ code: 'custom', path: [...path], message })
    }
  })

interface UnfitSetting {
  readonly path: readonly string[]
  readonly message: string
}

/** What the chosen credentials need and lack, or have and do not take. */
function unfitSettings({ credentials, audience, baseUrl, client }: FhirCredentials): UnfitSetting[] {
  const missing = (...path: string[]): UnfitSetting => ({ path, message: 'is required' })
  if (credentials === 'token-exchange') {
    const { tokenUrl, secret, key } = client ?? {}
    return [
      ...(audience === undefined ? [missing('audience')] : []),
      ...(tokenUrl === undefined ? [missing('client', 'tokenUrl')] : []),
      ...(client === undefined ? [missing('client', 'id')] : []),
      ...(secret === undefined && key === undefined
        ? [{ path: ['client', 'secret'], message: 'or a key is required' }]
        : []),
      ...(secret !== undefined && key !== undefined
        ? [{ path: ['client', 'secret'], message: 'must not be there together with a key' }]
        : []),
    ]
  }
  if (credentials === 'backend-services') {
    // Whoever can change what a discovery in the clear says would be sent our assertion.
    const undiscoverable = client?.tokenUrl === undefined && !isSecretsEndpoint(baseUrl)
    return [
      ...(client === undefined ? [missing('client', 'id')] : []),
      ...(client?.key === undefined ? [missing('client', 'key')] : []),
      ...((client?.scopes ?? []).length === 0 ? [missing('client', 'scopes')] : []),
      ...(undiscoverable ? [missing('client', 'tokenUrl')] : []),
      ...(client?.secret === undefined
        ? []
        : [
            { path: ['client', 'secret'], message: 'is not used with backend-services: it signs with a key' },
          ]),
    ]
  }
  return []
}

export const authSchema = z.object({
  issuer: httpUrl.describe('Issuer of the access tokens'),
  audience: z
    .union([z.string(), z.array(z.string()).min(1)])
    .optional()
    .describe('Our audience: what aud of an access token must hold; by default publicUrl with the path'),
  sources: z
    .array(z.enum(['jwt', 'introspection', 'userinfo', 'exchange']))
    .min(1)
    .default(['jwt'])
    .describe('Where the permissions are read, first to last'),
  jwksUri: httpUrl.optional().describe("The issuer's keys; by default found by discovery"),
  algorithms: z
    .array(z.enum(['RS256', 'PS256', 'ES256', 'EdDSA']))
    .min(1)
    .default(['RS256', 'PS256', 'ES256', 'EdDSA'])
    .describe('Signature algorithms that are accepted'),
  tokenTypes: z
    .array(z.string())
    .default(['at+jwt'])
    .describe("Accepted `typ` of a JWT access token; add 'JWT' for an issuer that does not follow RFC 9068"),
  clockTolerance: seconds(5, 'Clock difference that is forgiven'),
  claim: z
    .string()
    .default('jhe_permissions')
    .describe('Name of the permissions claim (a URI is a name too)'),
  claimPath: z.array(z.string()).default([]).describe('Where the claim is nested, outermost first'),
  clients: z.array(z.string()).default([]).describe('Clients whose opaque tokens are accepted'),
  allowTokensWithoutAudience: z
    .boolean()
    .default(false)
    .describe('Accept opaque tokens that show neither audience nor client'),
  maxClaimsAge: seconds(900, 'How old claims may be before they are read again'),
  introspection: z
    .object({
      url: httpUrl.describe('RFC 7662 endpoint'),
      clientId: z.string(),
      clientSecret: z.string(),
    })
    .optional(),
  userinfoUrl: httpUrl.optional().describe('OIDC userinfo endpoint; by default found by discovery'),
  superuser: z
    .object({ claim: z.string(), value: z.union([z.string(), z.boolean()]) })
    .optional()
    .describe('Who may see everything: a claim and the value it must have (or hold)'),
  cacheSize: z.number().int().positive().default(10_000).describe('Principals that are kept'),
})

/** JavaScript lists keys that are whole numbers first, whatever their place, and the place is the strength. */
const roleName = z.string().regex(/^(?!\d+$).+$/, 'a role must not be a whole number')

export const accessSchema = z
  .object({
    roles: z
      .record(roleName, z.array(z.string()))
      .default({ ...defaultRoles } as Record<string, string[]>)
      .describe('What each role may call, weakest first; * is everybody else, and every tool'),
    rosterSeconds: seconds(
      60,
      'How long a roster is kept: the longest time that a withdrawn right still works',
    ),
    rosterLimit: z
      .number()
      .int()
      .positive()
      .default(5000)
      .describe('Largest roster that is kept; beyond, patients are asked for one by one'),
    rosterCacheSize: z
      .number()
      .int()
      .positive()
      .default(500_000)
      .describe('Enrolments that are kept over all rosters'),
    enrolled: enrolledSchema,
  })
  .prefault({})

export const resultsSchema = z
  .object({
    byteBudget: z.number().int().min(4096).default(65_536).describe('Bytes of one answer'),
    cursorKey: z
      .string()
      .optional()
      .describe('32 bytes in base64url that seal cursors; needed with several processes'),
    deadline: milliseconds(60_000, 'Longest time for one call over many requests'),
  })
  .prefault({})

/** A FHIR server that keeps AuditEvents. They name patients, so it is reached like anything secret. */
const auditFhirSchema = z
  .object({
    baseUrl: z
      .string()
      .refine(
        isSecretsEndpoint,
        'must be an https URL (http on loopback alone) without credentials or fragment',
      )
      .describe('sink fhir: base URL of the server that keeps AuditEvents'),
    version: z.enum(['R4', 'R5']).default('R4').describe('FHIR release of that server'),
    token: z.string().min(1).optional().describe('A bearer token for that server'),
    client: clientSchema.describe('SMART Backend Services at that server, in place of a token'),
    timeout: milliseconds(10_000, 'Longest wait for one answer of that server'),
    batchSize: z.number().int().min(1).max(1000).default(100).describe('AuditEvents in one request'),
    interval: milliseconds(5000, 'How often it is looked for records of other processes'),
  })
  .optional()

export const auditSchema = z
  .object({
    sink: z
      .enum(['file', 'fhir', 'off'])
      .default('file')
      .describe('Where records of calls go: an NDJSON file, that and a FHIR server, or nowhere'),
    path: z
      .string()
      .min(1)
      .optional()
      .describe("The file, its owner's alone; by default audit.ndjson in the user's folder for logs"),
    descriptor: z
      .number()
      .int()
      .min(1)
      .optional()
      .describe('An open file descriptor in place of the file, such as 1 (stdout, not over stdio) or 3'),
    onFailure: z
      .enum(['refuse', 'continue'])
      .default('refuse')
      .describe('What happens to calls whose record cannot be kept: refused, or answered and counted'),
    logKey: z
      .string()
      .optional()
      .describe('32 bytes in base64url: key of the hashes in the ordinary log; random for each process'),
    fhir: auditFhirSchema,
  })
  .prefault({})
  .superRefine(({ sink, path, descriptor, fhir }, context) => {
    const issue = (name: string, message: string) =>
      context.addIssue({ code: 'custom', path: [name], message })
    if (sink === 'fhir' && fhir === undefined) issue('fhir', 'is required with sink fhir')
    if (sink === 'fhir' && descriptor !== undefined) {
      issue('descriptor', 'must not be there with sink fhir: records wait in a file')
    }
    if (sink !== 'fhir' && fhir !== undefined) issue('fhir', 'is not used without sink fhir')
    if (path !== undefined && descriptor !== undefined) issue('descriptor', 'must not be there with a path')
    const { token, client } = fhir ?? {}
    if (client !== undefined && token !== undefined) issue('fhir', 'takes a token or a client, not both')
    if (client !== undefined && (client.key === undefined || client.scopes.length === 0)) {
      issue('fhir', 'client needs a key and scopes')
    }
  })

/** Where counts are kept that several processes share: a URL, or a client of the package `redis`. */
export const limitsRedis = z
  .union([
    z.string().regex(/^rediss?:\/\//),
    z.custom<RedisClient>(
      (value) =>
        typeof value === 'object' &&
        value !== null &&
        'sendCommand' in value &&
        typeof value.sendCommand === 'function',
      'must be a redis:// URL or a connected client of the package redis',
    ),
  ])
  .optional()

/** Counts in a minute; 0 switches a limit off. */
export const perMinute = (fallback: number, about: string) =>
  z.number().int().nonnegative().default(fallback).describe(`${about} in a minute; 0: any number`)

const pressureSchema = z
  .object({
    eventLoopDelay: z
      .number()
      .nonnegative()
      .default(500)
      .describe(
        'Mean delay of the event loop over a second beyond which requests are refused, in milliseconds; 0: any',
      ),
    heapUsed: z
      .number()
      .min(0)
      .max(1)
      .default(0.9)
      .describe("Share of Node.js's heap limit beyond which requests are refused; 0: any"),
    eventLoopUtilization: z
      .number()
      .min(0)
      .max(1)
      .default(0)
      .describe('Share of the time that the event loop may be busy; 0: any'),
  })
  .prefault({})

export const limitsSchema = z
  .object({
    callsPerPrincipal: perMinute(300, 'Calls of one principal (issuer, subject, client)'),
    requestsPerAddress: perMinute(6000, 'Requests from one address'),
    refusedTokensPerAddress: perMinute(
      100,
      'Different tokens from one address that are not accepted, beyond which new ones from there are not looked at,',
    ),
    callsAtOnce: z
      .number()
      .int()
      .min(1)
      .default(8)
      .describe('Calls of one principal that are under way at the same time'),
    callsWaiting: z
      .number()
      .int()
      .nonnegative()
      .default(16)
      .describe('Calls of one principal that wait for one of those to end; further ones are refused'),
    patience: milliseconds(5000, 'Longest such wait'),
    redis: limitsRedis.describe(
      'URL of the Redis in which is counted, for several processes; without it each counts in its memory',
    ),
    prefix: z.string().default('fhir-mcp:limits:').describe('What the keys in that Redis begin with'),
    pressure: pressureSchema,
  })
  .prefault({})

/** What a gateway passes to the plugin. */
export const optionsSchema = z.object({
  fhir: fhirSchema,
  auth: authSchema,
  access: accessSchema,
  results: resultsSchema,
  audit: auditSchema,
  limits: limitsSchema,
  path: z
    .string()
    .regex(/^\/[\w\-./]*[\w-]$/)
    .default('/mcp')
    .describe('Path of the MCP endpoint'),
  publicUrl: httpUrl
    .optional()
    .describe('Origin (and prefix) under which clients reach this server; required beyond loopback'),
  sse: z.boolean().default(true).describe('Offer HTTP+SSE for older clients too'),
  health: z.boolean().default(true).describe('Offer /health and /ready'),
  allowedHosts: z
    .array(z.string())
    .default([])
    .describe('Host names accepted beside that of publicUrl and loopback'),
  allowedOrigins: z.array(z.string()).default([]).describe('Origins of browsers that may call'),
  bodyLimit: z.number().int().positive().default(1_048_576).describe('Largest request body, in bytes'),
  decoratorName: z
    .string()
    .regex(/^[a-zA-Z_]\w*$/)
    .default('fhirMcp')
    .describe('Name of the decorator; a second registration needs another one'),
})

/** Options as they are given. */
export type OptionsInput = z.input<typeof optionsSchema>
/** Options with every default filled in. */
export type Options = z.output<typeof optionsSchema>
export type FhirOptions = Options['fhir']
/** The settings of `fhir` that say what the exchange is asked with. */
type FhirCredentials = Pick<FhirOptions, 'credentials' | 'audience' | 'baseUrl' | 'client'>
/** How the plugin shows a token endpoint who it is. */
export type ClientOptions = NonNullable<FhirOptions['client']>
export type AuthOptions = Options['auth']
export type AccessOptions = Options['access']
export type LimitsOptions = Options['limits']
export type AuditOptions = Options['audit']
export type AuditFhirOptions = NonNullable<AuditOptions['fhir']>
