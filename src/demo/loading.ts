import type { AnyResource } from '../fhir/types.ts'
import { syntheticCohort } from '../test-kit/cohort.ts'
import { asR5 } from '../test-kit/r5.ts'

const size = 200

/**
 * Puts the synthetic cohort into a FHIR server, R4 or R5, as transactions of PUTs: the same people at the same ids however
 * often it runs. For a server that holds nothing real.
 */
export async function load(base: string): Promise<number> {
  const isR5 = (await fhirVersionOf(base)).startsWith('5')
  const cohort = isR5 ? syntheticCohort().map(asR5) : syntheticCohort()
  for (let start = 0; start < cohort.length; start += size) {
    await send(base, cohort.slice(start, start + size))
  }
  return cohort.length
}

async function fhirVersionOf(base: string): Promise<string> {
  const answer = await fetch(`${base}/metadata?_elements=CapabilityStatement.fhirVersion`)
  if (!answer.ok) throw new Error(`metadata: HTTP ${answer.status}`)
  const statement = (await answer.json()) as { fhirVersion?: unknown }
  return String(statement.fhirVersion)
}

async function send(base: string, resources: readonly AnyResource[]): Promise<void> {
  const entry = resources.map((resource) => {
    const url = `${resource.resourceType}/${resource.id}`
    return { resource, request: { method: 'PUT', url } }
  })
  const answer = await fetch(base, {
    method: 'POST',
    headers: { 'content-type': 'application/fhir+json', prefer: 'return=minimal' },
    body: JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry }),
  })
  if (!answer.ok) throw new Error(`transaction: HTTP ${answer.status}`)
}
