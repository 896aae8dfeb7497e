import type { AuthOptions } from '../config/auth.ts'
import { fhirMcpError } from '../errors.ts'
import type { Claims } from './claim.ts'
import { scopeWordsOf } from './token-claims.ts'

/** What decides whether a token was meant for us. */
export type AudienceOptions = Pick<
  AuthOptions,
  'audience' | 'clients' | 'sources' | 'acceptedScopes' | 'allowTokensWithoutAudience'
>

/**
 * Our audiences. Throws CONFIG when a token could not be told from one for somebody else: no audience with the source
 * `jwt`, or no audience, clients or accepted scopes at all.
 */
export function ownAudiences(options: AudienceOptions): readonly string[] {
  const audiences = typeof options.audience === 'string' ? [options.audience] : (options.audience ?? [])
  if (audiences.includes('')) {
    throw fhirMcpError('CONFIG', { detail: 'auth.audience must not be empty.' })
  }
  if (audiences.length === 0 && options.sources.includes('jwt')) {
    throw fhirMcpError('CONFIG', { detail: 'auth.audience is required with the source jwt.' })
  }
  const { clients, acceptedScopes, allowTokensWithoutAudience } = options
  if (audiences.length + clients.length + acceptedScopes.length === 0 && !allowTokensWithoutAudience) {
    throw fhirMcpError('CONFIG', {
      detail: 'auth.audience, auth.clients or auth.acceptedScopes is required.',
    })
  }
  return audiences
}

/**
 * Holds an introspection answer (RFC 7662) against our audiences and clients. An `aud` must hold one of ours (or one of
 * auth.clients, where the issuer writes the client there); without an `aud`, `client_id` must be one of auth.clients, or the
 * scope one of auth.acceptedScopes, which tells of an opaque token that it is meant for us. Throws AUDIENCE, or
 * INSUFFICIENT_SCOPE where such a scope would do. An `aud` that names only others is refused even from a known client: that
 * token could be replayed by whoever it was meant for.
 */
export function checkOpaqueAudience(claims: Claims, audiences: readonly string[], options: AudienceOptions) {
  const named: unknown[] = [claims.aud ?? []].flat()
  if (named.length === 0) return checkClient(claims, clientIn(claims), options)
  const accepted: unknown[] = [...audiences, ...options.clients]
  if (!named.some((audience) => accepted.includes(audience))) throw fhirMcpError('AUDIENCE')
}

/**
 * Holds an opaque token that is to be sent on against auth.clients and auth.acceptedScopes: its `aud` is what the issuer says
 * of it to us, not what the exchange goes by, so its client must be one of ours (or be what `aud` holds, where the issuer
 * writes the client there). Throws AUDIENCE, or INSUFFICIENT_SCOPE where such a scope would do.
 */
export function checkForwardedClient(claims: Claims, options: AudienceOptions) {
  const client = clientIn(claims)
  checkClient(claims, client.length === 0 ? [claims.aud ?? []].flat() : client, options)
}

function clientIn({ client_id: client }: Claims): unknown[] {
  return client === undefined || client === null ? [] : [client]
}

function checkClient(claims: Claims, named: readonly unknown[], options: AudienceOptions) {
  const { acceptedScopes, allowTokensWithoutAudience } = options
  const clients: readonly unknown[] = options.clients
  if (named.some((one) => clients.includes(one))) return
  if (scopeWordsOf(claims).some((word) => acceptedScopes.includes(word))) return
  if (allowTokensWithoutAudience && (named.length === 0 || clients.length === 0)) return
  if (acceptedScopes.length === 0) throw fhirMcpError('AUDIENCE')
  throw fhirMcpError('INSUFFICIENT_SCOPE', {
    scopes: acceptedScopes,
    detail:
      'The token was issued to a client that is not known here, so it has to have a scope that is accepted.',
  })
}
