import { z } from 'zod'
import type { Grant } from '../../access/grant.ts'
import { fhirMcpError } from '../../errors.ts'
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
import { boundsOf, holdAgainstFilter, inOrder } from '../honoured.ts'
import { isPartial } from '../outcomes.ts'
import { holdWithin } from '../restrictions.ts'
import type { SearchPairs } from '../search-pairs.ts'
import { byCodes, type CodeParameter } from './code-parameter.ts'
import { observationPairs } from './filters.ts'
import { linkAt, offsetOf } from './page-link.ts'
import { mostIdlePages } from './rows.ts'

/**
 * Where to read on. `link`: a page of the server, or the search itself where there is none (everything came on one page);
 * `size`: the `_count` of that search. `after` is the last observation before, which is looked for first, since a new one
 * may have moved it; `skip` counts where it is gone.
 */
const positionSchema = z.strictObject({
  link: z.string().startsWith('?').optional(),
  size: z.number().int().min(1).max(2000),
  skip: z.number().int().min(0).max(1000),
  after: z.string().optional(),
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
  if (own === undefined || start === undefined) return pageOf([], undefined, undefined, 0, [])
  const filter: SearchPairs = [['patient', `Patient/${patient}`], ...own]

  const bounds = boundsOf(query)
  const rows: Row[] = []
  let position: Position | undefined = start
  let total: number | undefined
  const followed = new Set<string>()
  const seen = new Set<string>()
  const gaps = new Set<Gap>()
  let idle = 0
  while (position !== undefined && rows.length < query.count) {
    const bundle: Bundle = await readPage(asking, filter, query, position)
    if (isPartial(bundle)) gaps.add('told')
    const observations = matchesOf(bundle, 'Observation')
    for (const [index, observation] of observations.entries()) {
      if (patientNamed(observation.subject?.reference, asking.client.baseUrl) !== patient) throw leak()
      holdWithin(grant, observation, patient)
      holdAgainstFilter(observation, query, bounds)
      const before = observations[index - 1]
      requireHonoured(before === undefined || inOrder(before, observation, query.order), '_sort')
    }
    total = checkedTotal(bundle, observations.length, position) ?? total
    const next = asking.client.nextLink(bundle)
    rows.push(...rowsOf(observations, position, next, query.count))
    const known = seen.size
    for (const { id } of observations) seen.add(id)
    idle = seen.size === known ? idle + 1 : 0
    if (next !== undefined && (followed.has(next) || idle > mostIdlePages))
      throw rejected('Its pages do not come to an end.')
    if (next !== undefined) followed.add(next)
    position = next === undefined ? undefined : { link: next, size: start.size, skip: 0 }
  }
  const more = rows.length > query.count || position !== undefined
  const shown = rows.slice(0, query.count)
  return pageOf(shown, start, more ? shown.at(-1)?.next : undefined, total, [...gaps])
}

function pageOf(
  rows: readonly Row[],
  start: Position | undefined,
  end: Position | undefined,
  total: number | undefined,
  gaps: readonly Gap[],
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
  asking: Asking,
  filter: SearchPairs,
  { order }: ObservationPageQuery,
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
    ] as const
    return client.search(call, 'Observation', [...filter, ...paged], shape)
  }
  return client.page(call, link, shape)
}

/** The observations of a page from its position on, each with the position behind it. */
function rowsOf(
  observations: readonly Checked<'Observation'>[],
  { link, size, skip, after }: Position,
  next: string | undefined,
  count: number,
): Row[] {
  const known = after === undefined ? -1 : observations.findIndex(({ id }) => id === after)
  const first = known === -1 ? skip : known + 1
  const offset = link === undefined ? 0 : offsetOf(link)
  const pageable = next ?? link
  return observations.slice(first).map((observation, index) => {
    const taken = first + index + 1
    const there =
      pageable === undefined || offset === undefined ? undefined : linkAt(pageable, offset + taken, count)
    const position: Position =
      there !== undefined
        ? { link: there, size, skip: 0, after: observation.id }
        : taken === observations.length && next !== undefined
          ? { link: next, size, skip: 0, after: observation.id }
          : { ...(link === undefined ? {} : { link }), size, skip: taken, after: observation.id }
    return { observation, next: position }
  })
}

/** The total of a page. Throws EXCHANGE_REJECTED when the page itself shows that it is wrong. */
function checkedTotal(bundle: Bundle, length: number, { link }: Position): number | undefined {
  const total = totalOf(bundle)
  if (total === undefined) return undefined
  const before = link === undefined ? 0 : (offsetOf(link) ?? 0)
  const last = bundle.link?.every((one) => one.relation !== 'next') ?? true
  const short = last && link === undefined && length < total
  if (length > 0 && before + length > total) throw rejected('Its answer has more rows than its total.')
  if (short) throw rejected('The rows of its answer do not add up to its total.')
  return total
}

/** Where a page begins; undefined when nothing is left. Throws INVALID_ARGUMENT for a position that is not ours. */
function positionOf({ position, count }: ObservationPageQuery): Position | undefined {
  if (position === undefined) return { size: count, skip: 0 }
  const [only] = position
  if (position.length === 1 && only === null) return undefined
  const parsed = positionSchema.safeParse(parsedJson(only))
  if (position.length === 1 && parsed.success) return withRoom(parsed.data, count)
  throw fhirMcpError('INVALID_ARGUMENT', { detail: 'cursor is not one of this search.' })
}

/** A search that is made anew must reach as far as the page that was asked for. */
function withRoom(position: Position, count: number): Position {
  if (position.link !== undefined) return position
  return { ...position, size: position.skip + count }
}

function parsedJson(text: unknown): unknown {
  try {
    return typeof text === 'string' ? JSON.parse(text) : undefined
  } catch {
    return undefined
  }
}
