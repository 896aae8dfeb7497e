import { isObject, ownMember } from './body.ts'
import { type EffectiveTime, isReversed } from './effective-time.ts'
import { type Instant, instantOf, moved, nanosecondsOf } from './instant.ts'

/** What of an `effective_time_frame` was understood. */
export interface TimeFrame {
  /** Undefined where nothing of it can be read. A period may end before it starts: `isReversed`. */
  readonly time: EffectiveTime | undefined
  /** Paths of the body's members that `time` holds whole; a duration and a part of the day are not among them. */
  readonly held: readonly string[]
  /** What is odd about it. Fixed text: nothing of the body is in it. */
  readonly note?: string
}

/** The member of a body that says when. */
export const frameMember = 'effective_time_frame'

/** What may be odd about a time frame. Its members that are not in effective[x] are components. */
export const frameNotes = {
  both: 'The body has a point in time and an interval; the point in time is taken, the interval is kept beside it.',
  reversed: 'The interval of the body ends before it starts, so it is no effective time; both ends are kept.',
  oneEnd: 'The interval of the body has one end only, and no duration.',
  unreadable: 'The time of the body cannot be understood whole; what cannot be is kept as it came.',
} as const

const nothing: TimeFrame = { time: undefined, held: [] }

/**
 * Reads a time frame (IEEE 1752.1 `time-frame`, `time-interval`): `date_time`, or `time_interval` by start and end, by
 * one of them and a duration, or by date and part of the day. The missing end is worked out where it is exact: not from
 * months and years. Where a frame has none of these forms, as much of it is taken as is plain, and the note says so.
 */
export function timeFrameOf(frame: unknown): TimeFrame {
  if (!isObject(frame)) return { ...nothing, note: frameNotes.unreadable }
  const at = ownMember(frame, 'date_time') ?? undefined
  const interval = ownMember(frame, 'time_interval') ?? undefined
  const instant = timeOf(at)
  if (instant !== undefined) {
    const frameOfPoint = {
      time: { kind: 'dateTime', at: instant },
      held: [`${frameMember}.date_time`],
    } as const
    return interval === undefined ? frameOfPoint : { ...frameOfPoint, note: frameNotes.both }
  }
  const rest = isObject(interval) ? intervalOf(interval) : { ...nothing, note: frameNotes.unreadable }
  return at === undefined ? rest : { ...rest, note: frameNotes.unreadable }
}

function intervalOf(interval: object): TimeFrame {
  const member = (name: string) => ownMember(interval, name) ?? undefined
  const [from, to, length] = [member('start_date_time'), member('end_date_time'), member('duration')]
  if (from === undefined && to === undefined) return partOfDayOf(interval)
  const start = timeOf(from)
  const end = timeOf(to)
  const held = [
    ...(start === undefined ? [] : [`${frameMember}.time_interval.start_date_time`]),
    ...(end === undefined ? [] : [`${frameMember}.time_interval.end_date_time`]),
  ]
  if (start !== undefined && end !== undefined) {
    const time = { kind: 'period', start, end } as const
    return isReversed(time) ? { time, held, note: frameNotes.reversed } : { time, held }
  }
  if (start === undefined && end === undefined) return { ...nothing, note: frameNotes.unreadable }
  const hasUnreadableEnd = from !== undefined && to !== undefined
  const duration = hasUnreadableEnd ? undefined : durationOf(length)
  const missing = (known: Instant | undefined, direction: bigint) =>
    known === undefined || duration?.length === undefined
      ? undefined
      : moved(known, direction * duration.length)
  const time = { kind: 'period', start: start ?? missing(end, -1n), end: end ?? missing(start, 1n) } as const
  if (duration !== undefined) return { time, held }
  const isUnreadable = hasUnreadableEnd || length !== undefined
  return { time, held, note: isUnreadable ? frameNotes.unreadable : frameNotes.oneEnd }
}

function partOfDayOf(interval: object): TimeFrame {
  const date = timeOf(ownMember(interval, 'date'))
  if (date?.dateOnly !== true) return { ...nothing, note: frameNotes.unreadable }
  const part = ownMember(interval, 'part_of_day') ?? undefined
  const isPart = part === undefined || typeof part === 'string'
  return {
    time: { kind: 'dateTime', at: date },
    held: [`${frameMember}.time_interval.date`],
    ...(isPart ? {} : { note: frameNotes.unreadable }),
  }
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
