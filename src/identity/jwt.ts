import { errors, type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from 'jose'
import type { AuthOptions } from '../config/auth.ts'
import { type FhirMcpError, fhirMcpError, isFhirMcpError } from '../errors.ts'
import type { Claims } from './claim.ts'
import { unavailable } from './json-endpoint.ts'
import { keysName } from './jwks.ts'
import { timeOf } from './token-claims.ts'

/** The claims of a verified JWT, those that are always there by name. Times in seconds since the epoch. */
export interface VerifiedJwt {
  readonly claims: Claims
  readonly subject: string
  readonly expiresAt: number
  readonly issuedAt: number | undefined
}

/**
 * Verifies a JWT of the configured issuer for one of these audiences: signature, algorithm, `iss`, `aud`, `exp` and
 * `sub` (both required), `nbf`, `iat`. Throws TOKEN_INVALID, TOKEN_EXPIRED, AUDIENCE, or ISSUER_UNAVAILABLE when the
 * issuer's keys cannot be read.
 */
export type VerifyJwt = (token: string, audiences: readonly string[]) => Promise<VerifiedJwt>

/** Reads the payload of a JWT under these options. Throws the errors of jose, or an FhirMcpError. */
export type ReadJwt = (token: string, options: JWTVerifyOptions) => Promise<JWTPayload>

/** Reads JWTs by their signature. Where several keys could have made it, by ids that are double or missing, each is tried. */
export function signedBy(keys: JWTVerifyGetKey): ReadJwt {
  return async (token, options) => {
    try {
      return (await jwtVerify(token, keys, options)).payload
    } catch (thrown) {
      if (thrown instanceof errors.JWKSMultipleMatchingKeys) return readByAny(thrown, token, options)
      throw thrown
    }
  }
}

async function readByAny(
  keys: errors.JWKSMultipleMatchingKeys,
  token: string,
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  for await (const key of keys) {
    try {
      return (await jwtVerify(token, key, options)).payload
    } catch (thrown) {
      if (!(thrown instanceof errors.JWSSignatureVerificationFailed)) throw thrown
    }
  }
  throw new errors.JWSSignatureVerificationFailed()
}

/** `now` is in milliseconds since the epoch. */
export function createVerifyJwt(
  options: Pick<AuthOptions, 'issuer' | 'algorithms' | 'clockTolerance'>,
  read: ReadJwt,
  now: () => number,
): VerifyJwt {
  return async (token, audiences) => {
    const claims = await readOrRefuse(read, token, {
      algorithms: [...options.algorithms],
      issuer: options.issuer,
      audience: [...audiences],
      clockTolerance: options.clockTolerance,
      currentDate: new Date(now()),
      requiredClaims: ['exp', 'sub'],
    })
    const subject = claims.sub
    const expiresAt = timeOf(claims, 'exp')
    const issuedAt = timeOf(claims, 'iat')
    // A token from the future would keep its claims fresh for longer than auth.maxClaimsAge.
    const early = issuedAt !== undefined && issuedAt > now() / 1000 + options.clockTolerance
    if (typeof subject !== 'string' || subject === '' || expiresAt === undefined || early) {
      throw fhirMcpError('TOKEN_INVALID')
    }
    return { claims, subject, expiresAt, issuedAt }
  }
}

async function readOrRefuse(read: ReadJwt, token: string, options: JWTVerifyOptions): Promise<JWTPayload> {
  try {
    return await read(token, options)
  } catch (thrown) {
    throw refusalFor(thrown)
  }
}

function refusalFor(thrown: unknown): FhirMcpError {
  if (isFhirMcpError(thrown)) return thrown
  if (thrown instanceof errors.JWTExpired) return fhirMcpError('TOKEN_EXPIRED')
  if (thrown instanceof errors.JWKSInvalid) return unavailable(keysName)
  const audience = thrown instanceof errors.JWTClaimValidationFailed && thrown.claim === 'aud'
  return fhirMcpError(audience ? 'AUDIENCE' : 'TOKEN_INVALID')
}
