import pMap from 'p-map'
import type { Grant } from '../../access/grant.ts'
import { fhirMcpError } from '../../errors.ts'
import type { Observation } from '../../fhir/types.ts'
import type { Asking } from '../asking.ts'
import { gapsOf, membersOf, requireMember } from '../check.ts'
import { effectiveStart } from '../effective.ts'
import type {
  ObservationCount,
  ObservationFilter,
  ObservationPage,
  ObservationPageQuery,
  ObservationPosition,
} from '../exchange.ts'
import { countOfAll as ownCountOfAll, countOfPatient as ownCountOfPatient } from './counts.ts'
import { isExchangeId } from './ids.ts'
import { hasImports, importedCount, importedRows, importsOf } from './imported-observations.ts'
import { observationsOf as ownObservationsOf } from './observations.ts'

/**
 * A page of the observations of one patient of a grant: the exchange's own ones, and those that it imported where the grant
 * has them. Each come from a search of their own, and are put together in one order.
 */
export async function observationsOf(
  asking: Asking,
  grant: Grant,
  patient: string,
  query: ObservationPageQuery,
): Promise<ObservationPage> {
  requireMember(grant, patient)
  if (importsOf(grant, patient) !== 'given') return ownObservationsOf(asking, grant, patient, query)
  const from = positionOf(query)
  const [own, imported] = await Promise.all([
    from.own.ended === undefined
      ? ownObservationsOf(asking, grant, patient, ownQuery(query, from.own.position))
      : endedPage(from.own.ended),
    from.imports.ended === undefined
      ? importedPage(asking, grant, patient, query, from.imports.position)
      : endedPage(from.imports.ended),
  ])
  const { observations, taken } = merged(own.observations, imported.observations, query)
  return {
    observations,
    positionAfter(n) {
      const [ofOwn = 0, ofImports = 0] = taken[Math.max(0, Math.min(n, observations.length))] ?? []
      const next = own.positionAfter(ofOwn)
      const nextImport = imported.positionAfter(ofImports)
      if (next === undefined && nextImport === undefined) return undefined
      // Where nothing was imported, that has no place in the position.
      const there = imported.total === 0 ? [] : (nextImport ?? endOf(imported))
      return [...(next ?? endOf(own)), ...there]
    },
    total: own.total === undefined || imported.total === undefined ? undefined : own.total + imported.total,
    gaps: gapsOf([own, imported]),
  }
}

/** How many observations one patient of a grant has, of both origins where the grant has both. */
export async function countOfPatient(
  asking: Asking,
  grant: Grant,
  patient: string,
  filter: ObservationFilter,
): Promise<ObservationCount> {
  requireMember(grant, patient)
  if (importsOf(grant, patient) !== 'given') return ownCountOfPatient(asking, grant, patient, filter)
  const [own, imported] = await Promise.all([
    ownCountOfPatient(asking, grant, patient, filter),
    importedCount(asking, grant, patient, filter),
  ])
  return sumOf(own, [imported])
}

/** How many observations all patients of a grant have; of those patients whose imports it has, of both origins. */
export async function countOfAll(
  asking: Asking,
  grant: Grant,
  filter: ObservationFilter,
): Promise<ObservationCount> {
  const members = (membersOf(grant) ?? []).filter((patient) => importsOf(grant, patient) === 'given')
  const [own, imported] = await Promise.all([
    ownCountOfAll(asking, grant, filter),
    importedCounts(asking, grant, members, filter),
  ])
  return sumOf(own, imported)
}

function sumOf(own: ObservationCount, imports: readonly ObservationCount[]): ObservationCount {
  const sum = (part: 'count' | 'excluded') => imports.reduce((all, one) => all + one[part], own[part])
  const imported = sum('count') - own.count
  return { count: sum('count'), excluded: sum('excluded'), ...(imported === 0 ? {} : { imported }) }
}

async function importedCounts(
  asking: Asking,
  grant: Grant,
  members: readonly string[],
  filter: ObservationFilter,
): Promise<ObservationCount[]> {
  const possible = members.filter(isExchangeId)
  if (possible.length === 0 || !(await hasImports(asking, grant))) return []
  return pMap(possible, (patient) => importedCount(asking, grant, patient, filter), {
    concurrency: asking.connections,
  })
}

type Page = Pick<ObservationPage, 'observations' | 'positionAfter' | 'total' | 'gaps'>

