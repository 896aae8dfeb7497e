import { z } from 'zod'
import type { Grant } from '../../access/grant.ts'
import type { Bundle } from '../../fhir/types.ts'
import type { Asking } from '../asking.ts'
import {
  type Checked,
  leak,
  matchesOf,
  patientNamed,
  rejected,
  requireHonoured,
  requireMember,
  totalOf,
} from '../check.ts'
import type { Gap, ObservationPage, ObservationPageQuery } from '../exchange.ts'
import { type Bounds, boundsOf, holdAgainstFilter, inOrder } from '../honoured.ts'
import { keptPosition } from '../kept-position.ts'
import { isPartial } from '../outcomes.ts'
import { searchedAnew } from '../page-expired.ts'
import { createReckoning } from '../reckoning.ts'
import { holdWithin } from '../restrictions.ts'
import { noteFilter } from '../row-filter.ts'
import type { SearchPairs } from '../search-pairs.ts'
import { byCodes, type CodeParameter } from './code-parameter.ts'
import { observationPairs } from './filters.ts'
import { linkAt, offsetOf, spanOf } from './page-link.ts'
import { mostIdlePages } from './rows.ts'
import { areStripped, elementsOfTimes, StrippedRows } from './times-only.ts'

/**
 * Where to read on. `link`: a page of the server, or the search itself where there is none (everything came on one page);
 * `size`: the `_count` of that search. `after` is the last observation before, which is looked for first, since a new one
 * may have moved it; `skip` counts where it is gone. `before` counts the rows of the pages before, where the link does not.
 */
const positionSchema = z.strictObject({
  link: z
    .string()
    .regex(/^(Observation(\/_search)?)?\?/)
    .optional(),
  size: z.number().int().min(1).max(2000),
  skip: z.number().int().min(0).max(1000),
  after: z.string().optional(),
  before: z.number().int().min(0).optional(),
})
type Position = z.output<typeof positionSchema>

interface Row {
  readonly observation: Checked<'Observation'>
  /** Where the one after it is. */
  readonly next: Position
}

/**
 * A page of the observations of one patient of a grant, in HAPI's total order `date` (or `-date`) and `_id`; undated ones
 * come last both ways.
 */
export async function observationsOf(
  asking: Asking,
  grant: Grant,
  patient: string,
  query: ObservationPageQuery,
): Promise<ObservationPage> {
  requireMember(grant, patient)
  const isThere = (page: ObservationPage) => page.observations.length > 0 || query.position !== undefined
  return byCodes(asking, grant, query, isThere, (filter, parameter) =>
    pageBy(asking, grant, patient, { ...query, ...filter }, parameter),
  )
}

async function pageBy(
  asking: Asking,
  grant: Grant,
  patient: string,
  query: ObservationPageQuery,
  parameter: CodeParameter,
): Promise<ObservationPage> {
  const own = observationPairs(grant, query, patient, parameter)
  const start = positionOf(query)
  if (own === undefined || start === undefined)
    return pageOf([], undefined, undefined, { total: 0, gaps: [] })
  const filter: SearchPairs = [['patient', `Patient/${patient}`], ...own]

  const elements = query.timesOnly ? elementsOfTimes(grant, query) : undefined
  const reading: Reading = { asking, grant, patient, query, filter, bounds: boundsOf(query), elements }
  try {
    return await readAt(reading, start)
  } catch (thrown) {
    if (!(thrown instanceof StrippedRows)) throw thrown
    return readAt({ ...reading, elements: undefined }, fromBeginning(start, query.count))
  }
}

async function readAt(reading: Reading, start: Position): Promise<ObservationPage> {
  // A search that begins here can begin once more; the pages of one that goes on are gone.
  return start.link === undefined ? searchedAnew(() => readFrom(reading, start)) : readFrom(reading, start)
}

/** The same place in a search that is made anew, since the pages of the first one have its elements. */
function fromBeginning(start: Position, count: number): Position {
  const { size, skip, after } = start
  return withRoom(
    { size, skip: skip + (rowsBefore(start) ?? 0), ...(after === undefined ? {} : { after }) },
    count,
  )
}

interface Reading {
  readonly asking: Asking
  readonly grant: Grant
  readonly patient: string
  readonly query: ObservationPageQuery
  readonly filter: SearchPairs
  readonly bounds: Bounds
  /** The elements that are asked for; undefined: all. */
  readonly elements: string | undefined
}

