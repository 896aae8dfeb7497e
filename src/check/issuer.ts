import { createDiscovery, type IssuerMetadata } from '../identity/discovery.ts'
import { createAskJson } from '../identity/json-endpoint.ts'
import { errorOf, type Finding, fail, ok, warn } from './finding.ts'
import type { Probes } from './probes.ts'

/** The issuer that people sign in at: with the broker that is the broker's own upstream. */
export function issuerOf({ options, broker }: Pick<Probes, 'options' | 'broker'>): string {
  return broker?.upstream.issuer ?? options.auth.issuer
}

/** Reads its metadata. Throws ISSUER_UNAVAILABLE. */
export function discover(probes: Pick<Probes, 'options' | 'broker' | 'now'>): Promise<IssuerMetadata> {
  return createDiscovery(issuerOf(probes), createAskJson(), probes.now)()
}

/** Whether the issuer's metadata can be read, and whether it is that of the issuer which is configured. */
export async function checkIssuer(probes: Probes): Promise<Finding> {
  if ((await errorOf(discover(probes))) === undefined) return ok('Its metadata names it.')
  const variable = probes.broker === undefined ? 'FHIR_MCP_AUTH_ISSUER' : 'FHIR_MCP_BROKER_UPSTREAM_ISSUER'
  const found = 'Its metadata cannot be read, or is of another issuer.'
  const cure = `${variable} has to be what "issuer" in <issuer>/.well-known/openid-configuration says, letter by letter, and this machine has to reach it.`
  const { sources, jwksUri } = probes.options.auth
  // With its keys named, signatures are verified without it.
  const dispensable =
    probes.broker === undefined && jwksUri !== undefined && sources.every((one) => one === 'jwt')
  return dispensable && probes.login === undefined
    ? warn(`${found} FHIR_MCP_AUTH_JWKS_URI is used in its place.`, cure)
    : fail(found, cure)
}
