import type { Grant } from '../../access/grant.ts'
import type { Asking } from '../asking.ts'
import type { ObservationFilter } from '../exchange.ts'
import { didNotAnswer } from '../patient-by-patient.ts'
import { withinTime } from '../within-time.ts'
import { codeParameterOf } from './code-parameter.ts'
import { observationPairs } from './filters.ts'
import { totalWhere } from './totals.ts'

/** Patients that a form of count is tried with, and the milliseconds that this may take. */
const tried = 4
const patience = 3000
/** Milliseconds per patient from which on rows are read in place of a count. */
const dear = 150

/**
 * Whether a count over several patients takes so long on this server that their rows are better read: a form of it that was never
 * used is tried with a few of the patients first, since a server goes on with what nobody waits for any more.
 */
export async function isSlowToCount(
  asking: Asking,
  grant: Grant,
  patients: readonly string[],
  filter: ObservationFilter,
): Promise<boolean> {
  if (patients.length <= tried) return false
  const parameter = await codeParameterOf(asking, grant, filter)
  const pairs = observationPairs(grant, filter, undefined, parameter)
  if (pairs === undefined || pairs.length === 0) return false
  const names = ['patient', ...pairs.map(([name]) => name)]
  const pace = asking.paces.of(['count', ...names].join())
  if (pace.cost === undefined) {
    let sent = asking.now()
    const onRequest = () => {
      asking.call.onRequest?.()
      sent = asking.now()
    }
    const some = patients.slice(0, tried).map((id) => `Patient/${id}`)
    try {
      await withinTime({ ...asking.call, onRequest }, patience, (call) =>
        totalWhere({ ...asking, call }, [['patient', some.join(',')], ...pairs]),
      )
      pace.answered(tried, asking.now() - sent)
    } catch (thrown) {
      asking.call.signal.throwIfAborted()
      if (!didNotAnswer(thrown)) return false
      pace.late(tried, patience)
    }
  }
  const { cost = 0 } = pace
  if (cost <= dear) return false
  // Rows by the same form take no less: it need not be tried for them.
  const ofRows = asking.paces.of(names.join())
  if (ofRows.cost === undefined) ofRows.dear(cost)
  return true
}
