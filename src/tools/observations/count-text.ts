import type { ObservationCount } from '../../exchange/exchange.ts'
import type { ParametersParameter } from '../../fhir/types.ts'
import { memberCodesOf } from '../../open-mhealth/data-types.ts'
import type { AskedObservations } from './asked.ts'

/** A count as parameters: what counts, and what was left out as entered in error or cancelled. */
export function countParameters({ count, excluded, imported }: ObservationCount): ParametersParameter[] {
  return [
    { name: 'count', valueInteger: count },
    { name: 'excluded', valueInteger: excluded },
    ...(imported === undefined ? [] : [{ name: 'imported', valueInteger: imported }]),
  ]
}

/** What has to be said of a count that is no number of all that there is. */
export function shownNotes({ shownOnly }: Pick<ObservationCount, 'shownOnly'>): string[] {
  return shownOnly
    ? [
        'The exchange takes rows out of its answers: these are the rows that it showed. How many there are is not known.',
      ]
    : []
}

/** What kind of number a count is. */
export function exactness({ shownOnly }: Pick<ObservationCount, 'shownOnly'>): string {
  return shownOnly ? 'shown by the exchange' : 'exact'
}

/** A count in words. */
export function countText({ count, excluded, imported }: ObservationCount): string {
  const left = excluded === 0 ? '' : ` (${excluded} entered in error or cancelled are not counted)`
  return `${count}${left}${imported === undefined ? '' : `, of these ${imported} imported`}`
}

/**
 * What has to be said of a count of a type whose values some writers keep as observations of their own, beside the panel that has
 * them.
 */
export function panelNotes({ type }: AskedObservations): string[] {
  const { type: known, codes = [] } = type ?? {}
  const members = known === undefined ? [] : memberCodesOf(known)
  if (!members.some((member) => codes.some(({ code }) => code === member.code))) return []
  return [
    'A panel counts once, whichever of its codes fit. A value that an exchange keeps in its panel and alone as well counts as two observations; summaries count it once.',
  ]
}

/** What no exchange can leave out of a number that it counts itself. */
export const fociCounted =
  'Counts include observations whose focus is not the patient (a fetus, a donor); summaries leave them out.'
