/** A span of time in milliseconds since the epoch, both ends included. */
export interface Span {
  readonly low: number
  readonly high: number
}

const fhirDate =
  /^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(\d{2}:\d{2})(?::(\d{2})(?:\.(\d+))?)?(Z|[+-]\d{2}:\d{2})?)?)?)?$/

/** The span that a FHIR date or dateTime names by its precision, in UTC where it has no offset; undefined if malformed. */
export function spanOf(text: string): Span | undefined {
  const match = fhirDate.exec(text)
  if (match === null) return undefined
  const [, year, month, day, clock, second, fraction, zone] = match
  // HAPI takes a leap second for the beginning of the next minute.
  const leap = second === '60' ? 1000 : 0
  const low =
    Date.parse(
      `${year}-${month ?? '01'}-${day ?? '01'}T${clock ?? '00:00'}:${leap > 0 ? '59' : (second ?? '00')}.${(fraction ?? '0').slice(0, 3)}${zone ?? 'Z'}`,
    ) + leap
  if (Number.isNaN(low) || (day !== undefined && !isDay(Number(year), Number(month), Number(day))))
    return undefined
  return { low, high: endOf({ low, month, day, clock, second, fraction }) }
}

function isDay(year: number, month: number, day: number): boolean {
  return day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate()
}

interface Parts {
  readonly low: number
  readonly month: string | undefined
  readonly day: string | undefined
  readonly clock: string | undefined
  readonly second: string | undefined
  readonly fraction: string | undefined
}

function endOf({ low, month, day, clock, second, fraction }: Parts): number {
  if (fraction !== undefined) return low
  if (second !== undefined) return low + 999
  if (clock !== undefined) return low + 59_999
  if (day !== undefined) return low + 86_399_999
  const start = new Date(low)
  const next =
    month === undefined
      ? Date.UTC(start.getUTCFullYear() + 1, 0, 1)
      : Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1, 1)
  return next - 1
}

/** The span of a dateTime, or of a Period whose open end reaches to infinity; undefined where there is none. */
export function spanOfElement(value: unknown): Span | undefined {
  if (typeof value === 'string') return spanOf(value)
  if (typeof value !== 'object' || value === null) return undefined
  const start = 'start' in value && typeof value.start === 'string' ? spanOf(value.start) : undefined
  const end = 'end' in value && typeof value.end === 'string' ? spanOf(value.end) : undefined
  if (start === undefined && end === undefined) return undefined
  return { low: start?.low ?? Number.NEGATIVE_INFINITY, high: end?.high ?? Number.POSITIVE_INFINITY }
}

/** How each prefix of FHIR's date search compares a resource's span with the one asked for (FHIR R5, §3.2.1.5.6). */
export const dateComparisons: Readonly<Record<string, (value: Span, asked: Span) => boolean>> = {
  eq: (value, asked) => value.low >= asked.low && value.high <= asked.high,
  ne: (value, asked) => value.low < asked.low || value.high > asked.high,
  gt: (value, asked) => value.high > asked.high,
  ge: (value, asked) => value.high >= asked.low,
  lt: (value, asked) => value.low < asked.low,
  le: (value, asked) => value.low <= asked.high,
  sa: (value, asked) => value.low > asked.high,
  eb: (value, asked) => value.high < asked.low,
}
