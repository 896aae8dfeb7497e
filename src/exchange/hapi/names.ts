import type { Grant } from '../../access/grant.ts'
import { isFhirMcpError } from '../../errors.ts'
import type { Observation } from '../../fhir/types.ts'
import type { Asking } from '../asking.ts'
import { leak, matchesOf, patientNamed, requireHonoured, requireMember } from '../check.ts'
import { holdWithin } from '../restrictions.ts'
import type { SearchPairs } from '../search-pairs.ts'
import { observationPairs } from './filters.ts'

/** Ids of one request. */
const mostIds = 500
/** What names an observation, and what the checks need. */
const elements = 'status,code,subject,category'

/**
 * The observations of a patient that have one of these ids, of the first 500, with what names them. They are searched for by id
 * and patient together, so that nobody else's is asked for.
 */
export async function namesOf(
  asking: Asking,
  grant: Grant,
  patient: string,
  ids: readonly string[],
): Promise<readonly Observation[]> {
  requireMember(grant, patient)
  const asked = [...new Set(ids)].slice(0, mostIds)
  const own = pairsWithin(grant, patient)
  if (asked.length === 0 || own === undefined) return []
  const pairs: SearchPairs = [
    ['_id', asked.join(',')],
    ['patient', `Patient/${patient}`],
    ...own,
    ['_elements', elements],
    ['_count', String(asked.length)],
    ['_pretty', 'false'],
  ]
  const { client, call, shape } = asking
  const rows = matchesOf(
    await client.search(call, 'Observation', pairs, { ...shape, post: true }),
    'Observation',
  )
  for (const row of rows) {
    if (patientNamed(row.subject?.reference, client.baseUrl) !== patient) throw leak()
    holdWithin(grant, row, patient)
    requireHonoured(asked.includes(row.id), '_id')
  }
  return rows
}

/** Undefined where the grant cannot be said in one search: names are worth no more. */
function pairsWithin(grant: Grant, patient: string): SearchPairs | undefined {
  try {
    return observationPairs(grant, {}, patient)
  } catch (thrown) {
    if (isFhirMcpError(thrown, 'NOT_SUPPORTED_BY_EXCHANGE')) return undefined
    throw thrown
  }
}
