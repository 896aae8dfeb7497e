import { isDeepStrictEqual } from 'node:util'
import pMap from 'p-map'
import { isFhirMcpError } from '../errors.ts'
import { rejected } from './check.ts'
import type {
  ObservationPage,
  ObservationPageQuery,
  ObservationPosition,
  PatientObservation,
  PatientsPage,
  PatientsQuery,
} from './exchange.ts'
import { handedOn } from './handed-on.ts'

const pageSize = 1000

/** Reads patients by searches for one patient each, several of them at once. */
export function patientByPatient(
  ask: (patient: string, query: ObservationPageQuery) => Promise<ObservationPage>,
  query: PatientsQuery,
): AsyncIterable<PatientsPage> {
  return handedOn((give) => readPatients(ask, query, { give, given: new Set() }))
}

/** The same, for who hands on pages of other searches too. */
export async function readPatients(
  ask: (patient: string, query: ObservationPageQuery) => Promise<ObservationPage>,
  query: PatientsQuery,
  reading: Omit<PatientReading, 'patient'>,
): Promise<void> {
  await pMap(query.patients, (patient) => readPatient(ask, query, { ...reading, patient }), {
    concurrency: query.concurrency,
  })
}

/** Who is read, and what is done with the pages. */
interface PatientReading {
  readonly patient: string
  readonly give: (page: PatientsPage) => Promise<void>
  /** Ids of observations that were handed on already; more are added. */
  readonly given: Set<string>
}

/** Reads one patient to the end. A patient for whom the exchange does not answer is handed on as such. */
export async function readPatient(
  ask: (patient: string, query: ObservationPageQuery) => Promise<ObservationPage>,
  { codes, from, before, signal }: PatientsQuery,
  { patient, give, given }: PatientReading,
): Promise<void> {
  let position: ObservationPosition | undefined
  for (;;) {
    signal.throwIfAborted()
    let page: ObservationPage
    try {
      page = await ask(patient, {
        ...(codes === undefined ? {} : { codes }),
        ...(from === undefined ? {} : { from }),
        ...(before === undefined ? {} : { before }),
        order: 'newest',
        count: pageSize,
        ...(position === undefined ? {} : { position }),
      })
    } catch (error) {
      signal.throwIfAborted()
      if (!didNotAnswer(error)) throw error
      return give({ observations: [], gaps: [], whole: [], unread: [{ patient, why: 'silent', error }] })
    }
    const observations = page.observations.flatMap((observation): PatientObservation[] => {
      const { id } = observation
      if (id !== undefined && given.has(id)) return []
      if (id !== undefined) given.add(id)
      return [{ patient, observation }]
    })
    const gaps = page.gaps.map((gap) => ({ patient, gap }))
    const next = page.positionAfter(page.observations.length)
    if (next === undefined) return give({ observations, gaps, whole: [patient], unread: [] })
    if (page.observations.length === 0 && isDeepStrictEqual(next, position)) {
      const error = rejected('Its pages do not come to an end.')
      return give({ observations, gaps, whole: [], unread: [{ patient, why: 'stuck', error }] })
    }
    await give({ observations, gaps, whole: [], unread: [] })
    position = next
  }
}

/** Whether the exchange took too long or could not be reached: another question may well be answered. */
export function didNotAnswer(thrown: unknown): boolean {
  return isFhirMcpError(thrown, 'EXCHANGE_TIMEOUT') || isFhirMcpError(thrown, 'EXCHANGE_UNAVAILABLE')
}
