import type { Observation } from '../fhir/types.ts'
import { compareInstants, type Instant, instantOf } from './instant.ts'

/** When an observation holds: at a point in time, or over a period of which one end may be unknown. */
export type EffectiveTime =
  | { readonly kind: 'dateTime'; readonly at: Instant }
  | { readonly kind: 'period'; readonly start: Instant | undefined; readonly end: Instant | undefined }

const day = 86_400_000
/** The coarsest that a server keeps instants. */
const millisecond = 1

/** When a resource itself says that it holds; undefined where it says nothing, or something that is not to be read. */
export function effectiveTimeOf(observation: Observation): EffectiveTime | undefined {
  const { effectiveDateTime, effectiveInstant, effectivePeriod } = observation
  const written = effectiveDateTime ?? effectiveInstant
  if (written !== undefined) {
    const at = instantOf(written)
    return at && { kind: 'dateTime', at }
  }
  if (effectivePeriod === undefined) return undefined
  const { start, end } = effectivePeriod
  return {
    kind: 'period',
    start: start === undefined ? undefined : instantOf(start),
    end: end === undefined ? undefined : instantOf(end),
  }
}

/** Whether a resource has any effective time of its own. */
export function hasEffectiveTime(observation: Observation): boolean {
  const { effectiveDateTime, effectivePeriod, effectiveInstant, effectiveTiming } = observation
  return [effectiveDateTime, effectivePeriod, effectiveInstant, effectiveTiming].some(
    (own) => own !== undefined,
  )
}

/** Whether a period ends before it starts, which FHIR forbids (per-1). */
export function isReversed(time: EffectiveTime): boolean {
  if (time.kind !== 'period' || time.start === undefined || time.end === undefined) return false
  return compareInstants(time.end, time.start) < 0
}

/**
 * The time of a body where the exchange's is the same: in the words of the body, whose offset the exchange may have turned
 * into UTC, with the end that only the exchange knows (it works out months). Instants are the same within the millisecond,
 * since servers cut off what is finer; a date is the same as its midnight in UTC, and as a time on it on the body's clock.
 * Undefined where they differ.
 */
export function agreedTime(exchange: EffectiveTime, body: EffectiveTime): EffectiveTime | undefined {
  if (exchange.kind === 'dateTime') {
    return body.kind === 'dateTime' && agree(exchange.at, body.at) ? body : undefined
  }
  if (body.kind !== 'period') return undefined
  const ends = [
    [exchange.start, body.start],
    [exchange.end, body.end],
  ] as const
  const known = ends.flatMap(([own, other]) =>
    own === undefined || other === undefined ? [] : [agree(own, other)],
  )
  if (known.length === 0 || known.includes(false)) return undefined
  return { kind: 'period', start: body.start ?? exchange.start, end: body.end ?? exchange.end }
}

function agree(exchange: Instant, body: Instant): boolean {
  if (exchange.dateOnly && !body.dateOnly) return body.dateTime.startsWith(exchange.dateTime)
  return Math.abs(exchange.milliseconds - body.milliseconds) < millisecond
}

/** The `effective[x]` element of an effective time. */
export function effectiveElement(
  time: EffectiveTime,
): Pick<Observation, 'effectiveDateTime' | 'effectivePeriod'> {
  if (time.kind === 'dateTime') return { effectiveDateTime: time.at.dateTime }
  const effectivePeriod: NonNullable<Observation['effectivePeriod']> = {}
  if (time.start !== undefined) effectivePeriod.start = time.start.dateTime
  if (time.end !== undefined) effectivePeriod.end = time.end.dateTime
  return { effectivePeriod }
}

/** Whether a period is exactly 24 hours long: `00:00:00` to `23:59:59` is not. */
export function isWholeDay(time: EffectiveTime | undefined): boolean {
  if (time?.kind !== 'period' || time.start === undefined || time.end === undefined) return false
  if (time.start.dateOnly || time.end.dateOnly) return false
  const { start, end } = time
  return end.milliseconds - start.milliseconds === day && end.nanoseconds === start.nanoseconds
}
