import { ClientError } from 'openid-client'

/** Whether openid-client stopped at an ID token in the form of a JWE (RFC 7516), which nobody has the key for here. */
export function isEncryptedIdToken(thrown: unknown): boolean {
  return (
    thrown instanceof ClientError &&
    thrown.code === 'OAUTH_UNSUPPORTED_OPERATION' &&
    thrown.cause instanceof Error &&
    thrown.cause.message === 'JWE decryption is not configured'
  )
}
