import type { Grant } from '../../access/grant.ts'
import { isFhirMcpError } from '../../errors.ts'
import type { Bundle, Observation } from '../../fhir/types.ts'
import type { Asking } from '../asking.ts'
import { type Checked, leak, matchesOf, patientNamed, rejected, totalOf } from '../check.ts'
import type { ObservationFilter, PatientObservation } from '../exchange.ts'
import { type Bounds, boundsOf, fitsPeriod, holdAgainstFilter, isOfCodes } from '../honoured.ts'
import type { Pace } from '../paces.ts'
import { holdWithin } from '../restrictions.ts'
import type { SearchPairs } from '../search-pairs.ts'
import { withinTime } from '../within-time.ts'
import type { CodeParameter } from './code-parameter.ts'
import { observationPairs } from './filters.ts'
import { mostIdlePages } from './rows.ts'

/** Rows of one page, and how many a search over several patients should bring: its pages come one after the other. */
export const pageSize = 1000
/** Rows beyond which several patients are too many for one search. */
const mostRows = 5 * pageSize

/** A form of search over several patients. */
export interface Form {
  readonly pace: Pace
  /** Beside the patients. */
  readonly pairs: SearchPairs
  /** What its rows are held against. */
  readonly filter: ObservationFilter
  /** What is picked out here, where codes or dates do not go along. */
  readonly picked: ObservationFilter | undefined
}

/**
 * The forms in which several patients of a grant can be asked for, the one to try first in front: with codes and dates, without
 * both, and without the codes alone. Some servers answer much faster where nothing but the patients is asked for (H2's planner
 * joins a list of patients with any other list badly); the rows are picked out here then. None where it cannot be one search;
 * undefined where nothing can match.
 */
export function formsOf(
  asking: Asking,
  grant: Grant,
  filter: ObservationFilter,
  parameter: CodeParameter,
): readonly Form[] | undefined {
  const formOf = (sent: ObservationFilter, picked: ObservationFilter | undefined): Form | undefined => {
    const pairs = observationPairs(grant, sent, undefined, parameter)
    return pairs === undefined ? undefined : { pace: paceOf(asking, pairs), pairs, filter: sent, picked }
  }
  const { codes, panels, ...dates } = filter
  // Where components are searched, a panel without the component that is asked for is not found.
  const ofCodes: ObservationFilter = {
    ...(codes === undefined ? {} : { codes }),
    ...(panels === undefined || parameter === 'combo-code' ? {} : { panels }),
  }
  try {
    const whole = formOf(filter, undefined)
    if (whole === undefined) return undefined
    const isDated = dates.from !== undefined || dates.before !== undefined
    const wider = [
      ...(codes === undefined && !isDated ? [] : [formOf({}, { ...ofCodes, ...dates })]),
      ...(codes === undefined || !isDated ? [] : [formOf(dates, ofCodes)]),
    ]
    const isWider = (form: Form | undefined) => form?.pairs.every(([name]) => name !== 'code') === true
    return [whole, ...wider.filter((form) => form !== undefined).filter(isWider)]
  } catch (thrown) {
    if (isFhirMcpError(thrown, 'NOT_SUPPORTED_BY_EXCHANGE')) return []
    throw thrown
  }
}

/** Whether a row is one of those that are picked out; undefined where only the server can tell. */
function isPicked(
  observation: Observation,
  picked: ObservationFilter | undefined,
  bounds: Bounds,
): boolean | undefined {
  if (picked?.codes !== undefined && !isOfCodes(observation, picked)) return false
  return fitsPeriod(observation, bounds)
}

function paceOf({ paces }: Asking, pairs: SearchPairs): Pace {
  return paces.of(['patient', ...pairs.map(([name]) => name)].join())
}

/** One search over several patients. */
export interface Together {
  readonly asking: Asking
  readonly grant: Grant
  readonly form: Form
  readonly patients: readonly string[]
  /** How long an answer may take, in milliseconds. */
  readonly patience: number
  /** Takes the rows of a page, those that were not asked for picked out. */
  readonly give: (rows: readonly PatientObservation[]) => Promise<void>
}

/** How such a search went. */
export interface TogetherRead {
  /** All of its rows, whether they were picked out or not. */
  readonly rows: number
  /** Patients with a row. */
  readonly named: number
  /** Patients with a row of whom only the server can tell whether it was asked for: it was not given. */
  readonly unsure: ReadonlySet<string>
  /** Spent on waiting for the exchange. */
  readonly milliseconds: number
  /** False: there are so many rows that nothing was given. */
  readonly isRead: boolean
}

/**
 * Reads one search over several patients to its end and holds each row against the grant, the patients and the filter. It is
 * strict: where anything does not add up it throws EXCHANGE_REJECTED, and the patients are to be read one by one.
 */
export async function readTogether(together: Together): Promise<TogetherRead> {
  const { asking, grant, form, patients, give } = together
  const { client } = asking
  const wanted = new Set(patients)
  const ids = new Set<string>()
  const named = new Set<string>()
  const unsure = new Set<string>()
  const bounds = boundsOf(form.filter)
  const pickedBounds = boundsOf(form.picked ?? {})
  let milliseconds = 0

  const timed = async (ask: Parameters<typeof withinTime<Bundle>>[2]) => {
    let sent = asking.now()
    const onRequest = () => {
      asking.call.onRequest?.()
      sent = asking.now()
    }
    const bundle = await withinTime({ ...asking.call, onRequest }, together.patience, ask)
    milliseconds += asking.now() - sent
    return bundle
  }
  const held = (observation: Checked<'Observation'>): PatientObservation[] => {
    const patient = patientNamed(observation.subject?.reference, client.baseUrl)
    if (!wanted.has(patient)) throw leak()
    holdWithin(grant, observation, patient)
    holdAgainstFilter(observation, form.filter, bounds)
    if (ids.has(observation.id)) return []
    ids.add(observation.id)
    named.add(patient)
    const picked = isPicked(observation, form.picked, pickedBounds)
    if (picked === undefined) unsure.add(patient)
    return picked === true ? [{ patient, observation }] : []
  }

  let page = await timed((call) =>
    client.search(call, 'Observation', searchOf(together), { ...asking.shape, post: true }),
  )
  let total = totalOf(page)
  if (total !== undefined && total > mostRows) {
    return { rows: total, named: 0, unsure, milliseconds: milliseconds * (total / pageSize), isRead: false }
  }
  const followed = new Set<string>()
  for (let idle = 0; ; ) {
    const known = ids.size
    const rows = matchesOf(page, 'Observation').flatMap(held)
    await give(rows)
    idle = ids.size === known ? idle + 1 : 0
    const next = client.nextLink(page)
    if (next === undefined) break
    if (followed.has(next) || idle > mostIdlePages) throw rejected('Its pages do not come to an end.')
    // Nothing else would show that pages without an order had lost a row.
    if (total === undefined) throw rejected('Its answer has several pages and no total.')
    followed.add(next)
    page = await timed((call) => client.page(call, next, asking.shape))
    total = totalOf(page) ?? total
  }
  if (total !== undefined && total !== ids.size) {
    throw rejected('The rows of its answer do not add up to its total.')
  }
  return { rows: ids.size, named: named.size, unsure, milliseconds, isRead: true }
}

/** Without an order: HAPI keeps the list that it pages through, and on H2 an order makes it a hundred times slower. */
function searchOf({ form, patients }: Together): SearchPairs {
  return [
    ['patient', patients.map((id) => `Patient/${id}`).join(',')],
    ...form.pairs,
    ['_count', String(pageSize)],
    ['_total', 'accurate'],
    ['_pretty', 'false'],
  ]
}
