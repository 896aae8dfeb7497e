import {
  AuthorizationResponseError,
  ClientError,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from 'openid-client'
import { type FhirMcpError, fhirMcpError, isFhirMcpError } from '../errors.ts'
import { isEncryptedIdToken } from './encrypted-id-token.ts'

/** What OAuth's error codes (RFC 6749, §4.1.2.1 and §5.2; RFC 8628, §3.5; RFC 8707, §2) mean to who signs in. */
const refusals: Readonly<Record<string, () => FhirMcpError>> = {
  access_denied: () => signInFirst('The sign-in was denied.'),
  login_required: () => signInFirst('The issuer wants a new sign-in.'),
  expired_token: () => signInFirst('Nobody signed in in time.'),
  invalid_client: unknownClient,
  unauthorized_client: unknownClient,
  invalid_scope: () => config('The issuer does not give the scopes of FHIR_MCP_LOGIN_SCOPE.'),
  invalid_target: () =>
    config('The issuer does not know the resource; FHIR_MCP_LOGIN_RESOURCE=none asks for none.'),
  server_error: () => issuerUnavailable(),
  temporarily_unavailable: () => issuerUnavailable(),
}

/** `code` of openid-client's errors that say that the issuer could not be asked, or answered with nothing usable. */
const unreachable: ReadonlySet<string | undefined> = new Set([
  'OAUTH_TIMEOUT',
  'OAUTH_ABORT',
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_RESPONSE_IS_NOT_JSON',
  'OAUTH_PARSE_ERROR',
])

/**
 * What a failure of a sign-in means. Nothing of it is kept: openid-client's errors hold codes, tokens and answers in
 * their `cause`.
 */
export function refusalOf(thrown: unknown): FhirMcpError {
  if (isFhirMcpError(thrown)) return thrown
  if (thrown instanceof WWWAuthenticateChallengeError) return unknownClient()
  if (thrown instanceof AuthorizationResponseError || thrown instanceof ResponseBodyError) {
    const refusal = Object.hasOwn(refusals, thrown.error) ? refusals[thrown.error] : undefined
    return refusal?.() ?? signInFirst('The issuer refused the sign-in.')
  }
  // fetch throws a TypeError for a connection that failed.
  if (thrown instanceof TypeError) return issuerUnavailable()
  if (thrown instanceof ClientError && unreachable.has(thrown.code)) return issuerUnavailable()
  if (isEncryptedIdToken(thrown)) {
    return config('The issuer encrypts the ID tokens of this client; have it sign them only.')
  }
  return fhirMcpError('TOKEN_INVALID', {
    detail: "The issuer's answer does not belong to this sign-in, or is not what was asked for.",
  })
}

/** Whether the issuer said that a refresh token or a code is of no use any more (RFC 6749, §5.2). */
export function isInvalidGrant(thrown: unknown): boolean {
  return thrown instanceof ResponseBodyError && thrown.error === 'invalid_grant'
}

/** Whether the issuer knows the client and does not let it use this grant (RFC 6749, §5.2). */
export function isClosedGrant(thrown: unknown): boolean {
  return thrown instanceof ResponseBodyError && thrown.error === 'unauthorized_client'
}

/** The refusal of whoever has not signed in. */
export function signInFirst(detail: string): FhirMcpError {
  return fhirMcpError('UNAUTHENTICATED', { detail })
}

function issuerUnavailable(): FhirMcpError {
  return fhirMcpError('ISSUER_UNAVAILABLE', { detail: 'The issuer could not be asked.' })
}

function unknownClient(): FhirMcpError {
  return config(
    'The issuer does not accept this client, or its secret any more: check FHIR_MCP_LOGIN_CLIENT_ID, FHIR_MCP_LOGIN_CLIENT_SECRET and what is registered for it.',
  )
}

function config(detail: string): FhirMcpError {
  return fhirMcpError('CONFIG', { detail })
}
