import { isDeepStrictEqual } from 'node:util'
import type {
  Gap,
  ObservationFilter,
  ObservationPage,
  ObservationPageQuery,
  ObservationPosition,
} from '../../exchange/exchange.ts'
import { readTwice } from '../../exchange/read-twice.ts'
import type { Observation } from '../../fhir/types.ts'
import type { GrantedContext } from '../tool.ts'

/** Rows of one request, and the most that one call reads of one patient. */
const pageSize = 1000
export const mostRead = 20_000

/** How far reading came. */
export interface AllRead {
  readonly end: ReadEnd
  /** Why observations may be missing from what was read. */
  readonly gaps: readonly Gap[]
}

/** How reading ended: at the end, at the bound, at the deadline, or on pages that led nowhere. */
export type ReadEnd = 'complete' | 'bound' | 'deadline' | 'stuck'

/** How pages are read. */
export interface PageReading<End> {
  readonly ask: (query: ObservationPageQuery) => Promise<ObservationPage>
  readonly filter: ObservationFilter
  readonly signal: AbortSignal
  /** The most rows that are read; none: to the end. */
  readonly most?: number
  readonly take: (observation: Observation) => void
  /** Called after each page with the rows read so far; what it returns ends the reading, where there is more to read. */
  readonly endAfter: (read: number, total: number | undefined) => End | undefined
}

/**
 * Reads all observations that fit, newest first, a page at a time, and hands each one on once: pages may overlap while
 * something is added. Where the exchange forgets its pages, or repeats rows in the place of others, it is read once more.
 * Throws EXCHANGE_UNAVAILABLE or EXCHANGE_REJECTED where that is so again: what would be missing is in no number then.
 */
export async function readPages<End>(
  reading: PageReading<End>,
): Promise<{ end: 'complete' | 'stuck' | End; gaps: readonly Gap[] }> {
  const seen = new Set<string>()
  return readTwice(() => readOnce(reading, seen))
}

async function readOnce<End>(
  { ask, filter, signal, most = Number.POSITIVE_INFINITY, take, endAfter }: PageReading<End>,
  seen: Set<string>,
): Promise<{ end: 'complete' | 'stuck' | End; gaps: readonly Gap[] }> {
  const gaps = new Set<Gap>()
  const ended = (end: 'complete' | 'stuck' | End) => ({ end, gaps: [...gaps] })
  let read = 0
  let position: ObservationPosition | undefined
  for (;;) {
    signal.throwIfAborted()
    const page = await ask({
      ...filter,
      order: 'newest',
      count: Math.min(pageSize, most - read),
      ...(position === undefined ? {} : { position }),
    })
    for (const gap of page.gaps) gaps.add(gap)
    for (const observation of page.observations) {
      const { id } = observation
      if (id !== undefined && seen.has(id)) continue
      if (id !== undefined) seen.add(id)
      take(observation)
    }
    read += page.observations.length
    const end = endAfter(read, page.total)
    const next = page.positionAfter(page.observations.length)
    if (next === undefined) return ended('complete')
    if (page.observations.length === 0 && isDeepStrictEqual(next, position)) return ended('stuck')
    if (end !== undefined) return ended(end)
    position = next
  }
}

/** Reads the observations of the grant's patient. Ends early at 20,000 observations and after the deadline. */
export async function readAll(
  { exchange, grant, endsAt, signal, now, progress }: GrantedContext,
  filter: ObservationFilter,
  take: (observation: Observation) => void,
): Promise<AllRead> {
  return readPages({
    ask: (query) => exchange.observations(grant, query),
    filter,
    signal,
    most: mostRead,
    take,
    endAfter(read, total): 'bound' | 'deadline' | undefined {
      progress(read, total, 'Observations read')
      if (read >= mostRead) return 'bound'
      return now() >= endsAt ? 'deadline' : undefined
    },
  })
}
