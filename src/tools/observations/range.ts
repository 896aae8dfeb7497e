import type { Gap, ObservationFilter } from '../../exchange/exchange.ts'
import { searchedAnew } from '../../exchange/page-expired.ts'
import type { Observation } from '../../fhir/types.ts'
import { type ReadingTime, readingTime } from '../../results/reading-time.ts'
import { excludedStatusOf } from '../../results/standing.ts'
import type { GrantedContext } from '../tool.ts'

/** Rows of one look at an end, and how many looks are taken while all that is found does not count. */
const rows = 20
const looks = 10

/** The end of a range: its time; `none` where nothing dated counts; `unknown` where too much there does not count. */
export type RangeEnd = ReadingTime | 'none' | 'unknown'

/** The same, and why observations may be missing from where it was looked for. */
export interface FoundEnd {
  readonly end: RangeEnd
  readonly gaps: readonly Gap[]
}

/**
 * The first or last time at which a patient has an observation that counts, by when it begins. Observations come in order,
 * undated ones last; those entered in error or cancelled are passed over.
 */
export async function rangeEnd(
  context: Pick<GrantedContext, 'exchange' | 'grant'>,
  filter: ObservationFilter,
  end: 'first' | 'last',
  zone: string,
): Promise<FoundEnd> {
  return searchedAnew(() => lookForEnd(context, filter, end, zone))
}

async function lookForEnd(
  { exchange, grant }: Pick<GrantedContext, 'exchange' | 'grant'>,
  filter: ObservationFilter,
  end: 'first' | 'last',
  zone: string,
): Promise<FoundEnd> {
  const query = {
    ...filter,
    order: end === 'first' ? 'oldest' : 'newest',
    count: rows,
    timesOnly: true,
  } as const
  const gaps = new Set<Gap>()
  const found = (one: RangeEnd): FoundEnd => ({ end: one, gaps: [...gaps] })
  let page = await exchange.observations(grant, query)
  for (let look = 1; ; look += 1) {
    for (const gap of page.gaps) gaps.add(gap)
    const times = page.observations.filter(counts).map((observation) => readingTime(observation, zone))
    const time = extreme(times, end)
    if (time !== undefined) return found(time)
    const next = page.positionAfter(page.observations.length)
    if (next === undefined || times.some(({ isDated }) => !isDated)) return found('none')
    if (look === looks) return found('unknown')
    page = await exchange.observations(grant, { ...query, position: next })
  }
}

function counts(observation: Observation): boolean {
  return excludedStatusOf(observation) === undefined
}

function extreme(times: readonly ReadingTime[], end: 'first' | 'last'): ReadingTime | undefined {
  let best: ReadingTime | undefined
  for (const time of times) {
    if (time.from === undefined) continue
    const isBetter =
      best?.from === undefined || (end === 'first' ? time.from < best.from : time.from > best.from)
    if (isBetter) best = time
  }
  return best
}
