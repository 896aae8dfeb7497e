import { z } from 'zod'
import { parseScopes } from '../access/scopes.ts'
import { seconds, secureUrl } from './fields.ts'

/** Words that tokens have without having been meant for anybody in particular (OpenID Connect Core 1.0 §5.4, §11). */
const generic = ['openid', 'profile', 'email', 'address', 'phone', 'offline_access']

/** Whether a scope tells that a token is meant for us: it is a word (RFC 6749 §3.3), and neither generic nor one of SMART. */
function isTelling(scope: string): boolean {
  if (!/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope) || generic.includes(scope.toLowerCase())) return false
  return !parseScopes(scope).present
}

const audience = z.union([z.string(), z.array(z.string()).min(1)])
const sources = z.array(z.enum(['jwt', 'introspection', 'userinfo', 'exchange'])).min(1)
const algorithms = z
  .array(z.enum(['RS256', 'PS256', 'ES256', 'EdDSA', 'RS384', 'RS512', 'PS384', 'PS512', 'ES384', 'ES512']))
  .min(1)
const tokenTypes = z.array(z.string().trim().min(1)).min(1)
const introspection = z.object({
  url: secureUrl.describe('RFC 7662 endpoint'),
  clientId: z.string(),
  clientSecret: z.string(),
})
const superuser = z.object({ claim: z.string(), value: z.union([z.string(), z.boolean()]) })

/** A further issuer. What it leaves out of its audience, its claim and its algorithms is that of the first. */
const furtherIssuerSchema = z.strictObject({
  issuer: secureUrl,
  audience: audience.optional(),
  sources: sources.optional(),
  jwksUri: secureUrl.optional(),
  algorithms: algorithms.optional(),
  tokenTypes: tokenTypes.optional(),
  claim: z.string().optional(),
  claimPath: z.array(z.string()).optional(),
  clients: z.array(z.string()).optional(),
  introspection: introspection.optional(),
  userinfoUrl: secureUrl.optional(),
  superuser: superuser.optional(),
})

export const authSchema = z.object({
  issuer: secureUrl.describe('Issuer of the access tokens'),
  issuers: z
    .array(furtherIssuerSchema)
    .default([])
    .describe(
      'Further issuers of JWT access tokens, each with its keys, audience and claim; opaque tokens are those of auth.issuer',
    ),
  audience: audience
    .optional()
    .describe('Our audience: what aud of an access token must hold; by default publicUrl with the path'),
  sources: sources.default(['jwt']).describe('Where the permissions are read, first to last'),
  jwksUri: secureUrl.optional().describe("The issuer's keys; by default found by discovery"),
  algorithms: algorithms
    .default(['RS256', 'PS256', 'ES256', 'EdDSA'])
    .describe('Signature algorithms that are accepted, each only with a key that is for it'),
  tokenTypes: tokenTypes
    .default(['at+jwt'])
    .describe("Accepted `typ` of a JWT access token; add 'JWT' for an issuer that does not follow RFC 9068"),
  clockTolerance: seconds(5, 'Clock difference that is forgiven, at most 300', 300),
  claim: z
    .string()
    .default('jhe_permissions')
    .describe('Name of the permissions claim (a URI is a name too)'),
  claimPath: z.array(z.string()).default([]).describe('Where the claim is nested, outermost first'),
  clients: z.array(z.string()).default([]).describe('Clients whose opaque tokens are accepted'),
  acceptedScopes: z
    .array(z.string().refine(isTelling, 'must be a scope of your own, not one that every token may have'))
    .default([])
    .describe(
      'Scopes that make an opaque token ours, whatever client it was issued to: for tokens of another client, such as a JupyterHub',
    ),
  allowTokensWithoutAudience: z
    .boolean()
    .default(false)
    .describe('Accept opaque tokens that show no audience, and where auth.clients is empty of any client'),
  requireScopes: z
    .boolean()
    .default(false)
    .describe(
      'Whether a token without SMART scopes reads nothing; by default scopes narrow only tokens that have some',
    ),
  maxClaimsAge: seconds(900, 'How old claims may be before they are read again'),
  introspection: introspection.optional(),
  userinfoUrl: secureUrl.optional().describe('OIDC userinfo endpoint; by default found by discovery'),
  superuser: superuser
    .optional()
    .describe('Who may see everything: a claim and the value it must have (or hold)'),
  cacheSize: z.number().int().positive().default(10_000).describe('Principals that are kept'),
})

export type AuthOptions = z.output<typeof authSchema>
