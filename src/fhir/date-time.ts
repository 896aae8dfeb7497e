import { instantOf, type LocalTime, localTimeAt, millisecondsOf, offsetAt } from './time-zone.ts'

/** How exact a date or time is; `fraction`: parts of a second, to the millisecond. */
export type Precision = 'year' | 'month' | 'day' | 'minute' | 'second' | 'fraction'

/** A date, or a date-time with or without offset, as it was written. */
export interface WrittenTime {
  readonly precision: Precision
  readonly local: LocalTime
  /** Milliseconds ahead of UTC; undefined where the text has no offset, and for dates. */
  readonly offset: number | undefined
  /**
   * Of a leap second (`23:59:60.25`) the digits behind the point; `local` is the last millisecond before it then, so that it
   * stays in its own minute, day and year on a clock that knows no leap seconds.
   */
  readonly leap?: string
}

const grammar =
  /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?)?)?)?$/

/**
 * Reads a date or date-time (FHIR `date`, `dateTime`, `instant`; ISO 8601 without seconds or without offset too).
 * Undefined for anything else and for days and times that no calendar has.
 */
export function parseTime(text: string): WrittenTime | undefined {
  const match = grammar.exec(text)
  if (match === null) return undefined
  const [, year, month, day, hour, minute, second, fraction, offset] = match
  const local = {
    year: Number(year),
    month: Number(month ?? 1),
    day: Number(day ?? 1),
    hour: Number(hour ?? 0),
    minute: Number(minute ?? 0),
    ...secondsOf(second ?? '0', fraction ?? ''),
  }
  if (!isReal(local)) return undefined
  const ahead = offset === undefined ? undefined : parseOffset(offset)
  if (Number.isNaN(ahead)) return undefined
  const precision = precisionOf({ month, day, hour, second, fraction })
  return { precision, local, offset: ahead, ...(second === '60' ? { leap: fraction ?? '' } : {}) }
}

/**
 * Seconds and milliseconds of a clock without leap seconds: `60`, which UTC has and FHIR's dateTime may say, is the last
 * millisecond before the next minute.
 */
export function secondsOf(second: string, fraction: string): Pick<LocalTime, 'second' | 'millisecond'> {
  if (second === '60') return { second: 59, millisecond: 999 }
  return { second: Number(second), millisecond: Number(fraction.slice(0, 3).padEnd(3, '0')) }
}

/** The first instant of a written time, in milliseconds since the epoch; `zone` counts where it has no offset. */
export function startOf({ local, offset }: WrittenTime, zone: string): number {
  return offset === undefined ? instantOf(local, zone) : millisecondsOf(local) - offset
}

/** The first instant behind a written time: behind the whole year, month, day, minute or second that it names. */
export function endOf({ local, offset, precision, leap }: WrittenTime, zone: string): number {
  const next = {
    year: { ...local, year: local.year + 1 },
    month: { ...local, month: local.month + 1 },
    day: { ...local, day: local.day + 1 },
  }
  if (precision === 'year' || precision === 'month' || precision === 'day') {
    return instantOf(next[precision], zone)
  }
  const length = { minute: 60_000, second: leap === undefined ? 1000 : 1, fraction: 1 }
  return startOf({ local, offset, precision }, zone) + length[precision]
}

/** An instant in UTC, as FHIR writes it: `2026-10-01T22:00:00Z`. */
export function utc(instant: number): string {
  return new Date(instant).toISOString().replace('.000Z', 'Z')
}

/** An instant on the wall clock of a zone, with its offset: `2026-10-02T00:00:00+02:00`. */
export function inZone(instant: number, zone: string): string {
  const offset = offsetAt(instant, zone)
  const minutes = Math.round(offset / 60_000)
  if (offset === 0 || minutes * 60_000 !== offset) return utc(instant)
  const sign = minutes < 0 ? '-' : '+'
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60]
  return `${utc(instant + offset).slice(0, -1)}${sign}${two(hours)}:${two(rest)}`
}

/** A written time on the wall clock of a zone, with its offset; a leap second stays one. */
export function writtenInZone(time: WrittenTime, zone: string): string {
  const text = inZone(startOf(time, zone), zone)
  if (time.leap === undefined) return text
  return text.replace(/:59\.999/, `:60${time.leap === '' ? '' : `.${time.leap}`}`)
}

/** The day that the wall clock of a zone shows at an instant: `2026-10-02`. */
export function dayOf(instant: number, zone: string): string {
  const { year, month, day } = localTimeAt(instant, zone)
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`
}

/** Whether a calendar has the day, and a clock the time; leap seconds are those of `secondsOf`. */
export function isReal({ year, month, day, hour, minute, second }: LocalTime): boolean {
  if (year === 0 || month === 0 || month > 12 || day === 0) return false
  return day <= daysOf(year, month) && hour < 24 && minute < 60 && second < 60
}

function daysOf(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

function parseOffset(text: string): number {
  if (text === 'Z') return 0
  const [hours, minutes] = [Number(text.slice(1, 3)), Number(text.slice(-2))]
  if (hours > 14 || minutes > 59) return Number.NaN
  return (text.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000
}

function precisionOf(
  given: Record<'month' | 'day' | 'hour' | 'second' | 'fraction', string | undefined>,
): Precision {
  if (given.month === undefined) return 'year'
  if (given.day === undefined) return 'month'
  if (given.hour === undefined) return 'day'
  if (given.second === undefined) return 'minute'
  return given.fraction === undefined ? 'second' : 'fraction'
}

function two(number: number): string {
  return String(number).padStart(2, '0')
}
