import pMap from 'p-map'
import { isFhirMcpError } from '../../errors.ts'
import { startDeadline } from '../../exchange/deadline.ts'
import type { ObservationCount, ObservationFilter } from '../../exchange/exchange.ts'
import type { GrantedContext } from '../tool.ts'

/** Why a patient was not counted. That is never 0. */
export type NotCounted = 'deadline' | 'exchange did not answer'

/** What became of one patient. */
export interface PatientCount {
  readonly patient: string
  readonly result: ObservationCount | NotCounted
}

/**
 * Counts patients: together where the exchange has a quicker way, otherwise one by one, at most `settings.concurrency` at a time.
 * After the deadline no further one is begun. A patient for whom the exchange does not answer is marked; where it answers for
 * none, its error is thrown, and so is any other.
 */
export async function countByPatient(
  context: GrantedContext,
  patients: readonly string[],
  filter: ObservationFilter,
): Promise<PatientCount[]> {
  const { progress } = context
  const together = await countedTogether(context, patients, filter)
  if (together === undefined) return countOneByOne(context, patients, filter)
  progress(patients.length, patients.length, 'Patients counted')
  return together
}

/** Nothing after half of the time, so that there is enough left for one by one. */
async function countedTogether(
  { exchange, grant, settings, endsAt, signal, now }: GrantedContext,
  patients: readonly string[],
  filter: ObservationFilter,
): Promise<PatientCount[] | undefined> {
  const limit = startDeadline(signal, Math.max(0, (endsAt - now()) / 2))
  try {
    const query = { ...filter, patients, concurrency: settings.concurrency, signal: limit.signal }
    const counts = await exchange.countsByPatient(grant, query)
    const results = patients.flatMap((patient) => {
      const result = counts?.get(patient)
      return result === undefined ? [] : [{ patient, result }]
    })
    return results.length === patients.length ? results : undefined
  } catch (thrown) {
    signal.throwIfAborted()
    if (limit.signal.aborted) return undefined
    throw thrown
  } finally {
    limit.stop()
  }
}

async function countOneByOne(
  context: GrantedContext,
  patients: readonly string[],
  filter: ObservationFilter,
): Promise<PatientCount[]> {
  const { exchange, grant, settings, endsAt, signal, now, progress } = context
  let done = 0
  let failure: unknown
  const counts = await pMap(
    patients,
    async (patient): Promise<PatientCount> => {
      signal.throwIfAborted()
      if (now() >= endsAt) return { patient, result: 'deadline' }
      try {
        const result = await exchange.countPatientObservations(grant, patient, filter)
        done += 1
        progress(done, patients.length, 'Patients counted')
        return { patient, result }
      } catch (thrown) {
        if (!isFhirMcpError(thrown, 'EXCHANGE_TIMEOUT') && !isFhirMcpError(thrown, 'EXCHANGE_UNAVAILABLE')) {
          throw thrown
        }
        failure = thrown
        return { patient, result: 'exchange did not answer' }
      }
    },
    { concurrency: settings.concurrency },
  )
  if (failure !== undefined && done === 0) throw failure
  return counts
}

/** The sum over patients that were all counted; undefined where one was not. */
export function sumOf(counts: readonly PatientCount[]): ObservationCount | undefined {
  let [count, excluded] = [0, 0]
  let shownOnly = false
  for (const { result } of counts) {
    if (typeof result === 'string') return undefined
    count += result.count
    excluded += result.excluded
    shownOnly ||= result.shownOnly === true
  }
  return { count, excluded, ...(shownOnly ? { shownOnly } : {}) }
}
