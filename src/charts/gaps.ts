import { dayLength } from './panel.ts'
import { midnightOf } from './wall-time.ts'

/** Spacings up to this one are of readings that are taken daily, or more often. */
const daily = 1.5 * dayLength
/** How many times the usual spacing is far. */
const far = 3

/** Whether nothing is known between two readings. */
export type IsGap = (before: number, after: number) => boolean

/**
 * The rule for gaps of one series, from its own times in order: a gap is more than three times the usual spacing, which nine
 * in ten do not exceed; and of readings taken at least daily, a calendar day without any.
 */
export function gapRule(times: readonly number[]): IsGap {
  const spacings = times.slice(1).map((time, index) => time - (times[index] ?? time))
  const ordered = Float64Array.from(spacings).sort()
  const usual = ordered[Math.floor(0.9 * (ordered.length - 1))] ?? 0
  return (before, after) => {
    const isFar = usual > 0 && after - before > far * usual
    const missesDay = usual <= daily && midnightOf(after) - midnightOf(before) > dayLength
    return isFar || missesDay
  }
}

/** Cuts what is in order of time into runs, wherever one and the next are apart. */
export function runsOf<T>(ordered: readonly T[], areApart: (before: T, after: T) => boolean): T[][] {
  const runs: T[][] = []
  for (const one of ordered) {
    const run = runs.at(-1)
    const last = run?.at(-1)
    if (run === undefined || last === undefined || areApart(last, one)) runs.push([one])
    else run.push(one)
  }
  return runs
}
