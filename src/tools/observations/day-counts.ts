import type { Contribution } from '../../statistics/contributions.ts'
import { overlapping } from '../../statistics/days.ts'
import type { Series } from '../../statistics/series.ts'
import type { Period } from '../arguments/period.ts'

/** The type whose values are summed up per day. */
export const summedType = 'step-count'

/** Statistics that are counts themselves, so that they add up: `sum`, and `sum` of a day. */
const sums: readonly (string | undefined)[] = [undefined, 'sum', 'sum per d']
/** The longest day: 25 hours where clocks go back. */
const longestDay = 25 * 3_600_000

/** Counts add up per day; an average, a maximum or a component does not. */
export function isCount({ type, component, statistic }: Contribution): boolean {
  return type.label === summedType && component === undefined && sums.includes(statistic)
}

/** Whether a series is of counts, and has any. */
export function isSummed({ type, component, statistic, timed, withoutDay }: Series): boolean {
  const areCounts = type === summedType && component === undefined && sums.includes(statistic)
  return areCounts && timed.length + withoutDay > 0
}

/**
 * Without counts that reach into the period from before it, whose day would lack all others, and without those over more
 * than a day, which belong to none.
 */
export function countsOfDays(series: Series, { from }: Period): Series {
  const start = from === undefined ? Number.NEGATIVE_INFINITY : Date.parse(from)
  const timed = series.timed.filter((one) => one.from >= start && one.to - one.from <= longestDay)
  return { ...series, timed }
}

/** What has to be said of sums per day; `dayless`: how many counts belong to no day. */
export function sumNotes({ timed }: Series, zone: string, dayless: number): string[] {
  const overlaps = overlapping(timed)
  return [
    `Days are those of ${zone}, by when a count begins; days without data are not days of 0 steps.`,
    ...(dayless === 0
      ? []
      : [`Counts that begin before the period or last more than a day, in no day: ${dayless}.`]),
    ...(overlaps === 0
      ? []
      : [`Counts that overlap in time with an earlier one: ${overlaps}. Sums may count steps twice.`]),
  ]
}
