import { z } from 'zod'
import type { Grant } from '../../access/grant.ts'
import { fhirMcpError, isFhirMcpError } from '../../errors.ts'
import { type CompartmentType, compartmentRule } from '../../fhir/compartment.ts'
import { isFhirId } from '../../fhir/grammar.ts'
import type { Bundle } from '../../fhir/types.ts'
import type { Asking } from '../asking.ts'
import { rejected, requireHonoured, totalOf } from '../check.ts'
import { allowedPatient } from '../compartment/allowed.ts'
import { type Condition, conditionsOf, holdAgainstConditions, timeAt } from '../compartment/conditions.ts'
import { type Holding, heldIn } from '../compartment/hold.ts'
import type { Gap, HeldResource, ResourcePage, ResourceQuery } from '../exchange.ts'
import type { RequestShape } from '../fhir-client.ts'
import { isPartial } from '../outcomes.ts'
import type { SearchPairs } from '../search-pairs.ts'
import { mostIdlePages } from './rows.ts'

/**
 * Where to read on: a page of the server, or the search itself where there is none; `skip` rows of it were given, `after`
 * is the last of them, which is looked for first, since a new one may have moved it.
 */
const positionSchema = z.strictObject({
  link: z.string().optional(),
  size: z.number().int().min(1).max(2000),
  skip: z.number().int().min(0).max(2000),
  after: z.string().optional(),
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

  const followed = new Set<string>()
  const gaps = new Set<Gap>()
  let position = start
  for (;;) {
    const bundle = await readPage(asking, type, [...own, ['_sort', sort.join(',')]], position)
    if (isPartial(bundle)) gaps.add('told')
    const found = heldIn(bundle, holding)
    for (const { resource } of found) holdAgainstConditions(resource, conditions)
    holdOrder(found, type, sort)
    const next = nextOf(asking, type, bundle)
    const first = firstOf(found, position)
    const rows = found.slice(first)
    if (rows.length > 0 || next === undefined) {
      const whole = position.link === undefined && next === undefined
      return pageOf({
        rows,
        position: { ...position, skip: first },
        next: next === undefined ? undefined : { link: next, size: start.size, skip: 0 },
        gaps: [...gaps],
        total:
          gaps.size > 0
            ? undefined
            : whole
              ? wholeTotal(bundle, found.length)
              : await provenTotal(asking, holding, conditions, { bundle, rows: found.length }),
      })
    }
    if (followed.has(next) || followed.size > mostIdlePages)
      throw rejected('Its pages do not come to an end.')
    followed.add(next)
    position = { link: next, size: start.size, skip: 0 }
  }
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
): Promise<HeldResource> {
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
    found.every(({ resource }) => resource.id === id),
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
function holdOrder(found: readonly HeldResource[], type: CompartmentType, [by = '']: readonly string[]) {
  const paths = compartmentRule(type).searches[by.slice(1)]?.paths
  if (paths === undefined) return
  for (const [index, { resource }] of found.entries()) {
    const before = found[index - 1]
    const [a, b] = [
      before === undefined ? undefined : timeAt(before.resource, paths),
      timeAt(resource, paths),
    ]
    requireHonoured(a === undefined || b === undefined || a.to >= b.from, '_sort')
  }
}

async function readPage(
  { client, call, shape }: Asking,
  type: CompartmentType,
  pairs: SearchPairs,
  { link, size }: Position,
): Promise<Bundle> {
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

function firstOf(found: readonly HeldResource[], { skip, after }: Position): number {
  const known = after === undefined ? -1 : found.findIndex(({ resource }) => resource.id === after)
  return known === -1 ? Math.min(skip, found.length) : known + 1
}

interface Found {
  readonly rows: readonly HeldResource[]
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
      const last = rows[n - 1]?.resource.id
      const there = { ...position, skip: position.skip + n }
      return JSON.stringify(last === undefined ? there : { ...there, after: last })
    },
    total,
    gaps,
  }
}

/** The number of matches where all of them came on one page. */
function wholeTotal(bundle: Bundle, length: number): number {
  if ((totalOf(bundle) ?? length) !== length)
    throw rejected('The rows of its answer do not add up to its total.')
  return length
}

/**
 * The number that the exchange gives, where a control proved each filter on it: a patient and values that cannot exist have
 * to give 0. The controls name nobody else.
 */
async function provenTotal(
  asking: Asking,
  { type, patient }: Holding,
  conditions: readonly Condition[],
  { bundle, rows }: { readonly bundle: Bundle; readonly rows: number },
): Promise<number | undefined> {
  const total = totalOf(bundle)
  if (total === undefined || (total === 0 && rows === 0)) return undefined
  if (total < rows) throw rejected('Its answer has more rows than its total.')
  try {
    await asking.proofs.require(`${type}?patient`, () =>
      countOf(asking, type, [['patient', 'Patient/no-such-patient-0']]),
    )
    for (const { name, kind, pairs } of conditions) {
      for (const [, value] of pairs) {
        const [form, control] =
          kind === 'token' ? (['', 'urn:control:none|none'] as const) : impossibleDate(value)
        const controlled = [['patient', `Patient/${patient}`] as const, [name, control] as const]
        await asking.proofs.require(`${type}?${name}${form}`, () => countOf(asking, type, controlled))
      }
    }
    return total
  } catch (thrown) {
    if (isFhirMcpError(thrown, 'NOT_SUPPORTED_BY_EXCHANGE')) return undefined
    throw thrown
  }
}

function impossibleDate(value: string): readonly [form: string, control: string] {
  const prefix = /^[a-z]{2}/.exec(value)?.[0] ?? 'eq'
  const early = prefix === 'lt' || prefix === 'le'
  return [` ${prefix}`, early ? `${prefix}1000-01-01` : `${prefix}9998-12-31`]
}

async function countOf(
  { client, call, shape }: Asking,
  type: CompartmentType,
  pairs: SearchPairs,
): Promise<number> {
  const counted = [...pairs, ['_summary', 'count'], ['_pretty', 'false']] as const
  const total = totalOf(await client.search(call, type, counted, shape))
  if (total === undefined) throw rejected('Its count has no total.')
  return total
}

/** Where a page begins. Throws INVALID_ARGUMENT for a position that is not ours. */
function positionOf({ position, count }: ResourceQuery): Position {
  if (position === undefined) return { size: count, skip: 0 }
  const parsed = positionSchema.safeParse(parsedJson(position))
  if (!parsed.success) throw fhirMcpError('INVALID_ARGUMENT', { detail: 'cursor is not one of this search.' })
  const { data } = parsed
  // A search that is made anew must reach as far as the page that was asked for.
  return data.link === undefined ? { ...data, size: Math.min(2000, data.skip + count) } : data
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
