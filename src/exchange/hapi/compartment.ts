import { z } from 'zod'
import type { Grant } from '../../access/grant.ts'
import { fhirMcpError } from '../../errors.ts'
import { type CompartmentType, compartmentRule } from '../../fhir/compartment.ts'
import { isFhirId } from '../../fhir/grammar.ts'
import type { AnyResource, Bundle } from '../../fhir/types.ts'
import type { Asking } from '../asking.ts'
import { rejected, requireHonoured, totalOf } from '../check.ts'
import { allowedPatient } from '../compartment/allowed.ts'
import { type Condition, conditionsOf, holdAgainstConditions, timeAt } from '../compartment/conditions.ts'
import { type Holding, heldIn } from '../compartment/hold.ts'
import type { Gap, ResourcePage, ResourceQuery } from '../exchange.ts'
import type { RequestShape } from '../fhir-client.ts'
import { keptPosition } from '../kept-position.ts'
import { isPartial } from '../outcomes.ts'
import { searchedAnew } from '../page-expired.ts'
import { createReckoning } from '../reckoning.ts'
import { noteFilter } from '../row-filter.ts'
import type { SearchPairs } from '../search-pairs.ts'
import { provenTotal } from './compartment-total.ts'
import { offsetOf, spanOf } from './page-link.ts'
import { mostIdlePages } from './rows.ts'

/**
 * Where to read on: a page of the server, or the search itself where there is none; `skip` rows of it were given, `after`
 * is the last of them, which is looked for first, since a new one may have moved it. `before` counts the rows of the pages
 * before, where the link does not.
 */
const positionSchema = z.strictObject({
  link: z.string().optional(),
  size: z.number().int().min(1).max(2000),
  skip: z.number().int().min(0).max(2000),
  after: z.string().optional(),
  before: z.number().int().min(0).optional(),
})
type Position = z.output<typeof positionSchema>

/** A page of one type of the compartment of the grant's patient: by both in the search, and held against both. */
export async function searchOf(
  asking: Asking,
  grant: Grant,
  type: CompartmentType,
  query: ResourceQuery,
): Promise<ResourcePage> {
  const patient = allowedPatient(asking, grant, type)
  const conditions = conditionsOf(type, query.search)
  const start = positionOf(query)
  const sort = await sortFor(asking, type, conditions)
  const holding: Holding = { type, patient, baseUrl: asking.client.baseUrl }
  const own: SearchPairs = [['patient', `Patient/${patient}`], ...conditions.flatMap(({ pairs }) => pairs)]

  const search: Search = { asking, holding, conditions, sort, own }
  // A search that begins here can begin once more; the pages of one that goes on are gone.
  const page = await (start.link === undefined
    ? searchedAnew(() => readFrom(search, start))
    : readFrom(search, start))
  const findsBy = ({ name }: Condition) => `${type} finds by ${name}`
  if (page.resources.length > 0) {
    for (const condition of conditions) asking.proofs.note(findsBy(condition), true)
  } else if (
    start.link === undefined &&
    conditions.some((one) => asking.proofs.known(findsBy(one)) !== true)
  ) {
    await requireNothingMissed(search)
  }
  return page
}

/** Rows that are looked at for one that a search has missed. */
const lookedAt = 200

/**
 * Servers list searches whose index holds nothing: what they do not find is not there, then, only for them. Throws
 * NOT_SUPPORTED_BY_EXCHANGE where the patient has a resource that the conditions of an empty answer have to find.
 */
async function requireNothingMissed({ asking, holding, conditions }: Search): Promise<void> {
  const { client, call, shape } = asking
  const pairs: SearchPairs = [
    ['patient', `Patient/${holding.patient}`],
    ['_count', String(lookedAt)],
    ['_pretty', 'false'],
  ]
  const all = heldIn(
    await client.search(call, holding.type, pairs, { ...shape, takesPartial: true }),
    holding,
  )
  const missed = all.some((resource) => conditions.every(({ mustMeet }) => mustMeet(resource)))
  if (!missed) return
  const names = conditions.map(({ name }) => name).join(', ')
  throw fhirMcpError('NOT_SUPPORTED_BY_EXCHANGE', {
    detail: `The exchange finds nothing on ${holding.type} by ${names}, though there is something that fits: ask without.`,
  })
}

interface Search {
  readonly asking: Asking
  readonly holding: Holding
  readonly conditions: readonly Condition[]
  readonly sort: readonly string[]
  /** What is searched by. */
  readonly own: SearchPairs
}

