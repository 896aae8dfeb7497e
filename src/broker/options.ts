import { z } from 'zod'
import { perMinute, secureUrl } from '../config/fields.ts'
import { parseBy } from '../config/parse.ts'
import { compartmentTypes } from '../fhir/compartment.ts'
import type { RedisClient } from './storage-redis.ts'

const day = 86_400
const seconds = (least: number, most: number, fallback: number, about: string) =>
  z.number().int().min(least).max(most).default(fallback).describe(`${about}, in seconds`)

/** A private key to sign with; the public parts of it are published. */
const keySchema = z.looseObject({
  kty: z.enum(['RSA', 'EC']),
  alg: z.enum(['RS256', 'ES256']),
  kid: z.string().min(1),
  d: z.string().min(1),
})

const upstreamSchema = z.object({
  issuer: secureUrl.describe('Issuer at which people sign in'),
  clientId: z.string().min(1).describe('Our client there; its redirect URI is <publicUrl><path>/callback'),
  clientSecret: z.string().min(1).optional().describe('Its secret, where it is a confidential client'),
  scope: z
    .string()
    .regex(/^(.+ )?openid( .+)?$/, 'must hold openid')
    .default('openid')
    .describe('Scope to ask for there; for a refresh token many issuers want offline_access'),
  parameters: z
    .record(z.string(), z.string())
    .default({})
    .describe('Further parameters of the request for authorization there'),
})

/** What our tokens say in any case, and what would make them say something else than is meant. */
const tokenClaims = new Set(
  `iss sub aud exp nbf iat jti client_id azp scope scp typ token_use nonce at_hash c_hash s_hash auth_time acr amr sid
  cnf act may_act authorization_details jhe_permissions grant_id patient __proto__`.split(/\s+/),
)

const claimsSchema = z
  .object({
    sources: z
      .array(z.enum(['id_token', 'introspection', 'userinfo', 'exchange']))
      .min(1)
      .default(['id_token'])
      .describe("Where the person's permissions are read, first to last"),
    claim: z.string().default('jhe_permissions').describe("Name of the upstream's permissions claim"),
    claimPath: z.array(z.string()).default([]).describe('Where the claim is nested, outermost first'),
    introspection: z
      .object({ url: secureUrl, clientId: z.string(), clientSecret: z.string() })
      .optional()
      .describe('RFC 7662 endpoint of the upstream, and the client that may ask it'),
    userinfoUrl: secureUrl.optional().describe('OIDC userinfo endpoint; by default found by discovery'),
    apiUrl: secureUrl.optional().describe('API of the JupyterHealth Exchange, for the source exchange'),
    superuser: z
      .object({
        claim: z
          .string()
          .min(1)
          .refine((name) => !tokenClaims.has(name), 'must not be a claim that tokens have already'),
        value: z.union([z.string(), z.boolean()]),
      })
      .optional()
      .describe(
        'Who may see everything: a claim of the upstream and the value it must have (or hold); tokens carry it for auth.superuser',
      ),
  })
  .prefault({})
  .superRefine(({ sources, introspection, apiUrl }, context) => {
    const need = (source: (typeof sources)[number], name: string, value: unknown) => {
      if (!sources.includes(source) || value !== undefined) return
      context.addIssue({ code: 'custom', path: [name], message: `is required with the source ${source}` })
    }
    need('introspection', 'introspection', introspection)
    need('exchange', 'apiUrl', apiUrl)
  })

const registrationSchema = z
  .object({
    dynamic: z.boolean().default(true).describe('Let clients register themselves (RFC 7591)'),
    documents: z
      .boolean()
      .default(true)
      .describe('Take the https URL of a client id metadata document as a client id'),
    limit: z.number().int().min(1).max(100_000).default(1000).describe('Registered clients that are kept'),
    unusedLifetime: seconds(
      60,
      day,
      3600,
      'How long a client is kept with which nobody has signed in; afterwards it is kept as long as sign-ins last',
    ),
    documentBytes: z
      .number()
      .int()
      .min(5120)
      .max(65_536)
      .default(16_384)
      .describe('Largest client id metadata document'),
  })
  .prefault({})

const limitsSchema = z
  .object({
    requestsPerAddress: perMinute(600, 'Requests to the broker from one address'),
    registrationsPerAddress: perMinute(30, 'Registrations of clients from one address'),
  })
  .prefault({})

const redisClient = z.custom<RedisClient>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    'sendCommand' in value &&
    typeof value.sendCommand === 'function',
  'must be a redis:// URL or a connected client of the package redis',
)
const storageSchema = z
  .union([
    z.literal('memory'),
    z.object({
      redis: z
        .union([z.string().regex(/^rediss?:\/\//), redisClient])
        .describe(
          'URL of the Redis in which sign-ins are kept, for several processes; without it they are in memory',
        ),
      prefix: z.string().default('fhir-mcp:').describe('What the keys in that Redis begin with'),
    }),
  ])
  .default('memory')
  .describe('Where sign-ins are kept: memory for one process, { redis, prefix } for several')

/** What a gateway passes to the broker. */
export const brokerSchema = z.object({
  publicUrl: secureUrl.describe('Origin (and prefix) under which clients and browsers reach this server'),
  path: z
    .string()
    .regex(/^\/[\w\-./]*[\w-]$/)
    .default('/oauth')
    .describe('Path of the broker; publicUrl with it is its issuer'),
  resource: secureUrl
    .optional()
    .describe('The MCP endpoint that tokens are for, the only one; by default publicUrl with /mcp'),
  upstream: upstreamSchema,
  claims: claimsSchema,
  storage: storageSchema,
  keys: z
    .array(keySchema)
    .min(1)
    .describe('Private keys (JWK, RS256 or ES256): the first one signs, all are published'),
  cookieSecrets: z
    .array(z.string().min(32))
    .min(1)
    .describe('Secrets for cookies, 32 characters or more: the first one signs, all are accepted'),
  encryptionKey: z
    .union([z.string(), z.array(z.string()).min(1)])
    .describe(
      'What is at rest is encrypted with it: 32 bytes in base64url; of several the first one encrypts, all open',
    ),
  accessTokenLifetime: seconds(
    60,
    3600,
    600,
    'How long an access token is good: the longest time that a withdrawn permission still works',
  ),
  signInLifetime: seconds(3600, 365 * day, 30 * day, 'How long a sign-in can be refreshed'),
  consentLifetime: seconds(
    0,
    365 * day,
    30 * day,
    'How long what a person allowed a client is remembered; 0: asked each time',
  ),
  registration: registrationSchema,
  fhirTypes: z
    .array(z.enum(compartmentTypes))
    .default([])
    .describe("Types of a patient's record whose scopes clients are offered: those of fhir.types"),
  limits: limitsSchema,
})

/** Options as they are given. */
export type BrokerOptions = z.input<typeof brokerSchema>

/** Options with every default filled in. */
export type BrokerSettings = z.output<typeof brokerSchema>

/** Checks options and fills in every default. Throws CONFIG that names each setting that is wrong. */
export function parseBrokerOptions(input: unknown): BrokerSettings {
  return parseBy(brokerSchema, input)
}
