import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type Configuration,
  calculatePKCECodeChallenge,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
  type TokenEndpointResponse,
} from 'openid-client'
import { resourceParameter, scopeFor } from './issuer-client.ts'
import { refusalOf } from './refusal.ts'
import type { LoginSettings } from './settings.ts'

/** One authorization request, and the only answer to it that is taken. */
export interface Authorization {
  /** The issuer's page. It holds no secret: the verifier stays here. */
  readonly url: URL
  readonly state: string
  /**
   * Takes the redirect that the browser came back with: `state`, `iss` (RFC 9207) and `error` are checked, the code is
   * redeemed with the verifier, and the ID token's `iss`, `aud`, `exp` and `nonce` are checked. Throws FhirMcpError.
   */
  redeem(redirect: URL): Promise<TokenEndpointResponse>
}

/** Begins an authorization code flow with PKCE (RFC 7636, S256) for a loopback redirect (RFC 8252, §7.3). */
export async function beginAuthorization(
  issuer: Configuration,
  settings: LoginSettings,
  redirectUri: string,
): Promise<Authorization> {
  const [verifier, state, nonce] = [randomPKCECodeVerifier(), randomState(), randomNonce()]
  const scope = scopeFor(settings, issuer.serverMetadata())
  const resource = resourceParameter(settings.resource)
  const url = buildAuthorizationUrl(issuer, {
    redirect_uri: redirectUri,
    scope,
    state,
    nonce,
    code_challenge: await calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    // OpenID Connect Core 1.0, §11: offline access is given only with consent asked for.
    ...(scope.split(' ').includes('offline_access') ? { prompt: 'consent' } : {}),
    ...resource,
  })
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce }
  return {
    url,
    state,
    async redeem(redirect) {
      try {
        return await authorizationCodeGrant(issuer, redirect, { ...checks, idTokenExpected: true }, resource)
      } catch (thrown) {
        throw refusalOf(thrown)
      }
    },
  }
}
