import pMap from 'p-map'
import type { Grant } from '../../access/grant.ts'
import { fhirMcpError, isFhirMcpError } from '../../errors.ts'
import type { Bundle } from '../../fhir/types.ts'
import type { Asking } from '../asking.ts'
import { chunksOf } from '../bounded.ts'
import {
  leak,
  matchesOf,
  membersOf,
  patientNamed,
  rejected,
  requireMember,
  staysIn,
  totalOf,
} from '../check.ts'
import type { ObservationCount, ObservationFilter } from '../exchange.ts'
import { holdWithin } from '../restrictions.ts'
import type { SearchPairs } from '../search-pairs.ts'
import { byCodes, noCode } from './code-parameter.ts'
import { observationPairs } from './filters.ts'
import { foundInVain } from './open-periods.ts'
import { countShown } from './shown-counts.ts'

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
  if (asking.rowFilter.isKnown()) return countShown(asking, grant, patient, filter)
  return byCodes(asking, grant, filter, isThere, (own, parameter) => {
    const pairs = observationPairs(grant, own, patient, parameter)
    return pairs === undefined
      ? none
      : countWhere(asking, [['patient', `Patient/${patient}`], ...pairs], { grant, patient })
  })
}

/**
 * How many observations all patients of a grant have, summed over them: an observation has one patient. Throws
 * NOT_SUPPORTED_BY_EXCHANGE for a server that takes rows out of its answers: there each patient's are read.
 */
export async function countOfAll(
  asking: Asking,
  grant: Grant,
  filter: ObservationFilter,
): Promise<ObservationCount> {
  const members = membersOf(grant)
  if (asking.rowFilter.isKnown()) {
    throw fhirMcpError('NOT_SUPPORTED_BY_EXCHANGE', {
      detail: 'The exchange takes rows out of its answers after it has counted them.',
    })
  }
  return byCodes(asking, grant, filter, isThere, (own, parameter) => {
    const pairs = observationPairs(grant, own, undefined, parameter)
    return pairs === undefined ? none : countOf(asking, grant, members, pairs)
  })
}

async function countOf(
  asking: Asking,
  grant: Grant,
  members: readonly string[] | undefined,
  pairs: SearchPairs,
): Promise<ObservationCount> {
  const within = { grant, patient: undefined }
  if (members === undefined) return countWhere(asking, pairs, within)
  const counts = await pMap(
    chunksOf(members, chunk),
    (some) =>
      countWhere(asking, [['patient', some.map((id) => `Patient/${id}`).join(',')], ...pairs], within),
    { concurrency: asking.connections },
  )
  return {
    count: counts.reduce((sum, one) => sum + one.count, 0),
    excluded: counts.reduce((sum, one) => sum + one.excluded, 0),
  }
}

/** Within what is counted: a grant, and the one patient of it where it is one. */
interface Within {
  readonly grant: Grant
  readonly patient: string | undefined
}

async function countWhere(asking: Asking, pairs: SearchPairs, within: Within): Promise<ObservationCount> {
  const all = await totalWhere(asking, pairs)
  if (all === 0) return none
  await pMap(
    pairs,
    (pair) => (pair[0] === 'date' ? proveDate(asking, pair, pairs, within) : proveForm(asking, pair)),
    { concurrency: asking.connections },
  )
  const excluded = await totalWhere(asking, [...pairs, notCounted])
  if (excluded > 0) await proveForm(asking, notCounted)
  if (excluded > all) throw rejected('It counts more with a filter than without.')
  return { count: all - excluded, excluded }
}

function formOf([name, value]: readonly [string, string]): string {
  return name === 'date' ? `date ${value.slice(0, 2)}` : name
}

function proveForm(asking: Asking, pair: readonly [string, string]): Promise<void> {
  const form = formOf(pair)
  const [name] = pair
  const control = impossible[form]
  if (control === undefined) throw rejected(`There is no control for ${form}.`)
  return asking.proofs.require(form, () => totalWhere(asking, [[name, control]]))
}

/** A date is proven on the whole server, or within the grant where periods are open there that an impossible date finds. */
async function proveDate(
  asking: Asking,
  date: readonly [string, string],
  pairs: SearchPairs,
  { grant, patient }: Within,
): Promise<void> {
  try {
    await proveForm(asking, date)
  } catch (thrown) {
    if (!isFhirMcpError(thrown, 'NOT_SUPPORTED_BY_EXCHANGE')) throw thrown
    const form = formOf(date)
    const control = ['date', impossible[form] ?? ''] as const
    const within = [
      ...pairs.filter(([name]) => name === 'patient'),
      ...(observationPairs(grant, {}, patient) ?? []),
    ]
    const count = (own: SearchPairs) => totalWhere(asking, own)
    const timesIn = (bundle: Bundle) =>
      matchesOf(bundle, 'Observation').map((row) => {
        const whose = patientNamed(row.subject?.reference, asking.client.baseUrl)
        if (!staysIn(grant, whose)) throw leak()
        holdWithin(grant, row, whose)
        return [row.effectivePeriod]
      })
    const found = () => foundInVain({ asking, type: 'Observation', within, control, count, timesIn })
    await asking.proofs.require(form, found, JSON.stringify(within))
  }
}

async function totalWhere(asking: Asking, pairs: SearchPairs): Promise<number> {
  const { client, call, shape } = asking
  const counted = [...pairs, ['_summary', 'count'], ['_pretty', 'false']] as const
  const total = totalOf(await client.search(call, 'Observation', counted, { ...shape, post: true }))
  if (total === undefined) throw rejected('Its count has no total.')
  return total
}
