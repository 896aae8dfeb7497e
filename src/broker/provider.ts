import { type Configuration, errors, type KoaContextWithOIDC, Provider } from 'oidc-provider'
import { isFhirMcpError } from '../errors.ts'
import { createAdapters, keepClient } from './adapter.ts'
import { type BrokerAddress, interactionPath } from './address.ts'
import { superuserClaim } from './claims.ts'
import { applyClientPolicy } from './client-policy.ts'
import { pageHeaders } from './consent/headers.ts'
import { errorPage } from './consent/page.ts'
import { errorModel } from './failure.ts'
import { createGuardedFetch, type DocumentAccess } from './guarded-fetch.ts'
import type { Holding, Holdings } from './holdings.ts'
import type { BrokerSettings } from './options.ts'
import { pageClient } from './page-client.ts'
import { allScopes, isDataScope, offeredScopes } from './scopes.ts'
import type { SigningKeys } from './signing-keys.ts'
import type { Storage } from './storage.ts'
import { grantClaim, serveStructuredTokens } from './structured-tokens.ts'

/** Seconds that claims may be old when a code is redeemed; a refresh computes them anew in any case. */
const freshEnough = 60

/** Cookies of oidc-provider. The session is never sent back to it: every authorization signs in at the upstream. */
export const cookieNames = {
  interaction: 'fhir_mcp_interaction',
  resume: 'fhir_mcp_resume',
  session: 'fhir_mcp_session',
} as const

/** What the authorization server leans on. */
export interface ProviderParts {
  readonly address: BrokerAddress
  readonly settings: BrokerSettings
  readonly keys: SigningKeys
  readonly storage: Storage
  readonly holdings: Holdings
  readonly documents: DocumentAccess
  /** Where the start page of `serve` is answered; undefined without one. */
  readonly pageCallback: string | undefined
  /** A failure, by its code. */
  readonly failed: (code: string) => void
}

/**
 * The authorization server (`oidc-provider`): OAuth 2.1 with discovery, registration, metadata documents, PKCE, resource
 * indicators, rotation, revocation and introspection. What it puts into tokens comes from the holdings, or no token is made.
 */
export function createProvider(parts: ProviderParts): Provider {
  const provider = new Provider(parts.address.issuer, configurationOf(parts))
  // Every request has been given the host and scheme of publicUrl before it comes here.
  provider.proxy = true
  provider.on('server_error', (_, error) => parts.failed(isFhirMcpError(error) ? error.code : error.name))
  serveStructuredTokens(provider, parts)
  return provider
}

