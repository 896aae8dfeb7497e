import { base64url, decodeProtectedHeader, type JWTPayload, type JWTVerifyOptions, UnsecuredJWT } from 'jose'
import { fhirMcpError } from '../errors.ts'

/** The environment variables that this module reads. */
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * Whether JWTs are read without a look at their signature: `SKIP_JWT_VERIFICATION=true`, which is for tests only.
 * Throws CONFIG when it is set anywhere but under `NODE_ENV=test`.
 */
export function skipsVerification(environment: Environment): boolean {
  if (environment.SKIP_JWT_VERIFICATION !== 'true') return false
  if (environment.NODE_ENV !== 'test') {
    throw fhirMcpError('CONFIG', {
      detail:
        'SKIP_JWT_VERIFICATION=true is honoured only when NODE_ENV=test: without signatures anybody could write a token.',
    })
  }
  return true
}

/** Reads a JWT without its signature; its claims are validated as ever. Throws the errors of jose. */
export async function readUnverified(token: string, options: JWTVerifyOptions): Promise<JWTPayload> {
  decodeProtectedHeader(token)
  const unsecured = `${base64url.encode('{"alg":"none"}')}.${token.split('.')[1]}.`
  return UnsecuredJWT.decode(unsecured, options).payload
}
