import type { Reckoning } from './reckoning.ts'

/**
 * Whether the server takes rows out of its answers after it has counted them, as an interceptor for consent does: then its
 * totals and counts are of more than it shows. An operator says so (`fhir.filtersRows`), or a list shows it.
 */
export interface RowFilter {
  /** Whether an operator says so: rosters are then those whom the server shows. */
  readonly isConfigured: boolean
  /** Whether it is known, in either way: numbers then come from rows. */
  isKnown(): boolean
  /** Says that a list had fewer rows than its total. */
  note(): void
}

/**
 * Notes what the first page of a search shows. It was counted and read in one go; a later page may be short because something
 * was deleted meanwhile.
 */
export function noteFilter(filter: RowFilter, reckoning: Reckoning, next: string | undefined): void {
  if (reckoning.verdict(next === undefined).gaps.includes('fewer')) filter.note()
}

/** Makes what is known of one server, for the life of the process. */
export function createRowFilter(isConfigured: boolean): RowFilter {
  let known = isConfigured
  return {
    isConfigured,
    isKnown: () => known,
    note() {
      known = true
    },
  }
}
