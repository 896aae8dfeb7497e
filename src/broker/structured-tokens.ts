import { createLocalJWKSet, type JWTPayload, jwtVerify } from 'jose'
import type Provider from 'oidc-provider'
import type { BrokerAddress } from './address.ts'
import type { Holdings } from './holdings.ts'
import type { SigningKeys } from './signing-keys.ts'
import type { Storage } from './storage.ts'

/** Claim of our access tokens that says which sign-in they belong to. */
export const grantClaim = 'grant_id'

/** What is needed to answer for JWT access tokens. */
export interface StructuredTokenParts {
  readonly address: BrokerAddress
  readonly keys: SigningKeys
  readonly storage: Storage
  readonly holdings: Holdings
}

/**
 * Answers revocation (RFC 7009) and introspection (RFC 7662) for our JWT access tokens, which oidc-provider does not keep and
 * so refuses: once it has authenticated the client, and for tokens of that client alone. Revoking an access token ends its
 * sign-in (RFC 7009 §2.1), and a token whose sign-in has ended is not active.
 */
export function serveStructuredTokens(provider: Provider, parts: StructuredTokenParts): void {
  const { address, keys, storage, holdings } = parts
  const published = createLocalJWKSet(keys.published)

  async function activeClaims(token: string, clientId: string): Promise<JWTPayload | undefined> {
    try {
      const { payload } = await jwtVerify(token, published, {
        issuer: address.issuer,
        audience: [address.resource, address.sseResource],
        typ: 'at+jwt',
      })
      const grantId = payload[grantClaim]
      if (payload.client_id !== clientId || typeof grantId !== 'string') return undefined
      return (await storage.get('Grant', grantId)) === undefined ? undefined : payload
    } catch {
      return undefined
    }
  }

  provider.use(async (context, next) => {
    await next()
    const { oidc } = context
    if (oidc?.client === undefined || !isUnsupported(context.body)) return
    const token = oidc.params?.token
    if (oidc.route !== 'introspection' && oidc.route !== 'revocation') return
    const claims = await activeClaims(String(token), oidc.client.clientId)
    context.status = 200
    if (oidc.route === 'introspection') {
      context.body =
        claims === undefined ? { active: false } : { active: true, token_type: 'Bearer', ...claims }
      return
    }
    context.body = ''
    const grantId = claims?.[grantClaim]
    if (typeof grantId !== 'string') return
    await storage.remove('Grant', grantId)
    await holdings.end(grantId)
  })
}

function isUnsupported(body: unknown): boolean {
  return (
    typeof body === 'object' && body !== null && 'error' in body && body.error === 'unsupported_token_type'
  )
}
