import type { FhirOptions } from '../../config/fhir.ts'
import { type AskJson, createAskJson } from '../../identity/json-endpoint.ts'
import type { Credential } from '../exchange.ts'
import { createAuthenticateClient } from './client-authentication.ts'
import { configured } from './configured.ts'
import { createKeptTokens } from './kept-tokens.ts'
import { discoverTokenUrl } from './smart-configuration.ts'
import { type AskToken, createAskToken } from './token-endpoint.ts'

/** How the endpoints are asked. */
export interface BackendServicesParts {
  readonly ask: AskToken
  readonly askJson: AskJson
}

/**
 * SMART Backend Services (SMART App Launch 2.2): a token of the plugin's own by client credentials and `private_key_jwt`, kept
 * until shortly before it expires, one flight. Where the token endpoint is not configured, the exchange is asked for it each
 * time that a token is needed. Throws CONFIG for an unusable key; when used, EXCHANGE_REJECTED or ISSUER_UNAVAILABLE or EXCHANGE_UNAVAILABLE.
 */
export function createBackendServices(
  fhir: Pick<FhirOptions, 'baseUrl' | 'client'>,
  now: () => number,
  parts: BackendServicesParts = { ask: createAskToken(), askJson: createAskJson() },
): Credential['authorization'] {
  const client = configured(fhir.client, 'fhir.client')
  configured(client.key, 'fhir.client.key')
  const authenticate = createAuthenticateClient(client, now)
  const grant = { grant_type: 'client_credentials', scope: client.scopes.join(' ') }
  const tokens = createKeptTokens(now)

  async function obtain(signal: AbortSignal) {
    const url = client.tokenUrl ?? (await discoverTokenUrl(fhir.baseUrl, parts.askJson))
    const { headers, form } = await authenticate(url)
    const request = { url, headers, form: { ...grant, ...form }, invalidGrant: 'EXCHANGE_REJECTED' } as const
    return parts.ask(request, signal)
  }

  return (signal, refused) => tokens.authorization('own', obtain, signal, refused)
}
