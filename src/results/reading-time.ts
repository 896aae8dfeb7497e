import { endOf, inZone, parseTime, startOf } from '../fhir/date-time.ts'
import type { Observation } from '../fhir/types.ts'

/** The elements of an observation that say when it was taken. */
export type Effective = Pick<
  Observation,
  'effectiveDateTime' | 'effectivePeriod' | 'effectiveInstant' | 'effectiveTiming'
>

/** When an observation was taken. */
export interface ReadingTime {
  /** In the time zone, with offset; a mere date stays one. `undated` where nothing is said. */
  readonly text: string
  /** Its start, as the exchange gave it. */
  readonly start: string | undefined
  /** The end of a period, as the exchange gave it. */
  readonly end: string | undefined
  /** First instant of the start (of the end where only that is known), in milliseconds since the epoch. */
  readonly from: number | undefined
  /** The end of a period, or of the day or month that stands for it; the start where there is no period. */
  readonly to: number | undefined
  /** Whether anything is said of the time at all. */
  readonly isDated: boolean
  /** Whether the start is exact enough to know its day. */
  readonly hasDay: boolean
}

/** Reads effective[x]; `zone` is where dates without offset are, and where texts are given. */
export function readingTime(effective: Effective, zone: string): ReadingTime {
  const { effectiveDateTime, effectiveInstant, effectivePeriod, effectiveTiming } = effective
  const start = effectiveDateTime ?? effectiveInstant ?? effectivePeriod?.start ?? effectiveTiming?.event?.[0]
  const end = effectivePeriod?.end ?? effectiveTiming?.event?.slice(1).at(-1)
  const from = parseTime(start ?? end ?? '')
  const to = parseTime(end ?? start ?? '')
  const isDay = to?.precision === 'day' || to?.precision === 'month' || to?.precision === 'year'
  return {
    text: textOf(effective, start, end, zone),
    start,
    end,
    from: from === undefined ? undefined : startOf(from, zone),
    to: to === undefined ? undefined : (isDay ? endOf : startOf)(to, zone),
    isDated: (start ?? end ?? effectiveTiming) !== undefined,
    hasDay: from !== undefined && from.precision !== 'year' && from.precision !== 'month',
  }
}

/** A FHIR time in the time zone; a date, or what is no time, as it is. */
export function timeText(written: string, zone: string): string {
  const parsed = parseTime(written)
  return parsed?.offset === undefined ? written : inZone(startOf(parsed, zone), zone)
}

function textOf(
  effective: Effective,
  start: string | undefined,
  end: string | undefined,
  zone: string,
): string {
  const { effectivePeriod, effectiveTiming } = effective
  const inWords = (written: string | undefined) => (written === undefined ? '..' : timeText(written, zone))
  if (effectiveTiming !== undefined) {
    const { event, ...rest } = effectiveTiming
    const events = (event ?? []).map((one) => timeText(one, zone))
    return ['timing', ...events, ...(Object.keys(rest).length > 0 ? [JSON.stringify(rest)] : [])].join(' ')
  }
  if (effectivePeriod !== undefined && (start ?? end) !== undefined)
    return `${inWords(start)}/${inWords(end)}`
  return start === undefined ? 'undated' : inWords(start)
}