function configurationOf(parts: ProviderParts): Configuration {
  const { address, settings, keys, storage, holdings, documents } = parts
  const { registration } = settings
  const superuserRule = settings.claims.superuser
  const own = [address.issuer, address.resource, address.sseResource]
  const guardedFetch = createGuardedFetch(documents, registration.documentBytes)
  const cookie = { httpOnly: true, sameSite: 'lax', overwrite: true, signed: true } as const
  const algorithms = [...new Set(settings.keys.map(({ alg }) => alg))]

  /** What is held for a grant, with claims of now. Whatever keeps them from being computed keeps the token from being made. */
  async function claimsFor(grantId: string | undefined, age: number): Promise<Holding> {
    try {
      const holding = grantId === undefined ? undefined : await holdings.withClaims(grantId, age)
      if (holding !== undefined) return holding
    } catch (thrown) {
      if (!isFhirMcpError(thrown)) throw thrown
      parts.failed(thrown.code)
      const failure = new errors.CustomOIDCProviderError(
        'server_error',
        `${thrown.code}: ${thrown.entry.message}`,
      )
      const status = thrown.statusCode === 503 ? 503 : 500
      throw Object.assign(failure, { status, statusCode: status })
    }
    throw new errors.InvalidGrant('the sign-in has ended')
  }

  return {
    adapter: createAdapters({ storage, registration, endGrant: (grantId) => holdings.end(grantId) }),
    ...(parts.pageCallback === undefined ? {} : { clients: [pageClient(parts.pageCallback)] }),
    jwks: { keys: keys.all },
    cookies: { keys: settings.cookieSecrets, names: cookieNames, short: cookie, long: cookie },
    routes: {
      authorization: '/authorize',
      token: '/token',
      registration: '/register',
      revocation: '/revoke',
      introspection: '/introspect',
      jwks: '/jwks',
    },
    scopes: allScopes(offeredScopes(settings.fhirTypes)),
    claims: {
      openid: ['sub', 'jhe_permissions', ...(superuserRule === undefined ? [] : [superuserRule.claim])],
    },
    responseTypes: ['code'],
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    clientDefaults: { id_token_signed_response_alg: keys.current.alg },
    enabledJWA: { idTokenSigningAlgValues: algorithms },
    extraClientMetadata: {
      properties: ['software_id'],
      validator: (_, __, ___, metadata) => applyClientPolicy(metadata, own),
    },
    pkce: { required: () => true },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      registration: { enabled: registration.dynamic, issueRegistrationAccessToken: false },
      clientIdMetadataDocument: {
        enabled: registration.documents,
        ack: 'draft-02',
        cacheDuration: { min: 60, max: 3600 },
      },
      revocation: { enabled: true, allowedPolicy: (_, client, token) => token.clientId === client.clientId },
      introspection: {
        enabled: true,
        allowedPolicy: (_, client, token) => token.clientId === client.clientId,
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => address.resource,
        useGrantedResource: () => true,
        getResourceServerInfo(_, resource) {
          if (resource !== address.resource && resource !== address.sseResource)
            throw new errors.InvalidTarget()
          return {
            scope: offeredScopes(settings.fhirTypes).join(' '),
            audience: resource,
            accessTokenFormat: 'jwt',
            accessTokenTTL: settings.accessTokenLifetime,
            jwt: { sign: { alg: keys.current.alg, kid: keys.current.kid } },
          }
        },
      },
    },
    fetch: (input, init) => guardedFetch(input instanceof Request ? input.url : input, init),
    fetchResponseBodyLimits: {
      'client_id metadata document': registration.documentBytes,
      jwks_uri: registration.documentBytes,
    },
    interactions: { url: (_, { uid }) => interactionPath(address, uid) },
    ttl: {
      AccessToken: settings.accessTokenLifetime,
      AuthorizationCode: 60,
      Grant: settings.signInLifetime,
      IdToken: settings.accessTokenLifetime,
      Interaction: 900,
      RefreshToken: (context) =>
        Math.max(1, (context.oidc.entities.Grant?.exp ?? 0) - Math.floor(Date.now() / 1000)),
      Session: 60,
    },
    expiresWithSession: () => false,
    // A grant is of one authorization, and so is what is held for it.
    loadExistingGrant: async (context) => {
      const grantId = context.oidc.result?.consent?.grantId
      return grantId === undefined ? undefined : context.oidc.provider.Grant.find(grantId)
    },
    revokeGrantPolicy: () => true,
    issueRefreshToken: async (_, client, source) =>
      client.grantTypeAllowed('refresh_token') &&
      (await holdings.find(source.grantId ?? ''))?.offline === true,
    // Asked before the old refresh token is used up: what fails here can be tried again.
    async rotateRefreshToken(context) {
      assertDataScope(context)
      await claimsFor(context.oidc.entities.RefreshToken?.grantId, -1)
      return true
    },
    async extraTokenClaims(_, token) {
      if (token.kind !== 'AccessToken' || !('grantId' in token)) throw new errors.InvalidGrant()
      const holding = await claimsFor(token.grantId, freshEnough)
      const { permissions, patient } = holding
      if (token.clientId !== undefined) await keepClient(storage, settings, token.clientId)
      return {
        ...superuserClaim(superuserRule, holding),
        jhe_permissions: permissions,
        [grantClaim]: token.grantId,
        ...(patient === undefined ? {} : { patient }),
      }
    },
    formats: {
      customizers: {
        // A token without any SMART scope is not narrowed by scopes: none is ever made.
        jwt(_, __, { payload }) {
          if (
            !String(payload.scope ?? '')
              .split(' ')
              .some(isDataScope)
          )
            throw new errors.InvalidScope('no data scope is left', '')
          return undefined
        },
      },
    },
    findAccount: (context, subject) => ({
      accountId: subject,
      async claims() {
        const holding = await holdings.find(context.oidc.entities.Grant?.jti ?? '')
        if (holding?.subject !== subject) throw new errors.InvalidGrant('the sign-in has ended')
        return {
          ...superuserClaim(superuserRule, holding),
          sub: subject,
          jhe_permissions: holding.permissions,
        }
      },
    }),
    clientBasedCORS: (_, origin, client) =>
      client.clientAuthMethod === 'none' &&
      (client.redirectUris ?? []).some((uri) => new URL(uri).origin === origin),
    renderError(context, out, error) {
      context.set(pageHeaders)
      context.body = errorPage(errorModel(out.error, error))
    },
  }
}

/** A refresh may ask for less (RFC 6749 §6), but not for nothing: that would be a token without a scope. */
function assertDataScope(context: KoaContextWithOIDC): void {
  const { scope } = context.oidc.params ?? {}
  if (typeof scope === 'string' && !scope.split(' ').some(isDataScope)) {
    throw new errors.InvalidScope('a data scope is needed', scope)
  }
}
