import type { Observation } from '../fhir/types.ts'

/** A stretch of time in milliseconds since the epoch, both ends included; an open end is infinite. */
export interface Interval {
  readonly from: number
  readonly to: number
}

const dateTime =
  /^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?)?)?$/

const leapSecond = /(T\d{2}:\d{2}):60(?:\.\d+)?/

/** A date without a time zone may be anywhere on Earth: UTC-12 to UTC+14. */
const farthestZone = 14 * 3_600_000

/**
 * The stretch that a FHIR date, dateTime or instant stands for (R5 §2.1.28.0.2: a date means its whole day, month or
 * year), in UTC where it has no offset; undefined when it is not one. `exact` is set where an offset is given.
 */
export function intervalOf(text: unknown): (Interval & { readonly exact: boolean }) | undefined {
  const match = typeof text === 'string' ? dateTime.exec(text) : null
  if (match === null || typeof text !== 'string') return undefined
  const [, year = '', month, day, offset] = match
  const timed = text.includes('T')
  const written = timed && offset === undefined ? `${text}Z` : text
  if (timed && leapSecond.test(text)) return leapIntervalOf(written)
  const from = Date.parse(written)
  if (Number.isNaN(from)) return undefined
  if (timed) return { from, to: from, exact: offset !== undefined }
  const next =
    month === undefined
      ? Date.UTC(Number(year) + 1, 0)
      : day === undefined
        ? Date.UTC(Number(year), Number(month))
        : from + 86_400_000
  return { from, to: next - 1, exact: false }
}

/** `Date` knows no leap second; servers take it for the end of its minute or for the beginning of the next. */
function leapIntervalOf(text: string): (Interval & { readonly exact: boolean }) | undefined {
  const from = Date.parse(text.replace(leapSecond, '$1:59.999'))
  return Number.isNaN(from) ? undefined : { from, to: from + 1, exact: false }
}

/** Whether an observation has no effective[x] at all. */
export function isUndated(observation: Observation): boolean {
  const { effectiveDateTime, effectiveInstant, effectivePeriod, effectiveTiming } = observation
  return (effectiveDateTime ?? effectiveInstant ?? effectivePeriod ?? effectiveTiming) === undefined
}

/**
 * The effective time of an observation as widely as it may be read; undefined without one, or for a Timing, which names
 * no single stretch.
 */
export function effectiveInterval(observation: Observation): Interval | undefined {
  const { effectivePeriod: period } = observation
  if (period !== undefined) {
    const start = widened(period.start)
    const end = widened(period.end)
    if (start === undefined && end === undefined) return undefined
    return { from: start?.from ?? Number.NEGATIVE_INFINITY, to: end?.to ?? Number.POSITIVE_INFINITY }
  }
  return widened(observation.effectiveDateTime ?? observation.effectiveInstant)
}

/**
 * The same as narrowly as it may be read: whatever its offset, the observation is not over before `to` and has begun at `from`.
 * Undefined where an end is open.
 */
export function certainInterval(observation: Observation): Interval | undefined {
  const { effectivePeriod: period } = observation
  const text = observation.effectiveDateTime ?? observation.effectiveInstant
  const start = intervalOf(period === undefined ? text : period.start)
  const end = period === undefined ? start : intervalOf(period.end)
  if (start === undefined || end === undefined) return undefined
  return {
    from: start.exact ? start.from : start.from + farthestZone,
    to: end.exact ? end.to : end.to - farthestZone,
  }
}

/** When an observation began, in milliseconds since the epoch (a date alone: its first moment in UTC). */
export function effectiveStart(observation: Observation): number | undefined {
  const { effectiveDateTime, effectiveInstant, effectivePeriod } = observation
  return intervalOf(effectiveDateTime ?? effectiveInstant ?? effectivePeriod?.start)?.from
}

function widened(text: unknown): Interval | undefined {
  const interval = intervalOf(text)
  if (interval === undefined || interval.exact) return interval
  return { from: interval.from - farthestZone, to: interval.to + farthestZone }
}
