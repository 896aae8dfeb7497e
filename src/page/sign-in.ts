import type { FastifyInstance } from 'fastify'
import {
  AuthorizationResponseError,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type Configuration,
  calculatePKCECodeChallenge,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
  tokenRevocation,
} from 'openid-client'
import { openIssuer } from '../login/issuer-client.ts'
import { refusalOf } from '../login/refusal.ts'
import type { PageAddress } from './address.ts'
import { fetchInside, type Visitor } from './inside.ts'
import type { PageSignIn } from './settings.ts'

/** The secrets of a sign-in that is under way. */
export interface Challenge {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
}

/** The sign-in of the page at the issuer. Failures are FhirMcpError. */
export interface SignIn {
  /** Where the browser goes, and what has to come back. */
  begin(visitor: Visitor): Promise<{ readonly url: URL; readonly challenge: Challenge }>
  /**
   * Redeems what came back, has `use` do with the access token what it is for, and has the issuer forget it. `denied` when the
   * person or the issuer said no.
   */
  finish<T>(
    visitor: Visitor,
    callback: URL,
    challenge: Challenge,
    use: (token: string) => Promise<T>,
  ): Promise<T | 'denied'>
}

/** All that titles of studies are read with; nothing of a patient can be. */
const readingScope = 'user/ResearchStudy.rs'

/** Makes the sign-in: an authorization code flow with PKCE (RFC 7636, S256). Nothing is asked before the first one. */
export function createSignIn(app: FastifyInstance, address: PageAddress, settings: PageSignIn): SignIn {
  let known: Promise<Configuration> | undefined

  function configuration(visitor: Visitor): Promise<Configuration> {
    if (settings.inside) return openIssuer(settings, fetchInside(app, address, visitor))
    known ??= openIssuer(settings).catch((thrown) => {
      known = undefined
      throw thrown
    })
    return known
  }

  return {
    async begin(visitor) {
      const issuer = await configuration(visitor)
      const challenge = { state: randomState(), nonce: randomNonce(), verifier: randomPKCECodeVerifier() }
      const listed = issuer.serverMetadata().scopes_supported ?? []
      const url = buildAuthorizationUrl(issuer, {
        redirect_uri: address.callbackUrl,
        scope: listed.includes(readingScope) ? `openid ${readingScope}` : 'openid',
        state: challenge.state,
        nonce: challenge.nonce,
        code_challenge: await calculatePKCECodeChallenge(challenge.verifier),
        code_challenge_method: 'S256',
        ...resourceOf(settings),
      })
      return { url, challenge }
    },
    async finish(visitor, callback, { state, nonce, verifier }, use) {
      const issuer = await configuration(visitor)
      const token = await redeem(issuer, callback, { state, nonce, verifier }, resourceOf(settings))
      if (token === undefined) return 'denied'
      try {
        return await use(token)
      } finally {
        await forget(issuer, token)
      }
    },
  }
}

function resourceOf({ resource }: PageSignIn): Record<string, string> {
  return resource === undefined ? {} : { resource }
}

async function redeem(
  issuer: Configuration,
  callback: URL,
  { state, nonce, verifier }: Challenge,
  resource: Record<string, string>,
): Promise<string | undefined> {
  const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier }
  try {
    const answer = await authorizationCodeGrant(
      issuer,
      callback,
      { ...checks, idTokenExpected: true },
      resource,
    )
    return answer.access_token
  } catch (thrown) {
    if (thrown instanceof AuthorizationResponseError && thrown.error === 'access_denied') return undefined
    throw refusalOf(thrown)
  }
}

async function forget(issuer: Configuration, token: string): Promise<void> {
  try {
    if (issuer.serverMetadata().revocation_endpoint !== undefined) await tokenRevocation(issuer, token)
  } catch {
    // It expires by itself.
  }
}
