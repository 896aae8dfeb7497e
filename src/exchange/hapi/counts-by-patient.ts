import type { Grant } from '../../access/grant.ts'
import { isFhirMcpError } from '../../errors.ts'
import type { Asking } from '../asking.ts'
import { requireMember } from '../check.ts'
import type { ObservationCount, PatientsQuery } from '../exchange.ts'
import { didNotAnswer } from '../patient-by-patient.ts'
import { countOfSeveral } from './counts.ts'
import { countRows } from './row-counts.ts'
import { isSlowToCount } from './slow-counts.ts'

/** Fewer patients than this are counted one by one. */
const fewest = 4
/** Rows per patient up to which reading them is quicker than two counts of each patient. */
const mostRowsEach = 50

const refusals = ['EXCHANGE_REJECTED', 'NOT_SUPPORTED_BY_EXCHANGE', 'INVALID_ARGUMENT', 'FORBIDDEN'] as const

/**
 * How many observations each of several patients of a grant has, by reading the rows of all of them where they are few; that they
 * are all is shown by a count over all patients. Undefined where the patients are better counted one by one.
 */
export async function countsByPatient(
  asking: Asking,
  grant: Grant,
  query: PatientsQuery,
): Promise<ReadonlyMap<string, ObservationCount> | undefined> {
  const { patients, concurrency: _, signal, ...filter } = query
  for (const patient of patients) requireMember(grant, patient)
  if (asking.rowFilter.isKnown() || patients.length < fewest) return undefined
  const own: Asking = { ...asking, call: { ...asking.call, signal } }
  try {
    if (await isSlowToCount(own, grant, patients, filter)) return await countRows(own, grant, query)
    const all = await countOfSeveral(own, grant, patients, filter)
    const rows = all.count + all.excluded
    if (rows === 0) return new Map(patients.map((patient) => [patient, all]))
    if (rows > mostRowsEach * patients.length) return undefined
    const counts = await countRows(own, grant, query)
    const found = [...counts.values()]
    const sum = (of: (count: ObservationCount) => number) => found.reduce((n, one) => n + of(one), 0)
    return sum((one) => one.count) === all.count && sum((one) => one.excluded) === all.excluded
      ? counts
      : undefined
  } catch (thrown) {
    signal.throwIfAborted()
    if (didNotAnswer(thrown) || refusals.some((kind) => isFhirMcpError(thrown, kind))) return undefined
    throw thrown
  }
}
