import pMap from 'p-map'
import type { Grant } from '../../access/grant.ts'
import type { Asking } from '../asking.ts'
import { chunksOf } from '../bounded.ts'
import { membersOf, rejected, requireMember, totalOf } from '../check.ts'
import type { ObservationCount, ObservationFilter } from '../exchange.ts'
import type { SearchPairs } from '../search-pairs.ts'
import { byCodes, noCode } from './code-parameter.ts'
import { observationPairs } from './filters.ts'

const chunk = 500
const none: ObservationCount = { count: 0, excluded: 0 }
const isThere = ({ count, excluded }: ObservationCount) => count + excluded > 0
const notCounted: readonly [string, string] = ['status', 'entered-in-error,cancelled']

/** Values that no observation can have; they name nobody. The dates lie outside what HAPI indexes open periods with. */
const impossible: Readonly<Record<string, string>> = {
  patient: 'Patient/no-such-patient-0',
  category: 'urn:control:none|none',
  code: noCode,
  'combo-code': noCode,
  'date ge': 'ge9998-12-31T00:00:00Z',
  'date lt': 'lt1000-01-01T00:00:00Z',
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
  return byCodes(asking, grant, filter, isThere, (own, parameter) => {
    const pairs = observationPairs(grant, own, patient, parameter)
    return pairs === undefined ? none : countWhere(asking, [['patient', `Patient/${patient}`], ...pairs])
  })
}

/** How many observations all patients of a grant have, summed over them: an observation has one patient. */
export async function countOfAll(
  asking: Asking,
  grant: Grant,
  filter: ObservationFilter,
): Promise<ObservationCount> {
  const members = membersOf(grant)
  return byCodes(asking, grant, filter, isThere, (own, parameter) => {
    const pairs = observationPairs(grant, own, undefined, parameter)
    return pairs === undefined ? none : countOf(asking, members, pairs)
  })
}

async function countOf(
  asking: Asking,
  members: readonly string[] | undefined,
  pairs: SearchPairs,
): Promise<ObservationCount> {
  if (members === undefined) return countWhere(asking, pairs)
  const counts = await pMap(
    chunksOf(members, chunk),
    (some) => countWhere(asking, [['patient', some.map((id) => `Patient/${id}`).join(',')], ...pairs]),
    { concurrency: asking.connections },
  )
  return {
    count: counts.reduce((sum, one) => sum + one.count, 0),
    excluded: counts.reduce((sum, one) => sum + one.excluded, 0),
  }
}

async function countWhere(asking: Asking, pairs: SearchPairs): Promise<ObservationCount> {
  const all = await totalWhere(asking, pairs)
  if (all === 0) return none
  await pMap(pairs, (pair) => proveForm(asking, pair), { concurrency: asking.connections })
  const excluded = await totalWhere(asking, [...pairs, notCounted])
  if (excluded > 0) await proveForm(asking, notCounted)
  if (excluded > all) throw rejected('It counts more with a filter than without.')
  return { count: all - excluded, excluded }
}

function proveForm(asking: Asking, [name, value]: readonly [string, string]): Promise<void> {
  const form = name === 'date' ? `date ${value.slice(0, 2)}` : name
  const control = impossible[form]
  if (control === undefined) throw rejected(`There is no control for ${form}.`)
  return asking.proofs.require(form, () => totalWhere(asking, [[name, control]]))
}

async function totalWhere(asking: Asking, pairs: SearchPairs): Promise<number> {
  const { client, call, shape } = asking
  const counted = [...pairs, ['_summary', 'count'], ['_pretty', 'false']] as const
  const total = totalOf(await client.search(call, 'Observation', counted, { ...shape, post: true }))
  if (total === undefined) throw rejected('Its count has no total.')
  return total
}
