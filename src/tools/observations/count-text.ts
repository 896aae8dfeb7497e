import type { ObservationCount } from '../../exchange/exchange.ts'
import type { ParametersParameter } from '../../fhir/types.ts'

/** A count as parameters: what counts, and what was left out as entered in error or cancelled. */
export function countParameters({ count, excluded, imported }: ObservationCount): ParametersParameter[] {
  return [
    { name: 'count', valueInteger: count },
    { name: 'excluded', valueInteger: excluded },
    ...(imported === undefined ? [] : [{ name: 'imported', valueInteger: imported }]),
  ]
}

/** A count in words. */
export function countText({ count, excluded, imported }: ObservationCount): string {
  const left = excluded === 0 ? '' : ` (${excluded} entered in error or cancelled are not counted)`
  return `${count}${left}${imported === undefined ? '' : `, of these ${imported} imported`}`
}

/** What no exchange can leave out of a number that it counts itself. */
export const fociCounted =
  'Counts include observations whose focus is not the patient (a fetus, a donor); summaries leave them out.'
