import pMap from 'p-map'
import type { Grant } from '../../access/grant.ts'
import { isFhirMcpError } from '../../errors.ts'
import type { Asking } from '../asking.ts'
import { type Checked, leak, membersOf, rejected, requireHonoured, requireMember, staysIn } from '../check.ts'
import type { ObservationCount, ObservationFilter } from '../exchange.ts'
import { type Bounds, boundsOf, hasCode } from '../honoured.ts'
import type { SearchPairs } from '../search-pairs.ts'
import { holdAgainstBranch, subjectOf } from './check-observation.ts'
import { branchPairs, type CodeBranch, codeBranches, isWholeDay, requireNoCategories } from './filters.ts'
import { exchangeId, isExchangeId } from './ids.ts'
import { provePlace } from './place-proof.ts'
import { countRows, readPage, readRows } from './rows.ts'
import { memberOf, organizationParameter } from './within.ts'

const none: ObservationCount = { count: 0, excluded: 0 }
const notCounted = ['entered-in-error', 'cancelled'] as const

/** Values that nothing can have; they name nobody. */
const impossible: Readonly<Record<string, string>> = {
  code: 'urn:control:none|none',
  'date ge': 'ge9998-12-31',
  'date lt': 'lt1000-01-01',
  status: 'no-such-status',
}

/** Filters that say whose observations are meant. */
const places = ['patient', organizationParameter]

/** How many observations one patient of a grant has. */
export async function countOfPatient(
  asking: Asking,
  grant: Grant,
  patient: string,
  filter: ObservationFilter,
): Promise<ObservationCount> {
  requireNoCategories(grant)
  requireMember(grant, patient)
  const counting = { asking, grant, codes: codeBranches(filter.codes), bounds: boundsOf(filter) }
  return countWithin(counting, [['patient', exchangeId(patient)]])
}

/**
 * How many observations all patients of a grant have. An organization is counted as one where all of its patients are within
 * the grant and that form is proven; otherwise the patients are counted one by one. A study always is: its own form finds
 * only the types of data that the study asked for, not all observations of its patients.
 */
export async function countOfAll(
  asking: Asking,
  grant: Grant,
  filter: ObservationFilter,
): Promise<ObservationCount> {
  requireNoCategories(grant)
  const counting = { asking, grant, codes: codeBranches(filter.codes), bounds: boundsOf(filter) }
  const members = membersOf(grant)
  if (members === undefined) return countWithin(counting, [])
  if (members.length === 0) return none
  const { target, patients } = grant.terms
  const isWhole = patients?.known.size === 0
  if (isWhole && target.kind === 'organization') {
    try {
      return await countWithin(counting, [memberOf({ kind: 'organization', id: target.organization })])
    } catch (error) {
      if (!isFhirMcpError(error, 'NOT_SUPPORTED_BY_EXCHANGE')) throw error
    }
  }
  const counts = await pMap(
    members.filter(isExchangeId),
    (patient) => countWithin(counting, [['patient', patient]]),
    { concurrency: asking.connections },
  )
  return sumOf(counts)
}

interface Counting {
  readonly asking: Asking
  readonly grant: Grant
  readonly codes: readonly CodeBranch[]
  readonly bounds: Bounds
}

/**
 * Counts what one search form reaches. Codes are counted one by one; where several have observations, all but the largest
 * are read, because one observation may have several of the codes.
 */
async function countWithin(counting: Counting, within: SearchPairs): Promise<ObservationCount> {
  const { asking, codes, bounds } = counting
  const branches = await pMap(
    codes,
    async (code) => {
      const pairs = [...within, ...branchPairs(code, bounds)]
      return { code, pairs, total: await countRows(asking, pairs) }
    },
    { concurrency: asking.connections },
  )
  const [main, ...others] = branches.filter(({ total }) => total > 0).sort((a, b) => b.total - a.total)
  if (main === undefined) return none
  await pMap(main.pairs, (pair) => proveForm(counting, pair), { concurrency: asking.connections })
  await proveBounds(counting, main)
  const excluded = await pMap(
    notCounted,
    (status) => countRows(asking, [...main.pairs, ['status', status]]),
    { concurrency: asking.connections },
  )
  const excludedThere = excluded.reduce((sum, one) => sum + one, 0)
  if (excludedThere > 0) await proveForm(counting, ['status', 'no-such-status'])
  if (excludedThere > main.total) throw rejected('It counts more with a filter than without.')

  const rows = await pMap(others, (branch) => readBranch(counting, branch), {
    concurrency: asking.connections,
  })
  const elsewhere = new Map<string, Checked<'Observation'>>()
  for (const row of rows.flat()) {
    if (main.code === undefined || !hasCode(row, main.code)) elsewhere.set(row.id, row)
  }
  const excludedElsewhere = [...elsewhere.values()].filter(({ status }) =>
    notCounted.some((one) => one === status),
  ).length
  return sumOf([
    { count: main.total - excludedThere, excluded: excludedThere },
    { count: elsewhere.size - excludedElsewhere, excluded: excludedElsewhere },
  ])
}

interface CountedBranch {
  readonly code: CodeBranch
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
  if (!staysIn(grant, subjectOf(row, asking.client.baseUrl))) throw leak()
  holdAgainstBranch(row, branch.code, bounds)
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

function proveForm({ asking, grant }: Counting, [name, value]: readonly [string, string]): Promise<void> {
  if (places.includes(name)) return provePlace(asking, grant, name)
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
