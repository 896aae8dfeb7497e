import type { Grant } from '../../access/grant.ts'
import { fhirMcpError } from '../../errors.ts'
import type { AnyResource, Observation } from '../../fhir/types.ts'
import type { Asking } from '../asking.ts'
import { patientOfGrant, requireMember } from '../check.ts'
import { exchangeId, isExchangeId, isImportedId } from './ids.ts'
import { importsWithin, requireStamp, resourcesIn } from './imported.ts'
import { importedRows } from './imported-observations.ts'
import { largestPage } from './rows.ts'

/**
 * Those imported observations of a patient that have one of these ids. The exchange's own readings refer to no others, and it
 * takes one id at a time: imported ones are read whole, once in a call. It keeps the references of an imported panel as the
 * other server wrote them, so only those by ids of the exchange lead anywhere.
 */
export async function namesOf(
  asking: Asking,
  grant: Grant,
  patient: string,
  ids: readonly string[],
): Promise<readonly Observation[]> {
  requireMember(grant, patient)
  const asked = new Set(ids.filter(isImportedId))
  if (asked.size === 0 || !isExchangeId(patient)) return []
  const { rows } = await importedRows(asking, grant, patient, {})
  return rows.map(({ observation }) => observation).filter(({ id }) => asked.has(id))
}

/**
 * Medications that were imported for the grant's patient, by the exchange's ids of them: what they are alone. Those of one page,
 * each held against the patient.
 */
export async function medicationsOf(
  asking: Asking,
  grant: Grant,
  ids: readonly string[],
): Promise<readonly AnyResource[]> {
  const patient = exchangeId(patientOfGrant(grant))
  if (!grant.terms.needs.some(({ types }) => types.some((type) => type.startsWith('Medication')))) {
    throw fhirMcpError('FORBIDDEN')
  }
  const asked = new Set(ids.filter(isImportedId))
  if (asked.size === 0 || !importsWithin(grant, 'Medication', patient)) return []
  const pairs = [
    ['patient', patient],
    ['_sort', '_lastUpdated'],
    ['_count', String(largestPage)],
    ['_page', '1'],
  ] as const
  const { client, call, shape } = asking
  const bundle = await client.search(call, 'Medication', pairs, { ...shape, takesPartial: true })
  return resourcesIn(bundle).flatMap((resource) => {
    requireStamp(resource, { type: 'Medication', patient })
    const { resourceType, id, code } = resource
    if (id === undefined || !asked.has(id)) return []
    return [code === undefined ? { resourceType, id } : { resourceType, id, code }]
  })
}
