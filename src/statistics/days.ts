import { fsum } from 'd3-array'
import { dayOf } from '../fhir/date-time.ts'

/** A number and the stretch of time that it stands for, in milliseconds since the epoch. */
export interface TimedNumber {
  readonly number: number
  readonly from: number
  readonly to: number
}

/** The sum of a day: `day` is the date on the wall clock of the time zone. */
export interface DaySum {
  readonly day: string
  readonly sum: number
  readonly n: number
}

/**
 * Sums per local day, earliest first, in whatever order the numbers came. A number counts whole for the day on which its time
 * begins.
 */
export function sumsPerDay(numbers: readonly TimedNumber[], zone: string): DaySum[] {
  const days = new Map<string, number[]>()
  for (const { number, from } of numbers) {
    const day = dayOf(from, zone)
    const ofDay = days.get(day) ?? []
    days.set(day, ofDay)
    ofDay.push(number)
  }
  return [...days]
    .map(([day, ofDay]) => ({ day, sum: fsum(ofDay), n: ofDay.length }))
    .sort((a, b) => (a.day < b.day ? -1 : 1))
}

/** How many stretches begin before an earlier one has ended: their numbers may be counted twice in a sum. */
export function overlapping(numbers: readonly TimedNumber[]): number {
  let overlaps = 0
  let end = Number.NEGATIVE_INFINITY
  for (const { from, to } of [...numbers].sort((a, b) => a.from - b.from)) {
    if (from < end) overlaps += 1
    end = Math.max(end, to)
  }
  return overlaps
}
