import { ucumOf } from '../open-mhealth/units.ts'
import type { ReadingTime } from '../results/reading-time.ts'
import { type Unit, ucum } from '../results/values.ts'
import type { Contribution } from '../statistics/contributions.ts'
import { type Bar, dayLength, type Stretch } from './panel.ts'
import { midnightOf, wallTime } from './wall-time.ts'

/** Types whose one value is a time of a night, with what the bar is. */
export const nightValues: ReadonlySet<string> = new Set(['sleep-duration', 'total-sleep-time', 'time-in-bed'])
/** Types whose components are times of a night. */
export const nightStages: ReadonlySet<string> = new Set(['sleep-episode', 'sleep-stage-summary'])

/** Parts of a night in the order in which they are stacked. */
export const nightParts = ['deep', 'light', 'REM', 'awake', 'no stage', 'asleep'] as const
export type NightPart = (typeof nightParts)[number]

const stageOf: Readonly<Record<string, NightPart | 'total'>> = {
  deep_sleep_duration: 'deep',
  light_sleep_duration: 'light',
  rem_sleep_duration: 'REM',
  awake_duration: 'awake',
  total_sleep_time: 'total',
}
const inHours: Readonly<Record<string, number>> = { s: 1 / 3600, min: 1 / 60, h: 1 }
const hour = 3_600_000

/** Which part of a night a component is, by its key; undefined for what is no part of it. */
export function nightPartOf(key: string): NightPart | 'total' | undefined {
  const path = key.slice(key.lastIndexOf('|') + 1)
  return stageOf[path.slice(path.lastIndexOf('.') + 1)]
}

/** A time as hours: UCUM's and the schemas' seconds, minutes and hours; undefined for any other unit. */
export function hoursOf(number: number, { system, code, label }: Unit): number | undefined {
  const unit = system === ucum ? code : ucumOf(label)
  const factor = inHours[unit ?? '']
  return factor === undefined ? undefined : number * factor
}

/** The day whose night a time belongs to: that on which it ends. Midnight of it, on the wall clock. */
export function nightOf({ from, to }: ReadingTime, zone: string): number | undefined {
  if (from === undefined) return undefined
  return midnightOf(wallTime(Math.max(from, (to ?? from) - 1), zone))
}

/** The stages of one sleep as parts of a bar; what of the whole has none is `no stage`. */
export function nightBars(
  day: number,
  parts: readonly { readonly part: NightPart | 'total'; readonly hours: number }[],
): Bar[] {
  const stages = parts.flatMap(({ part, hours }) => (part === 'total' ? [] : [{ day, part, value: hours }]))
  const asleep = stages.filter(({ part }) => part !== 'awake').reduce((sum, { value }) => sum + value, 0)
  const total = parts.find(({ part }) => part === 'total')?.hours ?? 0
  // A minute of difference is rounding.
  const rest = total - asleep > 1 / 60 ? [{ day, part: 'no stage', value: total - asleep }] : []
  return [...stages, ...rest]
}

/** A sleep from onset to end on the clock; undefined without both ends, and for what is longer than a day. */
export function stretchOf({ start, end, from, to }: ReadingTime, zone: string): Stretch | undefined {
  if (start === undefined || end === undefined || from === undefined || to === undefined) return undefined
  if (to <= from || to - from > dayLength) return undefined
  const day = midnightOf(wallTime(to - 1, zone))
  return { day, from: (wallTime(from, zone) - day) / hour, to: (wallTime(to, zone) - day) / hour }
}

/** The hours of the parts of one sleep among the values of an observation. */
export function nightPartsIn(contributions: readonly Contribution[]) {
  return contributions.flatMap(({ component, value, scale: { unit } }) => {
    const part = component === undefined ? undefined : nightPartOf(component.key)
    if (part === undefined || 'excluded' in value || unit === undefined) return []
    const hours = hoursOf(value.number, unit)
    return hours === undefined ? [] : [{ part, hours }]
  })
}
