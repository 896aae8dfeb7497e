import { errorOf, type Finding, fail, ok, skipped, warn } from './finding.ts'
import type { Probes } from './probes.ts'
import { howToGiveOne } from './token.ts'

/** What the token permits: how many studies and organizations, and until when. */
export async function checkClaims(probes: Probes): Promise<Finding> {
  if ((await probes.tokens()) === undefined) return skipped('There is no token to look at.', howToGiveOne)
  const error = await errorOf(probes.principal())
  const { claim, claimPath, sources } = probes.options.auth
  const name = [...claimPath, claim].join('.')
  if (error?.at !== undefined) {
    return fail(
      `A claim is there, but it cannot be read: the first wrong element is ${error.at}.`,
      'Have the issuer send it as docs/claims.md says.',
    )
  }
  if (error?.code === 'FHIR_MCP_NO_PERMISSIONS') {
    return fail(
      `${name} is not there, or not readable, in ${sources.join(', ')}.`,
      'Have the issuer send the claim (docs/claims.md), or say where it is: FHIR_MCP_AUTH_CLAIM, FHIR_MCP_AUTH_CLAIM_PATH, FHIR_MCP_AUTH_SOURCES.',
    )
  }
  if (error !== undefined) return skipped('The token is not accepted.')
  const { permissions, source, expiresAt, patient } = await probes.principal()
  const { studies, organizations, superuser } = permissions
  const until = new Date(Math.min(expiresAt * 1000, lastInstant)).toISOString()
  const counts = [
    counted(studies.size, 'study', 'studies'),
    counted(organizations.size, 'organization', 'organizations'),
    ...(patient === undefined ? [] : ['the patient of the sign-in']),
  ].join(', ')
  const found = `${superuser ? 'Everything, by the superuser rule' : counts}; from ${source}, until ${until}.`
  const nothing = studies.size + organizations.size === 0 && patient === undefined && !superuser
  return nothing
    ? warn(
        found,
        `Whoever this is sees nothing: the issuer has to put ids into ${name}, those of the exchange.`,
      )
    : ok(found)
}

/** The last instant that a Date has. */
const lastInstant = 8.64e15

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`
}
