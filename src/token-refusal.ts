/** What a token endpoint refused, as a log may hold it: never its words, and nothing of what it was sent. */
export interface TokenRefusal {
  /** Without query and credentials. */
  readonly endpoint: string
  readonly status: number
  /** Its `error` (RFC 6749, §5.2), where it is one that has a name; `other` where not. */
  readonly error: string
}

/** Tells the log of a refusal. */
export type TokenRefused = (refusal: TokenRefusal) => void

/** The message of its line in a log. */
export const tokenRefusedText = 'a token endpoint refused'

/** Codes of RFC 6749 (§5.2), RFC 8628 (§3.5), RFC 8693 and 8707, RFC 6750 (§3.1), and OpenID Connect Core 1.0 (§3.1.2.6). */
const codes = new Set<unknown>([
  ...['invalid_request', 'invalid_client', 'invalid_grant', 'unauthorized_client', 'unsupported_grant_type'],
  ...['invalid_scope', 'invalid_target', 'invalid_token', 'access_denied', 'server_error'],
  ...['temporarily_unavailable', 'slow_down', 'expired_token', 'interaction_required', 'login_required'],
])

/** A refusal for the log. Whatever else an answer has in place of a code may be anything, and is left out. */
export function tokenRefusal(url: string, status: number, error: unknown): TokenRefusal {
  const { origin, pathname } = new URL(url)
  return { endpoint: `${origin}${pathname}`, status, error: codes.has(error) ? String(error) : 'other' }
}
