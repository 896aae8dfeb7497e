import { isDeepStrictEqual } from 'node:util'
import type { ObservationFilter, ObservationPosition } from '../../exchange/exchange.ts'
import type { Observation } from '../../fhir/types.ts'
import type { GrantedContext } from '../tool.ts'

/** Rows of one request, and the most that one call reads. */
const pageSize = 1000
export const mostRead = 20_000

/** How reading ended: at the end, at the bound, at the deadline, or on pages that led nowhere. */
export type ReadEnd = 'complete' | 'bound' | 'deadline' | 'stuck'

/**
 * Reads all observations that fit, newest first, a page at a time, and hands each one on once: pages may overlap while
 * something is added. Ends early at 20,000 observations and after the deadline.
 */
export async function readAll(
  { exchange, grant, settings, signal, now, progress }: GrantedContext,
  filter: ObservationFilter,
  take: (observation: Observation) => void,
): Promise<ReadEnd> {
  const end = now() + settings.deadline
  const seen = new Set<string>()
  let read = 0
  let position: ObservationPosition | undefined
  for (;;) {
    signal.throwIfAborted()
    const page = await exchange.observations(grant, {
      ...filter,
      order: 'newest',
      count: Math.min(pageSize, mostRead - read),
      ...(position === undefined ? {} : { position }),
    })
    for (const observation of page.observations) {
      const { id } = observation
      if (id !== undefined && seen.has(id)) continue
      if (id !== undefined) seen.add(id)
      take(observation)
    }
    read += page.observations.length
    progress(read, page.total, 'Observations read')
    const next = page.positionAfter(page.observations.length)
    if (next === undefined) return 'complete'
    if (page.observations.length === 0 && isDeepStrictEqual(next, position)) return 'stuck'
    if (read >= mostRead) return 'bound'
    if (now() >= end) return 'deadline'
    position = next
  }
}
