import {
  AuthorizationResponseError,
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type ClientAuth,
  ClientError,
  ClientSecretBasic,
  ClientSecretPost,
  type Configuration,
  calculatePKCECodeChallenge,
  discovery,
  enableNonRepudiationChecks,
  None,
  ResponseBodyError,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
  refreshTokenGrant,
  type TokenEndpointResponse,
  type TokenEndpointResponseHelpers,
  tokenRevocation,
  WWWAuthenticateChallengeError,
} from 'openid-client'
import { fhirMcpError, isFhirMcpError } from '../errors.ts'
import type { Claims } from '../identity/claim.ts'
import { insecureEndpoint, notSecure } from '../identity/endpoints.ts'
import { unavailable } from '../identity/json-endpoint.ts'
import { isEncryptedIdToken } from '../login/encrypted-id-token.ts'
import { type TokenRefused, tokenRefusal } from '../token-refusal.ts'
import type { BrokerSettings } from './options.ts'

/** The secrets of one sign-in that is under way. */
export interface Challenge {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
}

/** What the upstream gave for a person. */
export interface UpstreamTokens {
  readonly accessToken: string
  readonly refreshToken: string | undefined
  /** Seconds since the epoch; undefined where the upstream does not say. */
  readonly expiresAt: number | undefined
  /** Claims of the ID token, whose signature, issuer, audience and times are checked. */
  readonly idClaims: Claims | undefined
}

/** What the upstream may be told to forget. */
export interface RevocableTokens {
  readonly accessToken: string
  readonly refreshToken?: string | undefined
}

/** The upstream provider. What it cannot be asked for throws ISSUER_UNAVAILABLE, what it answers wrongly TOKEN_INVALID. */
export interface Upstream {
  /** Where the person goes to sign in, and what has to come back. */
  begin(): Promise<{ readonly url: URL; readonly challenge: Challenge }>
  /** The tokens for what came back to the callback; `denied` when the person or the upstream said no. */
  finish(callback: URL, challenge: Challenge): Promise<UpstreamTokens | 'denied'>
  refresh(refreshToken: string): Promise<UpstreamTokens | 'invalid_grant'>
  /** Tells the upstream that a token is of no use any more, where it can be told. Never throws. */
  revoke(tokens: RevocableTokens): Promise<void>
}

const what = 'The upstream issuer'
/** Seconds for one request. */
const timeout = 5

/** Makes the client of the upstream. Nothing is asked before the first sign-in. `now` is in milliseconds. */
export function createUpstream(
  options: BrokerSettings['upstream'],
  callbackUrl: string,
  now: () => number,
  refused: TokenRefused = () => undefined,
): Upstream {
  let discovered: Promise<Configuration> | undefined

  function configuration(): Promise<Configuration> {
    discovered ??= discover(options).catch((thrown) => {
      discovered = undefined
      throw refusalOf(thrown)
    })
    return discovered
  }

  /** What a failure of the token endpoint means; the log is told what was refused. */
  async function refusalAt(thrown: unknown) {
    if (thrown instanceof ResponseBodyError || thrown instanceof WWWAuthenticateChallengeError) {
      const url = (await configuration()).serverMetadata().token_endpoint ?? options.issuer
      // A challenge is the answer to a client that is not known (RFC 6749, §5.2).
      const error = thrown instanceof ResponseBodyError ? thrown.error : 'invalid_client'
      refused(tokenRefusal(url, thrown.status, error))
    }
    return refusalOf(thrown)
  }

  function tokensOf(answer: TokenEndpointResponse & TokenEndpointResponseHelpers): UpstreamTokens {
    const life = answer.expiresIn()
    return {
      accessToken: answer.access_token,
      refreshToken: answer.refresh_token,
      expiresAt: life === undefined ? undefined : Math.floor(now() / 1000) + life,
      idClaims: answer.claims(),
    }
  }

  return {
    async begin() {
      const challenge = {
        state: randomState(),
        nonce: randomNonce(),
        verifier: randomPKCECodeVerifier(),
      }
      const url = buildAuthorizationUrl(await configuration(), {
        ...options.parameters,
        redirect_uri: callbackUrl,
        scope: options.scope,
        state: challenge.state,
        nonce: challenge.nonce,
        code_challenge: await calculatePKCECodeChallenge(challenge.verifier),
        code_challenge_method: 'S256',
      })
      return { url, challenge }
    },
    async finish(callback, { state, nonce, verifier }) {
      try {
        const answer = await authorizationCodeGrant(await configuration(), callback, {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
        })
        return tokensOf(answer)
      } catch (thrown) {
        if (thrown instanceof AuthorizationResponseError && thrown.error === 'access_denied') return 'denied'
        throw await refusalAt(thrown)
      }
    },
    async refresh(refreshToken) {
      try {
        const answer = await refreshTokenGrant(await configuration(), refreshToken)
        const tokens = tokensOf(answer)
        return { ...tokens, refreshToken: tokens.refreshToken ?? refreshToken }
      } catch (thrown) {
        if (thrown instanceof ResponseBodyError && thrown.error === 'invalid_grant') return 'invalid_grant'
        throw await refusalAt(thrown)
      }
    },
    async revoke({ accessToken, refreshToken }) {
      try {
        const known = await configuration()
        if (known.serverMetadata().revocation_endpoint === undefined) return
        if (refreshToken !== undefined) await tokenRevocation(known, refreshToken)
        await tokenRevocation(known, accessToken)
      } catch {
        // It expires by itself.
      }
    },
  }
}

