import type { Bundle } from '../../fhir/types.ts'
import type { Asking } from '../asking.ts'
import { totalOf } from '../check.ts'
import type { SearchPairs } from '../search-pairs.ts'

/** The most rows that are read to see that their periods are open. */
const mostRows = 1000

/** A control for dates, within what a grant may see. */
export interface DateControl {
  readonly asking: Asking
  readonly type: string
  /** Everything of the type that the grant may see of its patients. */
  readonly within: SearchPairs
  /** The parameter with an impossible date. */
  readonly control: readonly [name: string, value: string]
  readonly count: (pairs: SearchPairs) => Promise<number>
  /** The times by which each row of an answer is found; holds the rows against the grant. */
  readonly timesIn: (bundle: Bundle) => readonly (readonly unknown[])[]
}

/**
 * How many rows an impossible date finds that it should not find. A server that follows the specification finds a period
 * without an end after every date, and one without a start before every date (R4 §3.1.1.4.7); it is shown to heed the date
 * all the same where each row that it finds is open on that side, and it leaves others out.
 */
export async function foundInVain(given: DateControl): Promise<number> {
  const { asking, type, within, control, count, timesIn } = given
  const found = await count([...within, control])
  if (found === 0 || found > mostRows) return found
  const [, value] = control
  const side = value.startsWith('l') ? 'start' : 'end'
  const paged = [
    ['_count', String(mostRows)],
    ['_total', 'accurate'],
    ['_pretty', 'false'],
  ] as const
  const { client, call, shape } = asking
  const [all, bundle] = await Promise.all([
    count(within),
    client.search(call, type, [...within, control, ...paged], { ...shape, post: true }),
  ])
  const rows = timesIn(bundle)
  const isWhole = rows.length === found && (totalOf(bundle) ?? found) === found
  const areOpen = rows.every((times) => times.some((time) => isOpen(time, side)))
  return isWhole && areOpen && all > found ? 0 : found
}

function isOpen(time: unknown, side: 'start' | 'end'): boolean {
  if (typeof time !== 'object' || time === null) return false
  const [own, other] = side === 'end' ? ['end', 'start'] : ['start', 'end']
  return other in time && !(own in time)
}
