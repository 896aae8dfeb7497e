import pMap from 'p-map'
import type { Grant } from '../../access/grant.ts'
import { fhirMcpError, isFhirMcpError } from '../../errors.ts'
import { importedSource } from '../../fhir/imported.ts'
import type { AnyResource } from '../../fhir/types.ts'
import type { Asking } from '../asking.ts'
import { checkedRead, rejected } from '../check.ts'
import { effectiveStart } from '../effective.ts'
import type { Gap, ImportStanding, ObservationCount, ObservationFilter } from '../exchange.ts'
import { boundsOf, isOfCodes } from '../honoured.ts'
import type { SearchPairs } from '../search-pairs.ts'
import type { Row } from './branch.ts'
import { exchangeId, isExchangeId } from './ids.ts'
import { type Imported, importsWithin, mostImported, readImported } from './imported.ts'
import { countRows } from './rows.ts'
import { memberOf } from './within.ts'

/** The search parameter that finds what was imported; without it, Observations are those of the exchange alone. */
const below = '_source:below'
/** A beginning that no source has. */
const noSource = 'https://jupyterhealth.org/control/none'
const notCounted = ['entered-in-error', 'cancelled'] as const

/** Imported observations that were asked for. */
export interface ImportedRows {
  readonly rows: readonly Row[]
  readonly gaps: readonly Gap[]
}

const nothing: ImportedRows = { rows: [], gaps: [] }

/** What was read in this call already: it is read whole, whatever is asked for. */
const kept = new WeakMap<Asking, Map<string, Promise<Imported>>>()

/** How imported observations stand to answers within a grant, of one patient or of several. */
export function importsOf(grant: Grant, patient: string | undefined): ImportStanding {
  const { target } = grant.terms
  const of = patient ?? (target.kind === 'patient' ? target.patient : '')
  return importsWithin(grant, 'Observation', of) ? 'given' : 'left out'
}

/**
 * The imported observations of a patient that fit a filter, in no order; none where the grant has none of them. They are read
 * whole and looked at here: the exchange compares their dates as texts, and is asked for no code, which has answered 0.
 */
export async function importedRows(
  asking: Asking,
  grant: Grant,
  member: string,
  filter: ObservationFilter,
): Promise<ImportedRows> {
  const patient = exchangeId(member)
  if (!importsWithin(grant, 'Observation', patient) || filter.codes?.length === 0) return nothing
  const found = await importedOf(asking, patient)
  if (!found.complete) return { rows: [], gaps: ['imports'] }
  const { from, before } = boundsOf(filter)
  const bounded = (from ?? before) !== undefined
  const rows = found.resources.map(rowOf).filter(({ observation, start }) => {
    const { codes } = filter
    if (codes !== undefined && !isOfCodes(observation, { codes })) return false
    if (!bounded) return true
    return start !== undefined && start >= (from ?? start) && (before === undefined || start < before)
  })
  return { rows, gaps: found.gaps }
}

/** How many there are. Throws NOT_SUPPORTED_BY_EXCHANGE for more than are read, EXCHANGE_REJECTED where some may be missing. */
export async function importedCount(
  asking: Asking,
  grant: Grant,
  patient: string,
  filter: ObservationFilter,
): Promise<ObservationCount> {
  const { rows, gaps } = await importedRows(asking, grant, patient, filter)
  if (gaps.includes('imports')) {
    throw fhirMcpError('NOT_SUPPORTED_BY_EXCHANGE', {
      detail: `More than ${mostImported} observations of this patient were imported, which is more than can be read to count them.`,
    })
  }
  if (gaps.length > 0) throw rejected('It says itself that its answer may be incomplete.')
  const excluded = rows.filter(({ observation }) =>
    notCounted.some((one) => one === observation.status),
  ).length
  const count = rows.length - excluded
  return { count, excluded }
}

/** Whether anybody of a grant's organizations, or its own patient, has any: who has none need not be asked about one by one. */
export async function hasImports(asking: Asking, grant: Grant): Promise<boolean> {
  const { organizations, own } = grant.terms
  const places = [
    ...[...organizations].filter(isExchangeId).map((id) => memberOf({ kind: 'organization', id })),
    ...(own === undefined ? [] : [['patient', exchangeId(own)] as const]),
  ]
  const counts = await pMap(places, (place) => countRows(asking, [place, [below, importedSource]]), {
    concurrency: asking.connections,
  })
  return counts.some((count) => count > 0)
}

/** Everything of a patient, once in a call. */
function importedOf(asking: Asking, patient: string): Promise<Imported> {
  const known = kept.get(asking) ?? new Map<string, Promise<Imported>>()
  kept.set(asking, known)
  const found = known.get(patient) ?? readProven(asking, patient)
  known.set(patient, found)
  void found.catch(() => known.delete(patient))
  return found
}

/**
 * Reads them, where the exchange is proven to tell them apart: an exchange that ignores the parameter answers its own
 * observations, which are read without it.
 */
async function readProven(asking: Asking, patient: string): Promise<Imported> {
  const within: SearchPairs = [['patient', patient]]
  const holding = { type: 'Observation', owner: 'subject', patient, baseUrl: asking.client.baseUrl } as const
  const isTold = async () => {
    try {
      await asking.proofs.require(below, () => countRows(asking, [...within, [below, noSource]]))
      return true
    } catch (thrown) {
      if (isFhirMcpError(thrown, 'NOT_SUPPORTED_BY_EXCHANGE')) return false
      throw thrown
    }
  }
  return readImported(asking, [...within, [below, importedSource]], holding, { takesPartial: true, isTold })
}

function rowOf(resource: AnyResource): Row {
  const observation = checkedRead(resource, 'Observation', String(resource.id))
  return { observation, start: effectiveStart(observation) }
}
