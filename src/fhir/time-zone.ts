/** A wall-clock reading in the proleptic Gregorian calendar; months and days count from 1. */
export interface LocalTime {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly millisecond: number
}

const day = 86_400_000
/** The calendar repeats itself every 400 years, which have 146,097 days. */
const cycle = { years: 25 * 400, length: 25 * 146_097 * day }
/** Shorter than any time between two changes of a zone's clocks: the shortest known is four days. */
const stretch = 2 * day
/** Stretches that are kept for a zone: about 20 years of them. */
const mostStretches = 4000

/** A zone's clock, and its offsets at the beginnings of stretches, by their number since the epoch. */
interface Clock {
  readonly formatter: Intl.DateTimeFormat
  readonly offsets: Map<number, number>
}

const clocks = new Map<string, Clock>()

/** Whether a text names a time zone of the IANA database (`Europe/Berlin`, `UTC`). Offsets are none. */
export function isTimeZone(zone: string): boolean {
  if (!/^[A-Za-z][\w+\-/]*$/.test(zone)) return false
  try {
    clockOf(zone)
    return true
  } catch {
    return false
  }
}

/** The wall clock of a time zone at an instant (milliseconds since the epoch). */
export function localTimeAt(instant: number, zone: string): LocalTime {
  return localTimeOf(instant + offsetAt(instant, zone))
}

/** How far the wall clock of a zone is ahead of UTC at an instant, in milliseconds. */
export function offsetAt(instant: number, zone: string): number {
  if (zone === 'UTC') return 0
  const clock = clockOf(zone)
  const number = Math.floor(instant / stretch)
  const offset = offsetFrom(number, clock)
  return offset === offsetFrom(number + 1, clock) ? offset : readOffset(instant, clock)
}

/** Asking Intl is slow, so the offset at the beginning of a stretch is kept. */
function offsetFrom(number: number, clock: Clock): number {
  const known = clock.offsets.get(number)
  if (known !== undefined) return known
  const offset = readOffset(number * stretch, clock)
  if (clock.offsets.size >= mostStretches) clock.offsets.clear()
  clock.offsets.set(number, offset)
  return offset
}

function readOffset(instant: number, { formatter }: Clock): number {
  const whole = Math.floor(instant / 1000) * 1000
  const part: Partial<Record<Intl.DateTimeFormatPartTypes, string>> = {}
  for (const { type, value } of formatter.formatToParts(whole)) part[type] = value
  const year = part.era === 'BC' ? 1 - Number(part.year) : Number(part.year)
  const local = millisecondsOf({
    year,
    month: Number(part.month),
    day: Number(part.day),
    hour: Number(part.hour),
    minute: Number(part.minute),
    second: Number(part.second),
    millisecond: 0,
  })
  return local - whole
}

/**
 * The first instant (milliseconds since the epoch) at which the wall clock of a zone shows a time or a later one: the
 * earlier of two where clocks were set back, the end of the gap where they were set forward over it.
 */
export function instantOf(local: LocalTime, zone: string): number {
  const wall = millisecondsOf(local)
  const before = wall - offsetAt(wall - day, zone)
  const after = wall - offsetAt(wall + day, zone)
  const exact = [before, after]
    .filter((instant) => instant + offsetAt(instant, zone) === wall)
    .sort((a, b) => a - b)
  return exact[0] ?? endOfGap(Math.min(before, after), Math.max(before, after), wall, zone)
}

/** The time as milliseconds since the epoch, as if it were UTC; days and months beyond their end run over. */
export function millisecondsOf(local: LocalTime): number {
  // Date.UTC takes the years 0 to 99 for others, and the calendar repeats itself.
  const { month, day, hour, minute, second, millisecond } = local
  return Date.UTC(local.year + cycle.years, month - 1, day, hour, minute, second, millisecond) - cycle.length
}

/** Clocks went forward between the two instants, over `wall`: the moment at which they did. */
function endOfGap(low: number, high: number, wall: number, zone: string): number {
  let earlier = low - 1
  let later = high
  while (later - earlier > 1) {
    const middle = Math.floor((earlier + later) / 2)
    if (middle + offsetAt(middle, zone) >= wall) later = middle
    else earlier = middle
  }
  return later
}

function localTimeOf(wall: number): LocalTime {
  const date = new Date(wall)
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    millisecond: date.getUTCMilliseconds(),
  }
}

/** Making a formatter is slow; there are about 600 names, so that the map stays small. */
function clockOf(zone: string): Clock {
  const known = clocks.get(zone)
  if (known !== undefined) return known
  const formatter = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    calendar: 'gregory',
    hourCycle: 'h23',
    era: 'short',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  const made = { formatter, offsets: new Map<number, number>() }
  clocks.set(zone, made)
  return made
}
