import type { Grant } from '../../access/grant.ts'
import type { Asking } from '../asking.ts'
import type { ObservationCount, PatientsQuery } from '../exchange.ts'
import { requireWhole } from '../whole.ts'
import { observationsOfPatients } from './patients-observations.ts'

const notCounted: readonly (string | undefined)[] = ['entered-in-error', 'cancelled']

/**
 * How many observations each of several patients has, by reading them: several patients in one search, each row held against the
 * grant. Throws EXCHANGE_REJECTED where rows may be missing, and what a patient could not be read for.
 */
export async function countRows(
  asking: Asking,
  grant: Grant,
  query: PatientsQuery,
): Promise<ReadonlyMap<string, ObservationCount>> {
  const counts = new Map(query.patients.map((patient) => [patient, { count: 0, excluded: 0 }]))
  const reading = new AbortController()
  const abort = () => reading.abort(query.signal.reason)
  query.signal.addEventListener('abort', abort, { once: true })
  try {
    const own = { ...query, signal: reading.signal }
    for await (const { observations, gaps, unread } of observationsOfPatients(asking, grant, own)) {
      requireWhole({ gaps: gaps.map(({ gap }) => gap) })
      const [silent] = unread
      if (silent !== undefined) throw silent.error
      for (const { patient, observation } of observations) {
        const count = counts.get(patient)
        if (count === undefined) continue
        if (notCounted.includes(observation.status)) count.excluded += 1
        else count.count += 1
      }
    }
    return counts
  } finally {
    query.signal.removeEventListener('abort', abort)
    reading.abort()
  }
}
