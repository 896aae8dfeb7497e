import { endOf, parseTime, startOf, type WrittenTime, writtenInZone } from '../fhir/date-time.ts'
import type { Observation } from '../fhir/types.ts'
import { quoted } from './quoted.ts'

/** The elements of an observation that say when it was taken. */
export type Effective = Pick<
  Observation,
  'effectiveDateTime' | 'effectivePeriod' | 'effectiveInstant' | 'effectiveTiming'
>

/** When an observation was taken. */
export interface ReadingTime {
  /** In the time zone, with offset; a mere date stays one, and what is no time. `undated` where nothing is said. */
  readonly text: string
  /** Its start, as the exchange gave it. */
  readonly start: string | undefined
  /** The end of a period, as the exchange gave it. */
  readonly end: string | undefined
  /** The start by itself, written as `text` is. */
  readonly startText: string | undefined
  /** The end by itself, written as `text` is. */
  readonly endText: string | undefined
  /** First instant of the start (of the end where only that is known), in milliseconds since the epoch. */
  readonly from: number | undefined
  /** The end of a period, or of the day or month that stands for it; the start where there is no period. */
  readonly to: number | undefined
  /** Whether it is known when that was: "undated" is whatever has no such instant, also a Timing that names none. */
  readonly isDated: boolean
  /** Whether the start is exact enough to know its day. */
  readonly hasDay: boolean
}

/** Reads effective[x]; `zone` is where dates without offset are, and where texts are given. */
export function readingTime(effective: Effective, zone: string): ReadingTime {
  const { effectiveDateTime, effectiveInstant, effectivePeriod, effectiveTiming } = effective
  const named = effectiveTiming === undefined ? undefined : timesOf(effectiveTiming, zone)
  const start = effectiveDateTime ?? effectiveInstant ?? effectivePeriod?.start ?? named?.[0]
  const end = effectivePeriod?.end ?? named?.slice(1).at(-1)
  const first = start === undefined ? undefined : momentOf(start, zone)
  const last = end === undefined ? undefined : momentOf(end, zone)
  const earliest = first ?? last
  const precision = earliest?.parsed?.precision
  return {
    text: textOf(effective, first?.text, last?.text, zone),
    start,
    end,
    startText: first?.text,
    endText: last?.text,
    from: earliest?.from,
    to: endOfMoment(last ?? first, zone),
    isDated: earliest?.from !== undefined,
    hasDay: precision !== undefined && precision !== 'year' && precision !== 'month',
  }
}

/** The times that a Timing names by itself, in order: its events and the bounds of what repeats, which searches find it by. */
function timesOf({ event = [], repeat }: NonNullable<Effective['effectiveTiming']>, zone: string): string[] {
  const { start, end } = repeat?.boundsPeriod ?? {}
  const fromOf = (time: string) => momentOf(time, zone).from ?? Number.POSITIVE_INFINITY
  return [start, ...event, end]
    .filter((time) => time !== undefined)
    .toSorted((a, b) => fromOf(a) - fromOf(b) || 0)
}

/** A FHIR time, read once. */
interface Moment {
  /** Undefined for what is no time. */
  readonly parsed: WrittenTime | undefined
  /** Its first instant, in milliseconds since the epoch. */
  readonly from: number | undefined
  /** In the time zone; a date, or what is no time, as it is. */
  readonly text: string
}

function momentOf(written: string, zone: string): Moment {
  const parsed = parseTime(written)
  if (parsed === undefined) return { parsed, from: undefined, text: quoted(written, 100) }
  const from = startOf(parsed, zone)
  return { parsed, from, text: parsed.offset === undefined ? written : writtenInZone(parsed, zone) }
}

function endOfMoment(moment: Moment | undefined, zone: string): number | undefined {
  if (moment?.parsed === undefined) return undefined
  const { precision } = moment.parsed
  const isDay = precision === 'day' || precision === 'month' || precision === 'year'
  return isDay ? endOf(moment.parsed, zone) : moment.from
}

function textOf(
  { effectivePeriod, effectiveTiming }: Effective,
  start: string | undefined,
  end: string | undefined,
  zone: string,
): string {
  if (effectiveTiming !== undefined) {
    const { event, ...rest } = effectiveTiming
    const events = (event ?? []).map((one) => momentOf(one, zone).text)
    return ['timing', ...events, ...(Object.keys(rest).length > 0 ? [JSON.stringify(rest)] : [])].join(' ')
  }
  if (effectivePeriod !== undefined && (start ?? end) !== undefined) return `${start ?? '..'}/${end ?? '..'}`
  return start ?? 'undated'
}
