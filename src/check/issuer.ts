import { createDiscovery, type IssuerMetadata } from '../identity/discovery.ts'
import { furtherIssuers } from '../identity/issuers.ts'
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

/** The first of the further issuers whose keys are found by its metadata, and whose metadata cannot be read. */
async function firstUnreadable({
  options,
  now,
}: Pick<Probes, 'options' | 'now'>): Promise<string | undefined> {
  for (const { issuer, jwksUri } of furtherIssuers(options.auth)) {
    if (jwksUri !== undefined) continue
    const found = await errorOf(createDiscovery(issuer, createAskJson(), now)())
    if (found !== undefined) return issuer
  }
  return undefined
}

/** Whether the issuer's metadata can be read, and whether it is that of the issuer which is configured. */
export async function checkIssuer(probes: Probes): Promise<Finding> {
  const further = await firstUnreadable(probes)
  if (further !== undefined) {
    return fail(
      `The metadata of the further issuer ${further} cannot be read, or is of another issuer.`,
      'FHIR_MCP_AUTH_ISSUERS has to name each issuer as "issuer" in <issuer>/.well-known/openid-configuration says, letter by letter, and this machine has to reach it; or name its jwksUri.',
    )
  }
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
