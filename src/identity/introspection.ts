import type { AuthOptions } from '../config/auth.ts'
import { fhirMcpError } from '../errors.ts'
import { isClaims } from './claim.ts'
import { clientSecretBasic } from './client-secret-basic.ts'
import { type AskJson, unavailable } from './json-endpoint.ts'
import type { Reading } from './reading.ts'
import { patientOf, subjectOf, timeOf } from './token-claims.ts'

const what = 'The introspection endpoint'

/** Asks about a token. Throws TOKEN_INVALID, TOKEN_EXPIRED or ISSUER_UNAVAILABLE. */
export type Introspect = (token: string) => Promise<Reading>

/**
 * Token introspection (RFC 7662) with `client_secret_basic`. `username` is never taken for a subject: names are given
 * anew. `now` is in milliseconds.
 */
export function createIntrospect(
  endpoint: NonNullable<AuthOptions['introspection']>,
  options: Pick<AuthOptions, 'issuer' | 'clockTolerance'>,
  ask: AskJson,
  now: () => number,
): Introspect {
  const authorization = clientSecretBasic(endpoint.clientId, endpoint.clientSecret)
  return async (token) => {
    const at = Math.floor(now() / 1000)
    const form = new URLSearchParams({ token, token_type_hint: 'access_token' })
    const answer = await ask({ url: endpoint.url, what, headers: { authorization }, form })
    if (answer.status !== 200 || !isClaims(answer.body)) throw unavailable(what)
    const claims = answer.body
    if (typeof claims.active !== 'boolean') throw unavailable(what)
    if (!claims.active) throw fhirMcpError('TOKEN_INVALID')
    const expiresAt = timeOf(claims, 'exp')
    if (expiresAt !== undefined && expiresAt <= at - options.clockTolerance)
      throw fhirMcpError('TOKEN_EXPIRED')
    const from = timeOf(claims, 'nbf') ?? at
    if (from > at + options.clockTolerance || !isBearer(claims.token_type))
      throw fhirMcpError('TOKEN_INVALID')
    if ((claims.iss ?? options.issuer) !== options.issuer) throw fhirMcpError('TOKEN_INVALID')
    const subject = subjectOf(claims)
    const patient = patientOf(claims, { issuer: options.issuer, subject })
    return {
      source: 'introspection',
      claims,
      permissions: undefined,
      subject,
      patient,
      expiresAt,
      claimsAt: at,
    }
  }
}

/** Issuers that also answer for refresh tokens say so in `token_type`. */
function isBearer(type: unknown): boolean {
  return type === undefined || type === null || (typeof type === 'string' && type.toLowerCase() === 'bearer')
}
