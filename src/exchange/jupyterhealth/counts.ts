import pMap from 'p-map'
import type { Grant } from '../../access/grant.ts'
import { isFhirMcpError } from '../../errors.ts'
import type { Asking } from '../asking.ts'
import { type Checked, leak, membersOf, rejected, requireHonoured, requireMember, staysIn } from '../check.ts'
import type { ObservationCount, ObservationFilter } from '../exchange.ts'
import { type Bounds, boundsOf } from '../honoured.ts'
import { holdWithin } from '../restrictions.ts'
import type { SearchPairs } from '../search-pairs.ts'
import { disjointBranchesOf, gives, placesOf, type SearchBranch } from './branches.ts'
import { holdAgainstBranch, subjectOf } from './check-observation.ts'
import { branchPairs, isWholeDay } from './filters.ts'
import { exchangeId, isExchangeId } from './ids.ts'
import { askListed } from './listed-codes.ts'
import { provePlaces } from './place-proof.ts'
import { countRows, readPage, readRows } from './rows.ts'
import { memberOf } from './within.ts'

const none: ObservationCount = { count: 0, excluded: 0 }
const notCounted = ['entered-in-error', 'cancelled'] as const

/** Values that nothing can have; they name nobody. */
const impossible: Readonly<Record<string, string>> = {
  code: 'urn:control:none|none',
  'date ge': 'ge9998-12-31',
  'date lt': 'lt1000-01-01',
  status: 'no-such-status',
}

/** How many observations one patient of a grant has. */
export async function countOfPatient(
  asking: Asking,
  grant: Grant,
  patient: string,
  filter: ObservationFilter,
): Promise<ObservationCount> {
  requireMember(grant, patient)
  return countWithin({ asking, grant, patient: exchangeId(patient), filter, bounds: boundsOf(filter) })
}

/**
 * How many observations all patients of a grant have. A study or organization is counted as one where all of its patients are
 * within the grant (and, for an organization, that form is proven); otherwise the patients are counted one by one.
 */
export async function countOfAll(
  asking: Asking,
  grant: Grant,
  filter: ObservationFilter,
): Promise<ObservationCount> {
  const counting = { asking, grant, patient: undefined, filter, bounds: boundsOf(filter) }
  const members = membersOf(grant)
  if (members === undefined) return countWithin(counting)
  if (members.length === 0) return none
  const { target, patients } = grant.terms
  const isWhole = patients?.known.size === 0
  if (isWhole && target.kind === 'study') return countWithin(counting)
  if (isWhole && target.kind === 'organization') {
    try {
      return await countWithin({ ...counting, organization: target.organization })
    } catch (error) {
      if (!isFhirMcpError(error, 'NOT_SUPPORTED_BY_EXCHANGE')) throw error
    }
  }
  const counts = await pMap(
    members.filter(isExchangeId),
    (patient) => countWithin({ ...counting, patient }),
    { concurrency: asking.connections },
  )
  return sumOf(counts)
}

interface Counting {
  readonly asking: Asking
  readonly grant: Grant
  /** Undefined: everybody of the organization, or of the study that the grant is restricted to. */
  readonly patient: string | undefined
  readonly organization?: string | undefined
  readonly filter: ObservationFilter
  readonly bounds: Bounds
}

/** Counts what the searches of a grant reach, one by one. */
async function countWithin(counting: Counting): Promise<ObservationCount> {
  const { asking, grant, patient, filter } = counting
  const searches = disjointBranchesOf({ grant, patient, codes: filter.codes })
  return askListed(asking, searches, (empty) =>
    countSearches(
      counting,
      searches.filter((search) => !empty.has(search)),
    ),
  )
}

async function countSearches(
  counting: Counting,
  searches: readonly SearchBranch[],
): Promise<ObservationCount> {
  const { asking, patient, organization, bounds } = counting
  const within = organization === undefined ? [] : [memberOf({ kind: 'organization', id: organization })]
  const counted = await pMap(
    searches,
    async (search): Promise<CountedBranch> => {
      const places = [...within, ...placesOf(search, patient)]
      const pairs = [...places, ...branchPairs(search.code, bounds)]
      return { search, places, pairs, total: await countRows(asking, pairs) }
    },
    { concurrency: asking.connections },
  )
  const there = counted.filter(({ total }) => total > 0).sort((a, b) => b.total - a.total)
  const [main, ...others] = there
  if (main === undefined) return none
  // What a study gives has one code each, which it is found by.
  const isDisjoint = there.every(({ search }) => search.study !== undefined)
  if (!isDisjoint)
    return sumOf([await countBranch(counting, main), await countOthers(counting, main, others)])
  const counts = await pMap(there, (branch) => countBranch(counting, branch), {
    concurrency: asking.connections,
  })
  return sumOf(counts)
}

