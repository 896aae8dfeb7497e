import { randomBytes } from 'node:crypto'
import { exportJWK, generateKeyPair } from 'jose'
import { type Configuration, errors, Provider } from 'oidc-provider'
import { createAdapters, keepClient } from '../broker/adapter.ts'
import { applyClientPolicy } from '../broker/client-policy.ts'
import { pageHeaders } from '../broker/consent/headers.ts'
import type { ErrorModel } from '../broker/consent/model.ts'
import { errorPage } from '../broker/consent/page.ts'
import { errorModel } from '../broker/failure.ts'
import { pageClient } from '../broker/page-client.ts'
import { allScopes, dataScopes } from '../broker/scopes.ts'
import { createMemoryStorage } from '../broker/storage-memory.ts'
import { sseResourceBeside } from '../mcp/sse-resource.ts'
import { pageCallbackAt } from '../page/address.ts'
import type { Person } from './cast.ts'
import { demoClient, tokenSeconds } from './own-client.ts'

/** Seconds for which the access tokens of other clients are good; they have refresh tokens. */
export const accessTokenSeconds = 600
/** Seconds for which a sign-in can be refreshed, unless the demo ends before. */
const signInSeconds = 30 * 86_400

/** Registered clients that are kept, and for how many seconds one with which nobody signed in. */
const registration = {
  dynamic: true,
  documents: false,
  limit: 200,
  unusedLifetime: 3600,
  documentBytes: 16_384,
}

/** Cookies on a loopback address are shared by all its ports, so they are named after us. */
export const cookieNames = {
  interaction: 'fhir_mcp_demo_interaction',
  resume: 'fhir_mcp_demo_resume',
  session: 'fhir_mcp_demo_session',
} as const

/** What the authorization server is for. */
export interface DemoProviderOptions {
  readonly issuer: string
  readonly resource: string
  readonly people: readonly Person[]
}

/**
 * The authorization server of the demo (`oidc-provider`): discovery, registration, code with PKCE S256, one resource, refresh
 * tokens that rotate. Access tokens are JWTs with the permissions claim of the person who was chosen. In memory, with a
 * fresh key each time.
 */
export async function createDemoProvider(options: DemoProviderOptions): Promise<Provider> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const key = { ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: 'demo' }
  return new Provider(options.issuer, {
    ...configurationOf(options),
    jwks: { keys: [key] },
  })
}

function configurationOf({ resource, people }: DemoProviderOptions): Configuration {
  const storage = createMemoryStorage({ passing: 1000, lasting: 1000 }, Date.now)
  const resources = [resource, sseResourceBeside(resource)]
  const cookie = { httpOnly: true, sameSite: 'lax', overwrite: true, signed: true } as const
  const lifetime = (clientId: string) => (clientId === demoClient.id ? tokenSeconds : accessTokenSeconds)
  return {
    adapter: createAdapters({ storage, registration, endGrant: async () => undefined }),
    clients: [
      {
        client_id: demoClient.id,
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code'],
        response_types: ['code'],
        redirect_uris: [demoClient.redirectUri],
      },
      pageClient(pageCallbackAt(new URL(resource).origin)),
    ],
    cookies: {
      keys: [randomBytes(32).toString('hex')],
      names: cookieNames,
      short: cookie,
      long: cookie,
    },
    scopes: allScopes(),
    responseTypes: ['code'],
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post'],
    extraClientMetadata: {
      properties: ['software_id'],
      validator: (_, __, ___, metadata) => applyClientPolicy(metadata, resources),
    },
    pkce: { required: () => true },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      registration: { enabled: true, issueRegistrationAccessToken: false },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        useGrantedResource: () => true,
        getResourceServerInfo(_, asked) {
          if (!resources.includes(asked)) throw new errors.InvalidTarget()
          return {
            scope: dataScopes.join(' '),
            audience: asked,
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: 'RS256' } },
          }
        },
      },
    },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    ttl: {
      AccessToken: (_, __, client) => lifetime(client.clientId),
      AuthorizationCode: 60,
      Grant: signInSeconds,
      IdToken: accessTokenSeconds,
      Interaction: 900,
      RefreshToken: signInSeconds,
      Session: 60,
    },
    expiresWithSession: () => false,
    // A grant is of one authorization: each one asks anew whom to be.
    loadExistingGrant: async (context) => {
      const grantId = context.oidc.result?.consent?.grantId
      return grantId === undefined ? undefined : context.oidc.provider.Grant.find(grantId)
    },
    issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    async extraTokenClaims(_, token) {
      const person = 'accountId' in token ? people.find(({ name }) => name === token.accountId) : undefined
      if (person === undefined) throw new errors.InvalidGrant()
      if (token.clientId !== undefined) {
        await keepClient(storage, { registration, signInLifetime: signInSeconds }, token.clientId)
      }
      return { ...person.claims }
    },
    clientBasedCORS: (_, origin, client) =>
      client.clientAuthMethod === 'none' &&
      (client.redirectUris ?? []).some((uri) => new URL(uri).origin === origin),
    renderError(context, out, error) {
      context.set(pageHeaders)
      context.body = errorPage(modelOf(out.error, error))
    },
  }
}

/** What a person is told whom a client sent here in vain. */
function modelOf(code: string, error: Error): ErrorModel {
  const model = errorModel(code, error)
  if (code !== 'invalid_client') return model
  return {
    ...model,
    message: 'The program that sent you here is not known: it registered with an earlier run of the demo.',
    cure: 'Have that program forget its sign-in for this server (in Claude Code: /mcp, then Clear authentication), and connect it again.',
  }
}
