import { isSecretsEndpoint } from '../loopback.ts'

/** Members of an issuer's metadata (RFC 8414, §2) that codes, tokens, keys or secrets travel to or from. */
const members = [
  'authorization_endpoint',
  'token_endpoint',
  'jwks_uri',
  'userinfo_endpoint',
  'introspection_endpoint',
  'revocation_endpoint',
  'device_authorization_endpoint',
  'pushed_authorization_request_endpoint',
] as const

/**
 * The first endpoint in an issuer's metadata that is not safe to use: it is neither https nor on this machine, or not https
 * where the issuer is. Undefined when all are.
 */
export function insecureEndpoint(
  issuer: string | URL,
  metadata: Readonly<Partial<Record<(typeof members)[number], unknown>>>,
): string | undefined {
  const tls = new URL(issuer).protocol === 'https:'
  return members.find((member) => {
    const url = metadata[member]
    if (url === undefined) return false
    return typeof url !== 'string' || !isSecretsEndpoint(url) || (tls && !/^https:/i.test(url))
  })
}

/** What is wrong with it, in words for an error. */
export function notSecure(member: string): string {
  return `Its ${member} is not an https URL.`
}
