import type { Observation } from '../fhir/types.ts'
import { isObject, ownMember } from './body.ts'
import { compareInstants, type Instant, instantOf, moved, nanosecondsOf, sameInstant } from './instant.ts'

/** When an observation holds: at a point in time, or over a period of which one end may be unknown. */
export type EffectiveTime =
  | { readonly kind: 'dateTime'; readonly at: Instant }
  | { readonly kind: 'period'; readonly start: Instant | undefined; readonly end: Instant | undefined }

/** An `effective_time_frame`, understood. */
export interface TimeFrame {
  readonly time: EffectiveTime
  /** Paths of the body's members that `time` holds whole; a duration and a part of the day are not among them. */
  readonly held: readonly string[]
}

/** The member of a body that says when. */
export const frameMember = 'effective_time_frame'

const day = 86_400_000

/**
 * Reads a time frame (IEEE 1752.1 `time-frame`, `time-interval`): `date_time`, or `time_interval` by start and end, by
 * one of them and a duration, or by date and part of the day. The missing end is worked out where it is exact: not from
 * months and years. Undefined where it has none of these forms, or where the end lies before the start.
 */
export function timeFrameOf(frame: unknown): TimeFrame | undefined {
  if (!isObject(frame)) return undefined
  const at = ownMember(frame, 'date_time')
  const interval = ownMember(frame, 'time_interval')
  if (at !== undefined && interval === undefined) {
    const instant = timeOf(at)
    return instant && { time: { kind: 'dateTime', at: instant }, held: [`${frameMember}.date_time`] }
  }
  return at === undefined && isObject(interval) ? intervalOf(interval) : undefined
}

function intervalOf(interval: object): TimeFrame | undefined {
  const from = ownMember(interval, 'start_date_time')
  const to = ownMember(interval, 'end_date_time')
  if (from === undefined && to === undefined) return partOfDayOf(interval)
  const start = timeOf(from)
  const end = timeOf(to)
  if ((from !== undefined && start === undefined) || (to !== undefined && end === undefined)) return undefined
  const held = [
    ...(start === undefined ? [] : [`${frameMember}.time_interval.start_date_time`]),
    ...(end === undefined ? [] : [`${frameMember}.time_interval.end_date_time`]),
  ]
  if (start !== undefined && end !== undefined) {
    if (compareInstants(end, start) < 0) return undefined
    return { time: { kind: 'period', start, end }, held }
  }
  const duration = durationOf(ownMember(interval, 'duration'))
  if (duration === undefined) return undefined
  const { length } = duration
  if (start !== undefined) {
    return { time: { kind: 'period', start, end: shifted(start, length) }, held }
  }
  return { time: { kind: 'period', start: end && shifted(end, length, -1n), end }, held }
}

function shifted(instant: Instant, length: bigint | undefined, direction = 1n): Instant | undefined {
  return length === undefined ? undefined : moved(instant, direction * length)
}

function partOfDayOf(interval: object): TimeFrame | undefined {
  const date = timeOf(ownMember(interval, 'date'))
  if (date?.dateOnly !== true || typeof ownMember(interval, 'part_of_day') !== 'string') return undefined
  return { time: { kind: 'dateTime', at: date }, held: [`${frameMember}.time_interval.date`] }
}

function durationOf(duration: unknown): { length: bigint | undefined } | undefined {
  if (!isObject(duration)) return undefined
  const value = ownMember(duration, 'value')
  const unit = ownMember(duration, 'unit')
  if (typeof value !== 'number' || value < 0 || typeof unit !== 'string') return undefined
  return { length: nanosecondsOf(value, unit) }
}

function timeOf(text: unknown): Instant | undefined {
  return typeof text === 'string' ? instantOf(text) : undefined
}

/** When a resource itself says that it holds; undefined where it says nothing, or something that is not to be read. */
export function effectiveTimeOf(observation: Observation): EffectiveTime | undefined {
  const { effectiveDateTime, effectivePeriod } = observation
  if (effectiveDateTime !== undefined) {
    const at = instantOf(effectiveDateTime)
    return at && { kind: 'dateTime', at }
  }
  if (effectivePeriod === undefined) return undefined
  return { kind: 'period', start: timeOf(effectivePeriod.start), end: timeOf(effectivePeriod.end) }
}

/** Whether a resource has any effective time of its own. */
export function hasEffectiveTime(observation: Observation): boolean {
  const { effectiveDateTime, effectivePeriod, effectiveInstant, effectiveTiming } = observation
  return [effectiveDateTime, effectivePeriod, effectiveInstant, effectiveTiming].some(
    (own) => own !== undefined,
  )
}

/** Whether two effective times are the same, on the same clock. */
export function sameTime(one: EffectiveTime, other: EffectiveTime): boolean {
  if (one.kind === 'dateTime') return other.kind === 'dateTime' && sameInstant(one.at, other.at)
  return other.kind === 'period' && sameEnd(one.start, other.start) && sameEnd(one.end, other.end)
}

function sameEnd(one: Instant | undefined, other: Instant | undefined): boolean {
  return one === undefined || other === undefined ? one === other : sameInstant(one, other)
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
