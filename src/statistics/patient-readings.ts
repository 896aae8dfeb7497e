import { dayOf } from '../fhir/date-time.ts'
import type { Observation } from '../fhir/types.ts'
import { everyValue } from '../results/asked-values.ts'
import { readingTime } from '../results/reading-time.ts'
import { countsUndated, type NotSummarised, notSummarised } from '../results/standing.ts'
import { contributionsOf } from './contributions.ts'
import { isoWeekOf } from './iso-week.ts'
import { collectSeries, type Series, type SeriesCollector } from './series.ts'

/** Everything that is known of the observations of one patient. */
export interface PatientReadings {
  /** How many there were, of every status and focus. */
  readonly observations: number
  readonly excluded: ReadonlyMap<NotSummarised, number>
  /** How many of those that count have no date. */
  readonly undated: number
  readonly series: readonly Series[]
  /** By the first day of each week, where weeks were asked for: the values with a known day. */
  readonly weeks: ReadonlyMap<string, readonly Series[]>
}

/** Gathers the observations of one patient. */
export interface PatientGatherer {
  /** Returns how many values it holds for this observation. */
  add(observation: Observation): number
  readings(): PatientReadings
}

/**
 * Makes a gatherer of the values that are asked for. Days and ISO weeks are those of `zone`; a value belongs to the week in which its time begins. `units`: a
 * patient by itself is given in the unit of each type, so that patients can be compared; otherwise as its values are.
 */
export function gatherPatient(
  zone: string,
  byWeek: boolean,
  asked = everyValue,
  units?: 'type unit',
): PatientGatherer {
  const all = collectSeries(() => false)
  const weeks = new Map<string, SeriesCollector>()
  const excluded = new Map<NotSummarised, number>()
  let observations = 0
  let undated = 0

  function weekOf(from: number): SeriesCollector {
    const { start } = isoWeekOf(dayOf(from, zone))
    const known = weeks.get(start)
    if (known !== undefined) return known
    const made = collectSeries(() => false)
    weeks.set(start, made)
    return made
  }

  return {
    add(observation) {
      observations += 1
      const why = notSummarised(observation)
      if (why !== undefined) excluded.set(why, (excluded.get(why) ?? 0) + 1)
      const time = readingTime(observation, zone)
      if (countsUndated(observation, time)) undated += 1
      const contributions = contributionsOf(observation, asked)
      for (const contribution of contributions) {
        all.add(contribution, time)
        if (!byWeek || 'excluded' in contribution.value || time.from === undefined || !time.hasDay) continue
        weekOf(time.from).add(contribution, time)
      }
      return Math.max(1, contributions.length)
    },
    readings: () => ({
      observations,
      excluded,
      undated,
      series: all.series(units),
      weeks: new Map([...weeks].map(([start, collector]) => [start, collector.series()])),
    }),
  }
}