/** The first page of the server, from a position on, that has a row. */
async function readFrom(search: Search, start: Position): Promise<ResourcePage> {
  const { asking, holding, conditions } = search
  const followed = new Set<string>()
  const gaps = new Set<Gap>()
  const reckoning = createReckoning(rowsBefore(start))
  let page: Pick<Found, 'rows' | 'position' | 'next'> | undefined
  let passed = rowsBefore(start)
  let position: Position | undefined = start
  // Where all that the total names has come and there is a page more, that page shows which of the two is wrong.
  while (position !== undefined && (page === undefined || reckoning.isReached())) {
    const here: Position = position
    const bundle: Bundle = await readPage(search, here)
    if (isPartial(bundle)) gaps.add('told')
    const found = heldIn(bundle, holding)
    for (const resource of found) holdAgainstConditions(resource, conditions)
    holdOrder(found, holding.type, search.sort)
    const next = nextOf(asking, holding.type, bundle)
    const ids = found.map((resource) => resource.id ?? '')
    const fresh = reckoning.add({ ids, total: totalOf(bundle), span: spanOf(here.link, next) })
    if (here.link !== undefined && here.skip === 0 && here.after !== undefined && ids.includes(here.after)) {
      reckoning.repeats()
    }
    if (here.link === undefined) noteFilter(asking.rowFilter, reckoning, next)
    if (passed !== undefined) passed += found.length
    position =
      next === undefined
        ? undefined
        : { link: next, size: start.size, skip: 0, after: ids.at(-1) ?? here.after, before: passed }
    const first = firstOf(found, here)
    const rows = found.filter((_, at) => at >= first && fresh[at])
    if (page !== undefined && fresh.includes(true)) break
    if (page === undefined && (rows.length > 0 || next === undefined)) {
      page = { rows, position: { ...here, skip: first }, next: position }
    } else if (page !== undefined && next === undefined) page = { ...page, next: undefined }
    if (next !== undefined && (followed.has(next) || followed.size > mostIdlePages))
      throw rejected('Its pages do not come to an end.')
    if (next !== undefined) followed.add(next)
  }
  const isEnd = position === undefined
  const verdict = reckoning.verdict(isEnd)
  for (const gap of verdict.gaps) gaps.add(gap)
  const { rows, position: there, next } = page ?? { rows: [], position: start, next: undefined }
  const total = async () => {
    if (gaps.size > 0) return undefined
    const isWhole = isEnd && start.link === undefined
    if (isWhole && (verdict.total !== undefined || followed.size === 0)) return verdict.total ?? rows.length
    if (asking.rowFilter.isKnown()) return undefined
    return provenTotal(asking, holding, conditions, verdict.total)
  }
  return pageOf({ rows, position: there, next, gaps: [...gaps], total: await total() })
}

/** How many rows came before the page of a position; undefined where that is not known. */
function rowsBefore({ link, before }: Position): number | undefined {
  return link === undefined ? 0 : (offsetOf(link) ?? before)
}

/**
 * One resource of the compartment of the grant's patient. It is searched for by its id and the patient together, so that
 * the exchange is asked for nobody else's; one of somebody else reads like one that there is not.
 */
export async function readOf(
  asking: Asking,
  grant: Grant,
  type: CompartmentType,
  id: string,
): Promise<AnyResource> {
  const patient = allowedPatient(asking, grant, type)
  if (!isFhirId(id)) throw fhirMcpError('FORBIDDEN')
  await requireListed(asking, type, ['patient'])
  const pairs: SearchPairs = [
    ['_id', id],
    ['patient', `Patient/${patient}`],
    ['_count', '2'],
    ['_pretty', 'false'],
  ]
  const { client, call } = asking
  const bundle = await client.search(call, type, pairs, strict(asking.shape))
  const found = heldIn(bundle, { type, patient, baseUrl: client.baseUrl })
  requireHonoured(
    found.every((resource) => resource.id === id),
    '_id',
  )
  const [only, ...others] = found
  if (only === undefined) throw fhirMcpError('FORBIDDEN')
  if (others.length > 0) throw rejected('It has one id more than once.')
  return only
}

/**
 * Makes sure that the exchange says that it has these searches; what it is silent about might be ignored.
 * Throws NOT_SUPPORTED_BY_EXCHANGE.
 */
