import pMap from 'p-map'
import type { Grant } from '../../access/grant.ts'
import { fhirMcpError, isFhirMcpError } from '../../errors.ts'
import type { Bundle } from '../../fhir/types.ts'
import type { Asking } from '../asking.ts'
import { chunksOf } from '../bounded.ts'
import { leak, matchesOf, membersOf, patientNamed, rejected, requireMember, staysIn } from '../check.ts'
import { startDeadline } from '../deadline.ts'
import type { ObservationCount, ObservationFilter } from '../exchange.ts'
import { holdWithin } from '../restrictions.ts'
import type { SearchPairs } from '../search-pairs.ts'
import { byCodes, noCode } from './code-parameter.ts'
import { observationPairs } from './filters.ts'
import { foundInVain } from './open-periods.ts'
import { countRows } from './row-counts.ts'
import { countShown } from './shown-counts.ts'
import { isSlowToCount } from './slow-counts.ts'
import { totalWhere } from './totals.ts'

const chunk = 500
/** What rows may take to be counted in a call that has no end of its own, in milliseconds. */
const mostTime = 60_000
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
 * How many observations all patients of a grant have, summed over them: an observation has one patient. Where a count of several
 * patients takes too long on this server, their rows are counted here. Throws NOT_SUPPORTED_BY_EXCHANGE for a server that takes
 * rows out of its answers: there each patient's are read.
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
  if (members !== undefined && (await isSlowToCount(asking, grant, members, filter))) {
    return countByRows(asking, grant, members, filter)
  }
  return countOfSeveral(asking, grant, members, filter)
}

/** Ends with the call, since it takes many requests. Throws EXCHANGE_TIMEOUT then. */
async function countByRows(
  asking: Asking,
  grant: Grant,
  patients: readonly string[],
  filter: ObservationFilter,
): Promise<ObservationCount> {
  const { connections: concurrency, call } = asking
  const limit = startDeadline(call.signal, call.left?.() ?? mostTime)
  try {
    const query = { ...filter, patients, concurrency, signal: limit.signal }
    return sumOf((await countRows(asking, grant, query)).values())
  } catch (thrown) {
    limit.throwIfOver()
    throw thrown
  } finally {
    limit.stop()
  }
}

/** The same of some patients of a grant, by the server's own counts; undefined: of all of an unrestricted one. */
export function countOfSeveral(
  asking: Asking,
  grant: Grant,
  patients: readonly string[] | undefined,
  filter: ObservationFilter,
): Promise<ObservationCount> {
  return byCodes(asking, grant, filter, isThere, (own, parameter) => {
    const pairs = observationPairs(grant, own, undefined, parameter)
    return pairs === undefined ? none : countOf(asking, grant, patients, pairs)
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
  return sumOf(counts)
}

function sumOf(counts: Iterable<ObservationCount>): ObservationCount {
  let [count, excluded] = [0, 0]
  for (const one of counts) {
    count += one.count
    excluded += one.excluded
  }
  return { count, excluded }
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
