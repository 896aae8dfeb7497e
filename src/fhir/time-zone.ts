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
const formatters = new Map<string, Intl.DateTimeFormat>()

/** Whether a text names a time zone of the IANA database (`Europe/Berlin`, `UTC`). Offsets are none. */
export function isTimeZone(zone: string): boolean {
  if (!/^[A-Za-z][\w+\-/]*$/.test(zone)) return false
  try {
    formatterOf(zone)
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
  const whole = Math.floor(instant / 1000) * 1000
  const part: Partial<Record<Intl.DateTimeFormatPartTypes, string>> = {}
  for (const { type, value } of formatterOf(zone).formatToParts(whole)) part[type] = value
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
  const date = new Date(0)
  date.setUTCFullYear(local.year, local.month - 1, local.day)
  date.setUTCHours(local.hour, local.minute, local.second, local.millisecond)
  return date.getTime()
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
function formatterOf(zone: string): Intl.DateTimeFormat {
  const known = formatters.get(zone)
  if (known !== undefined) return known
  const made = new Intl.DateTimeFormat('en-US', {
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
  formatters.set(zone, made)
  return made
}
