import { parseScopes, type Scopes } from '../access/scopes.ts'
import { fhirMcpError, unreadableClaim } from '../errors.ts'
import { isFhirId } from '../fhir/grammar.ts'
import type { Claims } from './claim.ts'
import { ofPerson } from './refused-person.ts'

/** OAuth client of a token: `client_id` (RFC 9068, RFC 7662), else `azp` (OIDC). */
export function clientOf(claims: Claims): string | undefined {
  return [claims.client_id, claims.azp].find(
    (client): client is string => typeof client === 'string' && client !== '',
  )
}

/** `sub`, where it is there. Throws TOKEN_INVALID when it is not a text. */
export function subjectOf(claims: Claims): string | undefined {
  const { sub } = claims
  if (sub === undefined || sub === null) return undefined
  if (typeof sub !== 'string' || sub === '') throw fhirMcpError('TOKEN_INVALID')
  return sub
}

/** A time claim in seconds since the epoch, where it is there. Throws TOKEN_INVALID when it is not a number. */
export function timeOf(claims: Claims, name: 'exp' | 'nbf' | 'iat'): number | undefined {
  const time = claims[name]
  if (time === undefined || time === null) return undefined
  if (typeof time !== 'number' || !Number.isFinite(time)) throw fhirMcpError('TOKEN_INVALID')
  return time
}

/** The words of `scope` and `scp`, each a text or a list of texts. Throws TOKEN_INVALID for anything else: what cannot be read could have narrowed. */
export function scopeWordsOf(claims: Claims): string[] {
  const values = [claims.scope, claims.scp].flat().filter((value) => value !== undefined && value !== null)
  return values.flatMap((value) => {
    if (typeof value !== 'string') throw fhirMcpError('TOKEN_INVALID')
    return value.split(/\s+/).filter((word) => word !== '')
  })
}

/** The scopes of a token; `required`: without any of SMART's, nothing is readable. Throws TOKEN_INVALID as `scopeWordsOf` does. */
export function scopesOf(claims: Claims, required: boolean): Scopes {
  return parseScopes(scopeWordsOf(claims), required)
}

/** The SMART launch context `patient`. Throws NO_PERMISSIONS, of this person where that is given, when it is not a FHIR id. */
export function patientOf(
  claims: Claims,
  person?: { readonly issuer: string; readonly subject: string | undefined },
): string | undefined {
  const { patient } = claims
  if (patient === undefined || patient === null) return undefined
  if (typeof patient !== 'string' || !isFhirId(patient)) {
    const error = unreadableClaim('patient')
    throw person === undefined ? error : ofPerson(error, { ...person, client: clientOf(claims) })
  }
  return patient
}

/** The sign-in that a token of our broker belongs to. It is no secret: without the token it opens nothing. */
export function grantOf(claims: Claims): string | undefined {
  const { grant_id: grant } = claims
  return typeof grant === 'string' ? grant : undefined
}