/** A page of what was imported; its position is one text. */
async function importedPage(
  asking: Asking,
  grant: Grant,
  patient: string,
  query: ObservationPageQuery,
  from: string | undefined,
): Promise<Page> {
  const { rows, gaps } = await importedRows(asking, grant, patient, query)
  const all = rows
    .map(({ observation }) => observation)
    .toSorted((a, b) => inOrder(a, b, query.order) || (a.id < b.id ? -1 : 1))
  const first = from === undefined ? 0 : nextAfter(all, from)
  return {
    observations: all.slice(first, first + query.count),
    positionAfter(n) {
      const next = first + n
      return next < all.length ? [`${next} ${(all[next - 1]?.id ?? '').slice(-idLength)}`] : undefined
    },
    total: gaps.length > 0 ? undefined : all.length,
    gaps,
  }
}

/** Enough of an id to find a row again, and little enough for a cursor to copy. */
const idLength = 12

/** The last row that was given is looked for, because a new import moves the others. */
function nextAfter(all: readonly Observation[], from: string): number {
  const [, number, id = ''] = /^(\d{1,5}) ([\w-]{0,12})$/.exec(from) ?? []
  if (number === undefined) throw notOurs()
  const next = Number(number)
  if (id === '' || all[next - 1]?.id?.endsWith(id)) return next
  const moved = all.findIndex((one) => one.id?.endsWith(id))
  return moved === -1 ? next : moved + 1
}

/** Nothing is left of one origin, which had so many in all (`?`: not known): it is not asked for again. */
const endedGrammar = /^=(\d{1,9}|\?)$/
/** Where what was imported goes on, or its end. */
const importsGrammar = /^(=(\d{1,9}|\?)|\d{1,5} [\w-]{0,12})$/

function endOf({ total }: Page): ObservationPosition {
  return [`=${total ?? '?'}`]
}

async function endedPage(end: string): Promise<Page> {
  const total = end === '?' ? undefined : Number(end)
  return { observations: [], positionAfter: () => undefined, total, gaps: [] }
}

interface From {
  readonly imports: { readonly ended?: string | undefined; readonly position?: string | undefined }
  readonly own: { readonly ended?: string | undefined; readonly position?: ObservationPosition | undefined }
}

/** Where both begin: the exchange's own ones, then in one text what was imported, where there is any. */
function positionOf({ position }: ObservationPageQuery): From {
  if (position === undefined) return { imports: {}, own: {} }
  const last = position.at(-1) ?? ''
  if (!importsGrammar.test(last)) return { imports: { ended: '0' }, own: { position } }
  const own = position.slice(0, -1)
  const [ended] = own.length === 1 ? own : []
  return {
    imports: { ended: endedGrammar.exec(last)?.[1], position: last },
    own: { ended: endedGrammar.exec(ended ?? '')?.[1], position: own },
  }
}

function ownQuery(
  { position: _, ...query }: ObservationPageQuery,
  position: ObservationPosition | undefined,
): ObservationPageQuery {
  return position === undefined ? query : { ...query, position }
}

/** Both in one order, and how many of each are among the first n (0 to length). */
function merged(
  own: readonly Observation[],
  imported: readonly Observation[],
  { order, count }: ObservationPageQuery,
) {
  const observations: Observation[] = []
  const taken: [own: number, imported: number][] = [[0, 0]]
  let [i, j] = [0, 0]
  while (observations.length < count) {
    const [a, b] = [own[i], imported[j]]
    const isOwn = a !== undefined && (b === undefined || inOrder(a, b, order) <= 0)
    const next = isOwn ? a : b
    if (next === undefined) break
    if (isOwn) i += 1
    else j += 1
    observations.push(next)
    taken.push([i, j])
  }
  return { observations, taken }
}

/** By when they begin, undated last both ways; what begins at once stays in the order of its search. */
function inOrder(a: Observation, b: Observation, order: 'newest' | 'oldest'): number {
  const [x, y] = [effectiveStart(a), effectiveStart(b)]
  if (x === undefined || y === undefined) return Number(x === undefined) - Number(y === undefined)
  if (x !== y) return order === 'newest' ? y - x : x - y
  return 0
}

function notOurs() {
  return fhirMcpError('INVALID_ARGUMENT', { detail: 'cursor is not one of this search.' })
}
