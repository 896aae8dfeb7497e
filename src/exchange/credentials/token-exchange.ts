import { createHash } from 'node:crypto'
import type { FhirOptions } from '../../config/fhir.ts'
import type { Credential } from '../exchange.ts'
import { createAuthenticateClient } from './client-authentication.ts'
import { configured } from './configured.ts'
import { createKeptTokens } from './kept-tokens.ts'
import { type AskToken, createAskToken } from './token-endpoint.ts'

const accessToken = 'urn:ietf:params:oauth:token-type:access_token'

/**
 * Token exchange (RFC 8693): for each caller's token one for `fhir.audience`, got when it is first needed and kept under a
 * digest of the caller's. Throws CONFIG for an unusable key; when used, TOKEN_INVALID where the endpoint does not take the
 * caller's token, EXCHANGE_REJECTED or ISSUER_UNAVAILABLE or EXCHANGE_UNAVAILABLE.
 */
export function createTokenExchange(
  fhir: FhirOptions,
  now: () => number,
  ask: AskToken = createAskToken(),
): (token: string) => Credential['authorization'] {
  const client = configured(fhir.client, 'fhir.client')
  const url = configured(client.tokenUrl, 'fhir.client.tokenUrl')
  const authenticate = createAuthenticateClient(client, now)
  const target = targetOf(configured(fhir.audience, 'fhir.audience'))
  const scope: Record<string, string> = client.scopes.length === 0 ? {} : { scope: client.scopes.join(' ') }
  const tokens = createKeptTokens(now)

  async function exchange(token: string, signal: AbortSignal) {
    const { headers, form } = await authenticate(url)
    const grant = {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: token,
      subject_token_type: accessToken,
      requested_token_type: accessToken,
    }
    const invalidGrant = 'TOKEN_INVALID'
    return ask({ url, headers, form: { ...grant, ...target, ...scope, ...form }, invalidGrant }, signal)
  }

  return (token) => {
    const digest = createHash('sha256').update(token).digest('base64url')
    return (signal, refused) => tokens.authorization(digest, (end) => exchange(token, end), signal, refused)
  }
}

/** An audience that is a URL is a resource too (RFC 8707, §2); endpoints pass over the one that they do not know. */
function targetOf(audience: string): Record<string, string> {
  const isUrl = /^https?:\/\//.test(audience) && URL.canParse(audience) && !audience.includes('#')
  return isUrl ? { audience, resource: audience } : { audience }
}
