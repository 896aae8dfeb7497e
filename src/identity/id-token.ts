import { createHash } from 'node:crypto'
import { fhirMcpError } from '../errors.ts'
import type { Claims } from './claim.ts'
import type { PresentedJwt } from './token-form.ts'

/** `typ` of a JWT in its short form, in lower case (RFC 7515, §4.1.9). */
function typeOf(header: Claims): string | undefined {
  return typeof header.typ === 'string' ? shortType(header.typ) : undefined
}

function shortType(type: string): string {
  return type.toLowerCase().replace(/^application\//, '')
}

/**
 * Refuses a JWT that is not an access token by its `typ` (RFC 9068, §2.1) or that has the marks of an ID token, which a
 * `typ` of `JWT` does not tell apart. Throws TOKEN_INVALID.
 */
export function checkAccessToken({ header, claims }: PresentedJwt, tokenTypes: readonly string[]) {
  const type = typeOf(header)
  if (type === undefined || !tokenTypes.some((accepted) => shortType(accepted) === type)) {
    throw fhirMcpError('TOKEN_INVALID', { detail: 'Its typ is none of auth.tokenTypes.' })
  }
  if (isIdToken(claims)) {
    throw fhirMcpError('TOKEN_INVALID', { detail: 'An ID token is not an access token.' })
  }
}

/**
 * Marks of an ID token: hashes of what it was issued with (OIDC Core, §3.1.3.6, §3.3.2.11), what issuers call it, or the
 * `nonce` of a sign-in without anything that an access token has.
 */
function isIdToken(claims: Claims): boolean {
  if (['at_hash', 'c_hash', 's_hash'].some((hash) => Object.hasOwn(claims, hash))) return true
  if (claims.token_use === 'id' || claims.typ === 'ID') return true
  const access = ['scope', 'scp', 'client_id'].some((claim) => Object.hasOwn(claims, claim))
  return Object.hasOwn(claims, 'nonce') && !access
}

/** Refuses an access token in the place of an ID token. Throws TOKEN_INVALID. */
export function checkIdToken({ header }: PresentedJwt) {
  const type = typeOf(header)
  if (type !== undefined && type !== 'jwt') {
    throw fhirMcpError('TOKEN_INVALID', { detail: 'The ID token is another kind of token.' })
  }
}

/** `at_hash` for an access token (OIDC Core, §3.1.3.6): the left half of its digest. EdDSA goes with SHA-512. */
export function accessTokenHash(algorithm: unknown, accessToken: string): string {
  const digest = createHash(algorithm === 'EdDSA' ? 'sha512' : 'sha256')
    .update(accessToken, 'ascii')
    .digest()
  return digest.subarray(0, digest.length / 2).toString('base64url')
}