/** Proves the number of one branch, and takes off what does not count. */
async function countBranch(counting: Counting, branch: CountedBranch): Promise<ObservationCount> {
  const { asking, grant } = counting
  const { places, pairs, total } = branch
  const [excluded] = await Promise.all([
    excludedOf(asking, pairs),
    provePlaces(asking, grant, places),
    pMap(pairs.slice(places.length), (pair) => proveForm(counting, pair), {
      concurrency: asking.connections,
    }),
    proveBounds(counting, branch),
  ])
  if (excluded > 0) await proveForm(counting, ['status', 'no-such-status'])
  if (excluded > total) throw rejected('It counts more with a filter than without.')
  return { count: total - excluded, excluded }
}

/**
 * How many of a search do not count. The exchange shows its own readings as final, so it is asked for each search only where
 * the caller sees any other, which is looked at once a minute.
 */
async function excludedOf(asking: Asking, pairs: SearchPairs): Promise<number> {
  const { identity } = asking.call.credential
  if (await asking.proofs.holds('every status counts', identity, () => seesNoExcluded(asking))) return 0
  const counts = await countsByStatus(asking, pairs)
  return counts.reduce((sum, one) => sum + one, 0)
}

async function seesNoExcluded(asking: Asking): Promise<boolean> {
  try {
    return (await countsByStatus(asking, [])).every((count) => count === 0)
  } catch (error) {
    // Who may not ask for everything has not seen that there is none.
    if (isFhirMcpError(error, 'FORBIDDEN') || isFhirMcpError(error, 'EXCHANGE_REJECTED')) return false
    throw error
  }
}

function countsByStatus(asking: Asking, pairs: SearchPairs): Promise<number[]> {
  return pMap(notCounted, (status) => countRows(asking, [...pairs, ['status', status]]), {
    concurrency: asking.connections,
  })
}

/** What the other branches have beside the largest: they are read, because one observation may have several of the codes. */
async function countOthers(
  counting: Counting,
  main: CountedBranch,
  others: readonly CountedBranch[],
): Promise<ObservationCount> {
  const rows = await pMap(others, (branch) => readBranch(counting, branch), {
    concurrency: counting.asking.connections,
  })
  const elsewhere = new Map<string, Checked<'Observation'>>()
  for (const row of rows.flat()) if (!gives(main.search, row)) elsewhere.set(row.id, row)
  const excluded = [...elsewhere.values()].filter(({ status }) =>
    notCounted.some((one) => one === status),
  ).length
  return { count: elsewhere.size - excluded, excluded }
}

interface CountedBranch {
  readonly search: SearchBranch
  /** Whose observations are counted. */
  readonly places: SearchPairs
  /** The same, and the filters. */
  readonly pairs: SearchPairs
  readonly total: number
}

async function readBranch(
  counting: Counting,
  branch: CountedBranch,
): Promise<readonly Checked<'Observation'>[]> {
  const { rows } = await readRows(counting.asking, 'Observation', branch.pairs, { sort: 'date' })
  for (const row of rows) holdRow(counting, branch, row)
  return rows
}

function holdRow(
  { asking, grant, bounds }: Counting,
  branch: CountedBranch,
  row: Checked<'Observation'>,
): void {
  const patient = subjectOf(row, asking.client.baseUrl)
  if (!staysIn(grant, patient)) throw leak()
  holdWithin(grant, row, patient)
  holdAgainstBranch(row, branch.search.code, bounds)
}

/**
 * A bound within a day must not be taken for the whole day. The first and the last observation of the search show it: when
 * both lie within the bounds, so does everything between them.
 */
async function proveBounds(counting: Counting, branch: CountedBranch): Promise<void> {
  const { asking, bounds } = counting
  const ends = [
    ...(bounds.from === undefined || isWholeDay(bounds.from) ? [] : ['date']),
    ...(bounds.before === undefined || isWholeDay(bounds.before) ? [] : ['-date']),
  ]
  await pMap(
    ends,
    async (sort) => {
      const { rows } = await readPage(asking, 'Observation', [...branch.pairs, ['_sort', sort]], {
        number: 1,
        size: 1,
      })
      const [end] = rows
      requireHonoured(end !== undefined, 'date')
      if (end !== undefined) holdRow(counting, branch, end)
    },
    { concurrency: asking.connections },
  )
}

function proveForm({ asking }: Counting, [name, value]: readonly [string, string]): Promise<void> {
  const form = name === 'date' ? `date ${value.slice(0, 2)}` : name
  const control = impossible[form]
  if (control === undefined) throw rejected(`There is no control for ${form}.`)
  return asking.proofs.require(form, () => countRows(asking, [[name, control]]))
}

function sumOf(counts: readonly ObservationCount[]): ObservationCount {
  return {
    count: counts.reduce((sum, one) => sum + one.count, 0),
    excluded: counts.reduce((sum, one) => sum + one.excluded, 0),
  }
}
