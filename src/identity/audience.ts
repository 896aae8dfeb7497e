import type { AuthOptions } from '../config/auth.ts'
import { fhirMcpError } from '../errors.ts'
import type { Claims } from './claim.ts'

/** What decides whether a token was meant for us. */
export type AudienceOptions = Pick<
  AuthOptions,
  'audience' | 'clients' | 'sources' | 'allowTokensWithoutAudience'
>

/**
 * Our audiences. Throws CONFIG when a token could not be told from one for somebody else: no audience with the source
 * `jwt`, or neither audience nor clients at all.
 */
export function ownAudiences(options: AudienceOptions): readonly string[] {
  const audiences = typeof options.audience === 'string' ? [options.audience] : (options.audience ?? [])
  if (audiences.includes('')) {
    throw fhirMcpError('CONFIG', { detail: 'auth.audience must not be empty.' })
  }
  if (audiences.length === 0 && options.sources.includes('jwt')) {
    throw fhirMcpError('CONFIG', { detail: 'auth.audience is required with the source jwt.' })
  }
  if (audiences.length === 0 && options.clients.length === 0 && !options.allowTokensWithoutAudience) {
    throw fhirMcpError('CONFIG', { detail: 'auth.audience or auth.clients is required.' })
  }
  return audiences
}

/**
 * Holds an introspection answer (RFC 7662) against our audiences and clients. An `aud` must hold one of ours (or one of
 * auth.clients, where the issuer writes the client there); without an `aud`, `client_id` must be one of auth.clients.
 * Throws AUDIENCE. An `aud` that names only others is refused even from a known client: that token could be replayed by
 * whoever it was meant for.
 */
export function checkOpaqueAudience(claims: Claims, audiences: readonly string[], options: AudienceOptions) {
  const named: unknown[] = [claims.aud ?? []].flat()
  const client = claims.client_id ?? undefined
  if (named.length > 0) {
    const accepted: unknown[] = [...audiences, ...options.clients]
    if (named.some((audience) => accepted.includes(audience))) return
  } else if (client === undefined) {
    if (options.allowTokensWithoutAudience) return
  } else if (typeof client === 'string' && options.clients.includes(client)) return
  throw fhirMcpError('AUDIENCE')
}

/**
 * Holds an opaque token that is to be sent on against auth.clients: its `aud` is what the issuer says of it to us, not what the
 * exchange goes by, so its client must be one of ours (or be what `aud` holds, where the issuer writes the client there).
 * Throws AUDIENCE.
 */
export function checkForwardedClient(claims: Claims, options: AudienceOptions) {
  const clients: readonly unknown[] = options.clients
  const client = claims.client_id ?? undefined
  const named: unknown[] = client === undefined ? [claims.aud ?? []].flat() : [client]
  if (named.some((one) => clients.includes(one))) return
  if (named.length === 0 && options.allowTokensWithoutAudience) return
  throw fhirMcpError('AUDIENCE')
}