async function requireListed(
  asking: Asking,
  type: CompartmentType,
  names: readonly string[],
): Promise<readonly string[]> {
  const { searches, fhirVersion } = await asking.capabilities()
  const listed = Object.hasOwn(searches, type) ? (searches[type] ?? []) : []
  if (!compartmentRule(type).releases.includes(fhirVersion) || !listed.includes('patient')) {
    throw fhirMcpError('NOT_SUPPORTED_BY_EXCHANGE', {
      detail: `The exchange cannot say which ${type} is a patient's.`,
    })
  }
  for (const name of names) {
    if (listed.includes(name)) continue
    throw fhirMcpError('NOT_SUPPORTED_BY_EXCHANGE', {
      detail: `The exchange has no search on ${type} by "${name}".`,
    })
  }
  return listed
}

/** Newest first by the first date that the exchange can sort by, then by id, so that pages have one order. */
async function sortFor(
  asking: Asking,
  type: CompartmentType,
  conditions: readonly Condition[],
): Promise<string[]> {
  const listed = await requireListed(
    asking,
    type,
    conditions.map(({ name }) => name),
  )
  const by = compartmentRule(type).dated.find((name) => listed.includes(name))
  return by === undefined ? ['_id'] : [`-${by}`, '_id']
}

/** Throws NOT_SUPPORTED_BY_EXCHANGE where neighbours are in another order than was asked for, as far as it can be told. */
function holdOrder(found: readonly AnyResource[], type: CompartmentType, [by = '']: readonly string[]) {
  const paths = compartmentRule(type).searches[by.slice(1)]?.paths
  if (paths === undefined) return
  for (const [index, resource] of found.entries()) {
    const before = found[index - 1]
    const [a, b] = [before === undefined ? undefined : timeAt(before, paths), timeAt(resource, paths)]
    requireHonoured(a === undefined || b === undefined || a.to >= b.from, '_sort')
  }
}

async function readPage(
  { asking: { client, call, shape }, holding: { type }, sort, own }: Search,
  { link, size }: Position,
): Promise<Bundle> {
  const pairs: SearchPairs = [...own, ['_sort', sort.join(',')]]
  const asked = { ...strict(shape), takesPartial: true }
  if (link !== undefined) return client.page(call, link, asked)
  const paged = [
    ['_count', String(size)],
    ['_total', 'accurate'],
    ['_pretty', 'false'],
  ] as const
  return client.search(call, type, [...pairs, ...paged], asked)
}

/** R5 §3.2.1.3.2: an exchange that would ignore a parameter is to refuse it. */
function strict(shape: RequestShape): RequestShape {
  return { ...shape, headers: { ...shape.headers, prefer: 'handling=strict' } }
}

/** The next page: of the exchange's own list, or of the same type. */
function nextOf({ client }: Asking, type: CompartmentType, bundle: Bundle): string | undefined {
  const next = client.nextLink(bundle)
  if (next === undefined || isOfSearch(next, type)) return next
  throw rejected('Its link to the next page leads elsewhere.')
}

function isOfSearch(link: string, type: CompartmentType): boolean {
  return [`?`, `${type}?`, `${type}/_search?`].some((start) => link.startsWith(start))
}

function firstOf(found: readonly AnyResource[], { skip, after }: Position): number {
  const known = after === undefined ? -1 : found.findIndex((resource) => resource.id === after)
  return known === -1 ? Math.min(skip, found.length) : known + 1
}

interface Found {
  readonly rows: readonly AnyResource[]
  /** Where the first row is, and where the page after the last one begins. */
  readonly position: Position
  readonly next: Position | undefined
  readonly total: number | undefined
  readonly gaps: readonly Gap[]
}

function pageOf({ rows, position, next, total, gaps }: Found): ResourcePage {
  return {
    resources: rows,
    positionAfter(n) {
      if (n >= rows.length) return next === undefined ? undefined : JSON.stringify(next)
      const last = rows[n - 1]?.id
      const there = { ...position, skip: position.skip + n }
      return JSON.stringify(last === undefined ? there : { ...there, after: last })
    },
    total,
    gaps,
  }
}

/** Where a page begins. Throws INVALID_ARGUMENT for a position that is not ours. */
function positionOf({ position, count }: ResourceQuery): Position {
  if (position === undefined) return { size: count, skip: 0 }
  const data = keptPosition(positionSchema, position)
  // A search that is made anew must reach as far as the page that was asked for.
  return data.link === undefined ? { ...data, size: Math.min(2000, data.skip + count) } : data
}
