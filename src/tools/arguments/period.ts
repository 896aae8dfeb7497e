import { fhirMcpError } from '../../errors.ts'
import { dayOf, endOf, inZone, parseTime, startOf, utc } from '../../fhir/date-time.ts'
import { isTimeZone } from '../../fhir/time-zone.ts'
import { shortText } from './text.ts'

const time = shortText(40).optional()

export const start = time.describe('ISO date, month or date-time')
export const end = time.describe('Includes its whole day or month')
export const timeZone = shortText(64).default('UTC').describe('IANA name, as Europe/Berlin')

/** The arguments that a period is made of. */
export interface PeriodArguments {
  readonly start?: string | undefined
  readonly end?: string | undefined
  readonly time_zone: string
}

/** A period as instants: ISO in UTC, [from, before); a side without a bound is left out. */
export interface Period {
  readonly from?: string
  readonly before?: string
  readonly timeZone: string
  /** The same in words, in the time zone; empty where the period has no bound. */
  readonly wording: string
}

/**
 * Turns `start`, `end` and `time_zone` into instants. A date, month or year as `end` includes the whole of it, and a
 * date-time its whole minute or second; one with an offset keeps it, all else is read in the time zone.
 * Throws INVALID_ARGUMENT, which says what would be right.
 */
export function periodOf({ start: first, end: last, time_zone: zone }: PeriodArguments): Period {
  if (!isTimeZone(zone)) {
    throw invalid(
      'time_zone must be the IANA name of a time zone, as Europe/Berlin, America/New_York or UTC.',
    )
  }
  const from = first === undefined ? undefined : startOf(read('start', first, zone), zone)
  const before = last === undefined ? undefined : endOf(read('end', last, zone), zone)
  if (from !== undefined && before !== undefined && from >= before) {
    throw invalid(`start must not be after end: start is ${inZone(from, zone)}, end ${inZone(before, zone)}.`)
  }
  const bounds = [
    ...(from === undefined ? [] : [`from ${inZone(from, zone)}`]),
    ...(before === undefined ? [] : [`before ${inZone(before, zone)}`]),
  ]
  return {
    ...(from === undefined ? {} : { from: utc(from) }),
    ...(before === undefined ? {} : { before: utc(before) }),
    timeZone: zone,
    wording: bounds.join(' and '),
  }
}

function read(argument: string, text: string, zone: string) {
  const written = parseTime(text)
  if (written !== undefined) return written
  const today = dayOf(Date.now(), zone)
  throw invalid(
    `${argument} must be a date (2026-10-01), a month (2026-10), a year, or a date-time (2026-10-01T08:30, 2026-10-01T08:30:00+02:00). Today is ${today} in ${zone}.`,
  )
}

function invalid(detail: string) {
  return fhirMcpError('INVALID_ARGUMENT', { detail })
}
