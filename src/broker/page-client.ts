import type { ClientMetadata } from 'oidc-provider'

/** Client id of the start page of `serve`. */
export const pageClientId = 'start-page'

/**
 * The start page as a client: public, with PKCE, for one code each time and nothing that lasts. Anybody knows its id, so it is
 * asked for consent like any other.
 */
export function pageClient(redirectUri: string): ClientMetadata {
  return {
    client_id: pageClientId,
    client_name: 'The start page of this server',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code'],
    response_types: ['code'],
    redirect_uris: [redirectUri],
  }
}
