import { isReal, secondsOf } from '../fhir/date-time.ts'
import { millisecondsOf } from '../fhir/time-zone.ts'
import { decimalOf } from './decimal.ts'

/** A point in time as a body or a resource writes it. */
export interface Instant {
  /** The same in the form of FHIR's `dateTime`. */
  readonly dateTime: string
  /** Milliseconds since the epoch; midnight UTC of a date without a time. */
  readonly milliseconds: number
  /** Nanoseconds beyond these milliseconds. */
  readonly nanoseconds: number
  /** Minutes east of UTC. */
  readonly offset: number
  /** Whether there is a date only. */
  readonly dateOnly: boolean
  /** Whether it is a leap second; its milliseconds are the last one before it (see `secondsOf`). */
  readonly leap: boolean
}

const grammar =
  /^([1-9]\d{3})-(\d{2})-(\d{2})(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?([Zz]|[+-]\d{2}:?\d{2})?)?$/

/**
 * Reads a date or date-time (RFC 3339, and without seconds or offset). Without an offset it is UTC: Open mHealth's
 * `date-time` schema says so, and FHIR's `dateTime` needs one. Undefined where it is not a time that exists.
 */
export function instantOf(text: string): Instant | undefined {
  const match = grammar.exec(text)
  if (match === null) return undefined
  const [, year, month, day, hour, minute = '00', second = '00', fraction = '', zone = 'Z'] = match
  const leap = second === '60'
  const beyond = leap ? 999_999_999 : Number(fraction.padEnd(9, '0'))
  const local = {
    year: Number(year),
    month: Number(month),
    day: Number(day),
    hour: Number(hour ?? 0),
    minute: Number(minute),
    ...secondsOf(second, fraction),
  }
  const offset = offsetOf(zone)
  if (offset === undefined || !isReal(local)) return undefined
  const date = `${year}-${month}-${day}`
  const milliseconds = millisecondsOf(local) - offset * 60_000
  const nanoseconds = beyond % 1_000_000
  const instant = { milliseconds, nanoseconds, offset, leap }
  if (hour === undefined) return { ...instant, dateTime: date, dateOnly: true }
  const clock = `${hour}:${minute}:${second}${fraction === '' ? '' : `.${fraction}`}`
  return { ...instant, dateTime: `${date}T${clock}${zoneText(zone)}`, dateOnly: false }
}

function offsetOf(zone: string): number | undefined {
  if (zone === 'Z' || zone === 'z') return 0
  const hours = Number(zone.slice(1, 3))
  const minutes = Number(zone.slice(-2))
  if (hours > 14 || minutes > 59 || (hours === 14 && minutes > 0)) return undefined
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes)
}

function zoneText(zone: string): string {
  if (zone === 'Z' || zone === 'z') return 'Z'
  return zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone
}

/** Below zero where the first is the earlier of two points in time, zero where it is the same. */
export function compareInstants(one: Instant, other: Instant): number {
  return one.milliseconds - other.milliseconds || one.nanoseconds - other.nanoseconds
}

const picoseconds: ReadonlyMap<string, bigint> = new Map([
  ['ps', 1n],
  ['ns', 1_000n],
  ['us', 1_000_000n],
  ['ms', 1_000_000_000n],
  ['sec', 1_000_000_000_000n],
  ['min', 60_000_000_000_000n],
  ['h', 3_600_000_000_000_000n],
  ['d', 86_400_000_000_000_000n],
  ['wk', 604_800_000_000_000_000n],
])
/** Far beyond any duration that a date can be moved by. */
const longestExponent = 20

/**
 * A duration in nanoseconds, exactly. Undefined where it is not a whole number of them, and for months and years, whose
 * length depends on the calendar.
 */
export function nanosecondsOf(value: number, unit: string): bigint | undefined {
  const decimal = decimalOf(String(value))
  const scale = picoseconds.get(unit)
  if (decimal === undefined || scale === undefined || decimal.exponent > longestExponent) return undefined
  const exact = decimal.digits * scale
  const divisor = 1_000n * 10n ** BigInt(Math.max(0, -decimal.exponent))
  const total = exact * 10n ** BigInt(Math.max(0, decimal.exponent))
  return total % divisor === 0n ? total / divisor : undefined
}

/**
 * A point in time moved by nanoseconds, on the same clock; undefined for a date and for a leap second, and where FHIR cannot
 * write it any more.
 */
export function moved(instant: Instant, by: bigint): Instant | undefined {
  if (instant.dateOnly || instant.leap) return undefined
  const nanoseconds = BigInt(instant.milliseconds) * 1_000_000n + BigInt(instant.nanoseconds) + by
  const local = nanoseconds + BigInt(instant.offset) * 60_000_000_000n
  const seconds = local >= 0n ? local / 1_000_000_000n : -((-local + 999_999_999n) / 1_000_000_000n)
  const fraction = (local - seconds * 1_000_000_000n).toString().padStart(9, '0').replace(/0+$/, '')
  const date = new Date(Number(seconds) * 1000)
  if (Number.isNaN(date.getTime())) return undefined
  const clock = `${date.toISOString().slice(0, -5)}${fraction === '' ? '' : `.${fraction}`}`
  return instantOf(`${clock}${instant.dateTime.slice(instant.dateTime.search(/(Z|[+-]\d{2}:\d{2})$/))}`)
}