async function readFrom(reading: Reading, start: Position): Promise<ObservationPage> {
  const { asking, query } = reading
  const rows: Row[] = []
  const gaps = new Set<Gap>()
  const followed = new Set<string>()
  const reckoning = createReckoning(rowsBefore(start))
  let position: Position | undefined = start
  let passed = rowsBefore(start)
  let idle = 0
  // Where all that the total names has come and there is a page more, that page shows which of the two is wrong.
  while (position !== undefined && (rows.length < query.count || reckoning.isReached())) {
    const here: Position = position
    const bundle: Bundle = await readPage(reading, here)
    if (isPartial(bundle)) gaps.add('told')
    const observations = heldObservations(reading, bundle)
    const next = asking.client.nextLink(bundle)
    const fresh = reckoning.add({
      ids: observations.map(({ id }) => id),
      total: totalOf(bundle),
      span: spanOf(here.link, next),
    })
    if (beginsAgain(observations, here)) reckoning.repeats()
    if (here.link === undefined) noteFilter(asking.rowFilter, reckoning, next)
    if (passed !== undefined) passed += observations.length
    const given = rowsOf(observations, here, { next, passed, count: query.count })
    rows.push(...given.flatMap((row, at) => (row !== undefined && fresh[at] ? [row] : [])))
    idle = fresh.includes(true) ? 0 : idle + 1
    if (next !== undefined && (followed.has(next) || idle > mostIdlePages))
      throw rejected('Its pages do not come to an end.')
    if (next !== undefined) followed.add(next)
    position = next === undefined ? undefined : { link: next, size: start.size, skip: 0, before: passed }
  }
  const { total, gaps: found } = reckoning.verdict(position === undefined)
  for (const gap of found) gaps.add(gap)
  const more = rows.length > query.count || position !== undefined
  const shown = rows.slice(0, query.count)
  // A server that takes rows out counts those that it does not show, unless all that it counted has come.
  const isKnown = !asking.rowFilter.isKnown() || (position === undefined && start.link === undefined)
  return pageOf(shown, start, more ? shown.at(-1)?.next : undefined, {
    total: isKnown ? total : undefined,
    gaps: [...gaps],
  })
}

/** The observations of a page, each one held against the grant and the filter. */
function heldObservations(
  { asking, grant, patient, query, bounds, elements }: Reading,
  bundle: Bundle,
): Checked<'Observation'>[] {
  const observations = matchesOf(bundle, 'Observation')
  if (elements !== undefined && areStripped(grant, observations, query)) throw new StrippedRows()
  for (const [index, observation] of observations.entries()) {
    if (patientNamed(observation.subject?.reference, asking.client.baseUrl) !== patient) throw leak()
    holdWithin(grant, observation, patient)
    holdAgainstFilter(observation, query, bounds)
    const before = observations[index - 1]
    requireHonoured(before === undefined || inOrder(before, observation, query.order), '_sort')
  }
  return observations
}

/** How many rows came before the page of a position; undefined where that is not known. */
function rowsBefore({ link, before }: Position): number | undefined {
  return link === undefined ? 0 : (offsetOf(link) ?? before)
}

/** Whether a page that should go on behind an observation has that one again. */
function beginsAgain(observations: readonly Checked<'Observation'>[], { link, skip, after }: Position) {
  return link !== undefined && skip === 0 && observations.some(({ id }) => id === after)
}

function pageOf(
  rows: readonly Row[],
  start: Position | undefined,
  end: Position | undefined,
  { total, gaps }: Pick<ObservationPage, 'total' | 'gaps'>,
): ObservationPage {
  return {
    observations: rows.map((row) => row.observation),
    positionAfter(n) {
      const position = n >= rows.length ? end : n <= 0 ? start : rows[n - 1]?.next
      return position === undefined ? undefined : [JSON.stringify(position)]
    },
    total: gaps.length > 0 ? undefined : total,
    gaps,
  }
}

async function readPage(
  { asking, filter, query: { order }, elements }: Reading,
  { link, size }: Position,
): Promise<Bundle> {
  const { client, call } = asking
  const shape = { ...asking.shape, takesPartial: true }
  if (link === undefined) {
    const sort = order === 'newest' ? '-date,_id' : 'date,_id'
    const paged = [
      ['_sort', sort],
      ['_count', String(size)],
      ['_total', 'accurate'],
      ['_pretty', 'false'],
      ...(elements === undefined ? [] : [['_elements', elements] as const]),
    ] as const
    return client.search(call, 'Observation', [...filter, ...paged], shape)
  }
  return client.page(call, link, shape)
}

/** Every observation of a page, each with the position behind it; those before the page's position have been given. */
function rowsOf(
  observations: readonly Checked<'Observation'>[],
  { link, size, skip, after, before }: Position,
  {
    next,
    passed,
    count,
  }: { readonly next: string | undefined; readonly passed: number | undefined; readonly count: number },
): (Row | undefined)[] {
  const known = after === undefined ? -1 : observations.findIndex(({ id }) => id === after)
  const first = known === -1 ? skip : known + 1
  const offset = link === undefined ? 0 : offsetOf(link)
  const pageable = next ?? link
  return observations.map((observation, index) => {
    if (index < first) return undefined
    const taken = index + 1
    const there =
      pageable === undefined || offset === undefined ? undefined : linkAt(pageable, offset + taken, count)
    const position: Position =
      there !== undefined
        ? { link: there, size, skip: 0, after: observation.id }
        : taken === observations.length && next !== undefined
          ? { link: next, size, skip: 0, after: observation.id, before: passed }
          : { ...(link === undefined ? {} : { link, before }), size, skip: taken, after: observation.id }
    return { observation, next: position }
  })
}

/** Where a page begins; undefined when nothing is left. Throws INVALID_ARGUMENT for a position that is not ours. */
function positionOf({ position, count }: ObservationPageQuery): Position | undefined {
  if (position === undefined) return { size: count, skip: 0 }
  const [only] = position
  if (position.length === 1 && only === null) return undefined
  return withRoom(keptPosition(positionSchema, position.length === 1 ? only : undefined), count)
}

/** A search that is made anew must reach as far as the page that was asked for. */
function withRoom(position: Position, count: number): Position {
  if (position.link !== undefined) return position
  return { ...position, size: position.skip + count }
}
