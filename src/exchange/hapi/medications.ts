import type { Grant } from '../../access/grant.ts'
import { fhirMcpError } from '../../errors.ts'
import { isFhirId } from '../../fhir/grammar.ts'
import type { AnyResource } from '../../fhir/types.ts'
import type { Asking } from '../asking.ts'
import { leak, patientOfGrant, rejected } from '../check.ts'
import { anyResourceOf } from '../compartment/hold.ts'

/** Ids of one request. */
const mostIds = 500

/**
 * Medications by the ids that records of the grant's patient refer to, of the first 500: what they are alone. A Medication is in
 * nobody's compartment and names nobody; of what the exchange gives nothing but its code is kept.
 */
export async function medicationsOf(
  asking: Asking,
  grant: Grant,
  ids: readonly string[],
): Promise<readonly AnyResource[]> {
  patientOfGrant(grant)
  if (!grant.terms.needs.some(({ types }) => types.some((type) => type.startsWith('Medication')))) {
    throw fhirMcpError('FORBIDDEN')
  }
  const asked = [...new Set(ids)].filter(isFhirId).slice(0, mostIds)
  if (asked.length === 0) return []
  const pairs = [
    ['_id', asked.join(',')],
    ['_elements', 'code'],
    ['_count', String(asked.length)],
    ['_pretty', 'false'],
  ] as const
  const { client, call, shape } = asking
  const bundle = await client.search(call, 'Medication', pairs, { ...shape, post: true })
  return (bundle.entry ?? []).flatMap(({ resource, search }) => {
    if (resource === undefined) throw rejected('An entry of its answer has no resource.')
    const { resourceType, id, code } = anyResourceOf(resource)
    if (resourceType === 'OperationOutcome' && search?.mode === 'outcome') return []
    if (resourceType !== 'Medication' || id === undefined || !asked.includes(id)) throw leak()
    return [code === undefined ? { resourceType, id } : { resourceType, id, code }]
  })
}
