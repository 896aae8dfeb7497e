import { offsetAt } from '../fhir/time-zone.ts'
import { dayLength } from './panel.ts'

/** What the wall clock of a zone shows at an instant, in milliseconds as if it were UTC. */
export function wallTime(instant: number, zone: string): number {
  return instant + offsetAt(instant, zone)
}

/** Midnight before a wall-clock time. */
export function midnightOf(wall: number): number {
  return Math.floor(wall / dayLength) * dayLength
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const

/** A wall-clock time as a date for people: `1 Oct 2026`. */
export function dateText(wall: number): string {
  const date = new Date(wall)
  return `${date.getUTCDate()} ${months[date.getUTCMonth()]} ${date.getUTCFullYear()}`
}
