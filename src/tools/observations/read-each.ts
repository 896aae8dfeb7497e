import type { Gap } from '../../exchange/exchange.ts'
import type { Observation } from '../../fhir/types.ts'
import type { GrantedContext } from '../tool.ts'
import type { AskedObservations } from './asked.ts'
import { type ReadEnd, readAll } from './read-all.ts'

/** How reading of one type ended. */
export interface TypeRead {
  readonly asked: AskedObservations
  readonly end: ReadEnd
  /** Why observations may be missing from what was read. */
  readonly gaps: readonly Gap[]
  readonly read: number
}

/**
 * Reads several types, one after the other, so that a dense one does not crowd out the others: each to its own bound, all within
 * one deadline. An observation that fits two of them is handed on once, with the first.
 */
export async function readEach(
  context: GrantedContext,
  asks: readonly AskedObservations[],
  take: (observation: Observation, asked: AskedObservations) => void,
): Promise<TypeRead[]> {
  const seen = new Set<string>()
  const ends: TypeRead[] = []
  let before = 0
  for (const asked of asks) {
    let read = 0
    const done = before
    const own: GrantedContext = {
      ...context,
      // Progress goes on from type to type; how much there is in all is not known.
      progress: (n, total, message) =>
        context.progress(done + n, asks.length === 1 ? total : undefined, message),
    }
    const { end, gaps } = await readAll(own, asked.filter, (observation) => {
      read += 1
      const { id } = observation
      if (id !== undefined && seen.has(id)) return
      if (id !== undefined) seen.add(id)
      take(observation, asked)
    })
    before += read
    ends.push({ asked, end, gaps, read })
  }
  return ends
}
