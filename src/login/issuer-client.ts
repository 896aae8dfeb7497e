import {
  allowInsecureRequests,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  type CustomFetch,
  customFetch,
  discovery,
  None,
  type ServerMetadata,
} from 'openid-client'
import { fhirMcpError } from '../errors.ts'
import { insecureEndpoint, notSecure } from '../identity/endpoints.ts'
import { refusalOf } from './refusal.ts'
import type { LoginSettings } from './settings.ts'

/** Our client at an issuer. */
type IssuerClient = Pick<LoginSettings, 'issuer' | 'clientId' | 'clientSecret'>

/** Seconds for one request. */
const issuerTimeout = 10

/** The types whose scopes the tools use where a token has any of SMART's. */
const readTypes = ['Patient', 'Observation', 'ResearchStudy']

/**
 * Finds the issuer (OpenID Connect Discovery 1.0, §4) for our client. Throws ISSUER_UNAVAILABLE, or CONFIG for an issuer
 * that does without PKCE's S256 or has an endpoint that tokens must not be sent to. `fetch` is how it is asked, now and
 * later; by default over the network.
 */
export async function openIssuer(settings: IssuerClient, fetch?: CustomFetch): Promise<Configuration> {
  const { issuer, clientId } = settings
  const plain = issuer.protocol === 'http:'
  let configuration: Configuration
  try {
    configuration = await discovery(issuer, clientId, undefined, authOf(settings), {
      timeout: issuerTimeout,
      ...(fetch === undefined ? {} : { [customFetch]: fetch }),
      ...(plain ? { execute: [allowInsecureRequests] } : {}),
    })
  } catch (thrown) {
    throw refusalOf(thrown)
  }
  const metadata = configuration.serverMetadata()
  const methods = metadata.code_challenge_methods_supported
  if (methods !== undefined && !metadata.supportsPKCE('S256')) {
    throw fhirMcpError('CONFIG', { detail: 'The issuer does not offer PKCE with S256.' })
  }
  const insecure = insecureEndpoint(issuer, metadata)
  if (insecure !== undefined) {
    throw fhirMcpError('CONFIG', { detail: `The issuer cannot be used. ${notSecure(insecure)}` })
  }
  return configuration
}

/**
 * The issuer with a way to revoke tokens where its metadata name none: a JupyterHealth Exchange (django-oauth-toolkit) does it
 * beside its token endpoint. Whether it did is shown by its answer.
 */
export function withRevocation(issuer: Configuration, settings: IssuerClient): Configuration {
  const { supportsPKCE: _, ...metadata } = issuer.serverMetadata()
  const beside = /^(.*\/o\/)token\/$/.exec(metadata.token_endpoint ?? '')?.[1]
  if (metadata.revocation_endpoint !== undefined || beside === undefined) return issuer
  const revoking = new Configuration(
    { ...metadata, revocation_endpoint: `${beside}revoke_token/` },
    settings.clientId,
    undefined,
    authOf(settings),
  )
  revoking.timeout = issuerTimeout
  if (settings.issuer.protocol === 'http:') allowInsecureRequests(revoking)
  return revoking
}

/** The scopes to ask for: as configured, else what the issuer lists of what is of use; `openid` always. */
export function scopeFor(settings: LoginSettings, metadata: ServerMetadata): string {
  if (settings.scope !== undefined) return settings.scope
  const listed = metadata.scopes_supported
  if (listed === undefined) return 'openid offline_access'
  const reading = [...readTypes, ...settings.types].map((type) => `user/${type}.rs`)
  const useful = ['offline_access', ...reading].filter((scope) => listed.includes(scope))
  return ['openid', ...useful].join(' ')
}

/** The resource indicator (RFC 8707) as a parameter, where there is one. */
export function resourceParameter(resource: string | undefined): Record<string, string> {
  return resource === undefined ? {} : { resource }
}

function authOf({ clientSecret }: IssuerClient): ClientAuth {
  return clientSecret === undefined ? None() : secretAuth(clientSecret)
}

/** `client_secret_basic` unless the issuer takes only `client_secret_post` (RFC 8414, §2: basic where it does not say). */
function secretAuth(secret: string): ClientAuth {
  return (server, client, body, headers) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
    const basic = methods.includes('client_secret_basic') || !methods.includes('client_secret_post')
    const authenticate = basic ? ClientSecretBasic(secret) : ClientSecretPost(secret)
    authenticate(server, client, body, headers)
  }
}