async function discover({ issuer, clientId, clientSecret }: BrokerSettings['upstream']) {
  const auth = clientSecret === undefined ? None() : secretAuth(clientSecret)
  const plain = new URL(issuer).protocol === 'http:'
  const configuration = await discovery(new URL(issuer), clientId, undefined, auth, {
    timeout,
    // By default an ID token that came by TLS from the token endpoint is not held against the issuer's keys.
    execute: [enableNonRepudiationChecks, ...(plain ? [allowInsecureRequests] : [])],
  })
  const insecure = insecureEndpoint(issuer, configuration.serverMetadata())
  if (insecure !== undefined) throw unavailable(what, 'issuer', { said: notSecure(insecure) })
  return configuration
}

/** `client_secret_basic` unless the issuer takes only `client_secret_post` (RFC 8414 §2: basic where it does not say). */
function secretAuth(secret: string): ClientAuth {
  return (server, client, body, headers) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
    const post = !methods.includes('client_secret_basic') && methods.includes('client_secret_post')
    const authenticate = post ? ClientSecretPost(secret) : ClientSecretBasic(secret)
    authenticate(server, client, body, headers)
  }
}

const unreachable: readonly (string | undefined)[] = [
  'OAUTH_TIMEOUT',
  'OAUTH_ABORT',
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_RESPONSE_IS_NOT_JSON',
  'OAUTH_PARSE_ERROR',
]

/** Nothing of what was thrown is kept: openid-client's errors hold codes, tokens and answers. */
function refusalOf(thrown: unknown) {
  if (isFhirMcpError(thrown)) return thrown
  if (thrown instanceof TypeError) return unavailable(what)
  if (thrown instanceof ClientError && unreachable.includes(thrown.code)) return unavailable(what)
  if (thrown instanceof ResponseBodyError && thrown.status >= 500) return unavailable(what)
  if (isUnknownClient(thrown)) {
    return unavailable(what, 'issuer', { said: 'It does not accept our client, or its secret any more.' })
  }
  if (isEncryptedIdToken(thrown)) {
    return unavailable(what, 'issuer', { said: 'It encrypts its ID tokens; have it sign them only.' })
  }
  return fhirMcpError('TOKEN_INVALID', { detail: "The upstream's answer does not belong to this sign-in." })
}

/** Whether the upstream does not know us any more: a client that was removed, or whose secret is another now. */
function isUnknownClient(thrown: unknown): boolean {
  if (thrown instanceof WWWAuthenticateChallengeError) return true
  const codes = ['invalid_client', 'unauthorized_client']
  return thrown instanceof ResponseBodyError && codes.includes(thrown.error)
}
