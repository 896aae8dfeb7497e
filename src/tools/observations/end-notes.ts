import { mostRead, type ReadEnd } from './read-all.ts'

/** What has to be said of reading that ended before the end; `read`: how many observations it came to. */
export function endNotes(end: ReadEnd, read: number): string[] {
  const newest = `PARTIAL: only the newest ${read} observations are in these numbers, and the earliest day may be cut`
  switch (end) {
    case 'complete':
      return []
    case 'bound':
      return [`${newest}; ${mostRead} are read at most. Ask for shorter periods.`]
    case 'deadline':
      return [`${newest}; the deadline came first. Ask for a shorter period.`]
    case 'stuck':
      return [`${newest}; the pages of the exchange led no further.`]
  }
}
