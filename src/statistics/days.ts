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

/** Sums per local day, earliest first. A number counts whole for the day on which its time begins. */
export function sumsPerDay(numbers: readonly TimedNumber[], zone: string): DaySum[] {
  const days = new Map<string, DaySum>()
  for (const { number, from } of numbers) {
    const day = dayOf(from, zone)
    const { sum, n } = days.get(day) ?? { sum: 0, n: 0 }
    days.set(day, { day, sum: sum + number, n: n + 1 })
  }
  return [...days.values()].sort((a, b) => (a.day < b.day ? -1 : 1))
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
