import type { Grant } from '../../access/grant.ts'
import { fhirMcpError } from '../../errors.ts'
import { decodeObservation } from '../../open-mhealth/decode.ts'
import { inSyncSpan } from '../../telemetry/spans.ts'
import type { Asking } from '../asking.ts'
import { leak, requireHonoured, requireMember } from '../check.ts'
import { effectiveStart } from '../effective.ts'
import type { Gap, ObservationPage, ObservationPageQuery, ObservationPosition } from '../exchange.ts'
import { boundsOf } from '../honoured.ts'
import { mergeBranches } from '../merge.ts'
import { holdWithin } from '../restrictions.ts'
import { createBranch, endedBranch, type PagedBranch, type Row } from './branch.ts'
import { branchesOf, gives, placesOf, type SearchBranch } from './branches.ts'
import { holdAgainstBranch, subjectOf } from './check-observation.ts'
import { branchPairs } from './filters.ts'
import { byNumber, exchangeId } from './ids.ts'
import { askListed, holdAgainstList } from './listed-codes.ts'
import { largestPage, readPage } from './rows.ts'

/**
 * A page of the observations of one patient of a grant. Each code is a search of its own, or where none is asked for each study
 * that reaches the patient; they are merged in the order of the exchange: by the start of the effective time, undated last,
 * then by id. An observation that several of them give is given once, by the first.
 */
export async function observationsOf(
  asking: Asking,
  grant: Grant,
  member: string,
  query: ObservationPageQuery,
): Promise<ObservationPage> {
  requireMember(grant, member)
  const patient = exchangeId(member)
  const searches = branchesOf({ grant, patient, codes: query.codes })
  const positions = positionsOf(query, searches.length)
  return askListed(asking, searches, (empty) =>
    pageOf({ asking, grant, patient, query, searches, positions, empty }),
  )
}

/** What a page is made of. */
interface PageSearch {
  readonly asking: Asking
  readonly grant: Grant
  readonly patient: string
  readonly query: ObservationPageQuery
  readonly searches: readonly SearchBranch[]
  readonly positions: ObservationPosition | undefined
  /** Searches that are not begun, since they can find nothing. */
  readonly empty: ReadonlySet<SearchBranch>
}

async function pageOf(page: PageSearch): Promise<ObservationPage> {
  const { asking, grant, patient, query, searches, positions, empty } = page
  const bounds = boundsOf(query)
  const compare = query.order === 'newest' ? newestFirst : oldestFirst
  const gaps = new Set<Gap>()
  const branches = searches.map((search, index): PagedBranch => {
    const from = positions?.[index]
    if (from === null || (from === undefined && empty.has(search))) return endedBranch
    const pairs = [
      ...placesOf(search, patient),
      ...branchPairs(search.code, bounds),
      ['_sort', query.order === 'newest' ? '-date' : 'date'],
    ] as const
    const read = async (page: number, size: number) => {
      const which = { number: page, size, takesPartial: true }
      const { rows, total, ...said } = await readPage(asking, 'Observation', pairs, which)
      for (const gap of said.gaps) gaps.add(gap)
      holdAgainstList(asking, rows)
      const dated = rows.map((observation): Row => ({ observation, start: effectiveStart(observation) }))
      for (const [at, row] of dated.entries()) {
        if (subjectOf(row.observation, asking.client.baseUrl) !== patient) throw leak()
        holdWithin(grant, row.observation, patient)
        holdAgainstBranch(row.observation, search.code, bounds)
        const before = dated[at - 1]
        requireHonoured(before === undefined || compareTimes(compare, before, row) <= 0, '_sort')
      }
      return { rows: dated, total }
    }
    const earlier = searches.slice(0, index).filter((other) => !empty.has(other))
    const isElsewhere = (row: Row) => earlier.some((other) => gives(other, row.observation))
    return createBranch({ read, isElsewhere }, from, Math.min(query.count, largestPage))
  })
  const merged = await mergeBranches(branches, compare, query.count)
  if (branches.some((branch) => branch.repeats())) gaps.add('repeated')
  return {
    observations: inSyncSpan('decode Open mHealth', (span) => {
      span?.setAttribute('fhir_mcp.observations', merged.items.length)
      return merged.items.map((row) => decodeObservation(row.observation).observation)
    }),
    positionAfter(n) {
      const position = merged.positions[Math.max(0, Math.min(n, merged.items.length))]
      if (!position?.some((one) => one !== null)) return undefined
      return position.map((one) => (one === null ? null : JSON.stringify(one)))
    },
    total: gaps.size > 0 ? undefined : totalOf(branches, searches, positions === undefined),
    gaps: [...gaps],
  }
}

/**
 * One search: what the exchange says. Several: the totals of all, where those that are not empty, but for one, have come
 * whole, so that what they share can be told; otherwise it is not known.
 */
function totalOf(
  branches: readonly PagedBranch[],
  searches: readonly SearchBranch[],
  isFirstPage: boolean,
): number | undefined {
  const [only] = branches
  if (only === undefined) return 0
  if (branches.length === 1) return only.total()
  if (!isFirstPage) return undefined
  const totals = branches.map((branch) => branch.total() ?? 0)
  const largest = totals.indexOf(Math.max(...totals))
  const main = searches[largest]
  const others = new Set<string>()
  for (const [index, branch] of branches.entries()) {
    if (index === largest || totals[index] === 0) continue
    const rows = branch.whole()
    if (rows === undefined || main === undefined) return undefined
    for (const { observation } of rows) if (!gives(main, observation)) others.add(observation.id)
  }
  return (totals[largest] ?? 0) + others.size
}

type Compare = (a: Row, b: Row) => number

const newestFirst: Compare = (a, b) => byTime(b.start, a.start, a, b)
const oldestFirst: Compare = (a, b) => byTime(a.start, b.start, a, b)

function byTime(first: number | undefined, second: number | undefined, a: Row, b: Row): number {
  if ((a.start === undefined) !== (b.start === undefined)) return a.start === undefined ? 1 : -1
  return (first ?? 0) - (second ?? 0) || byNumber(a.observation.id, b.observation.id)
}

/** Order within one branch is the server's; only its times are held against it. */
function compareTimes(compare: Compare, a: Row, b: Row): number {
  return a.start === b.start ? 0 : compare(a, b)
}

function positionsOf(
  { position }: ObservationPageQuery,
  branches: number,
): readonly (string | null)[] | undefined {
  if (position === undefined || position.length === branches) return position
  throw fhirMcpError('INVALID_ARGUMENT', { detail: 'cursor is not one of this search.' })
}
