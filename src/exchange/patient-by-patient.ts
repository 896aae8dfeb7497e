import { isDeepStrictEqual } from 'node:util'
import pMap from 'p-map'
import { isFhirMcpError } from '../errors.ts'
import { rejected } from './check.ts'
import type {
  Gap,
  ObservationPage,
  ObservationPageQuery,
  ObservationPosition,
  PatientObservation,
  PatientsPage,
  PatientsQuery,
} from './exchange.ts'
import { handedOn } from './handed-on.ts'
import { readTwice } from './read-twice.ts'

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

/** Reads one patient to the end, as `readTwice` does. A patient for whom the exchange does not answer is handed on as such. */
export async function readPatient(
  ask: (patient: string, query: ObservationPageQuery) => Promise<ObservationPage>,
  query: PatientsQuery,
  reading: PatientReading,
): Promise<void> {
  const { patient, give } = reading
  let last: PatientsPage
  try {
    const read = await readTwice(() => readOnce(ask, query, reading))
    last = { ...read.last, gaps: read.gaps.map((gap) => ({ patient, gap })) }
  } catch (error) {
    query.signal.throwIfAborted()
    if (!didNotAnswer(error)) throw error
    last = { observations: [], gaps: [], whole: [], unread: [{ patient, why: 'silent', error }] }
  }
  await give(last)
}

/** Hands on all pages but the last one, which comes back. */
async function readOnce(
  ask: (patient: string, query: ObservationPageQuery) => Promise<ObservationPage>,
  { codes, from, before, signal }: PatientsQuery,
  { patient, give, given }: PatientReading,
): Promise<{ last: Omit<PatientsPage, 'gaps'>; gaps: readonly Gap[] }> {
  const gaps = new Set<Gap>()
  let position: ObservationPosition | undefined
  for (;;) {
    signal.throwIfAborted()
    const page = await ask(patient, {
      ...(codes === undefined ? {} : { codes }),
      ...(from === undefined ? {} : { from }),
      ...(before === undefined ? {} : { before }),
      order: 'newest',
      count: pageSize,
      ...(position === undefined ? {} : { position }),
    })
    const observations = page.observations.flatMap((observation): PatientObservation[] => {
      const { id } = observation
      if (id !== undefined && given.has(id)) return []
      if (id !== undefined) given.add(id)
      return [{ patient, observation }]
    })
    for (const gap of page.gaps) gaps.add(gap)
    const next = page.positionAfter(page.observations.length)
    if (next === undefined) {
      // It may be read once more, and what is handed on once is not handed on again.
      if (gaps.has('repeated'))
        await give({ observations: observations.splice(0), gaps: [], whole: [], unread: [] })
      return { last: { observations, whole: [patient], unread: [] }, gaps: [...gaps] }
    }
    if (page.observations.length === 0 && isDeepStrictEqual(next, position)) {
      const error = rejected('Its pages do not come to an end.')
      return {
        last: { observations, whole: [], unread: [{ patient, why: 'stuck', error }] },
        gaps: [...gaps],
      }
    }
    await give({ observations, gaps: [], whole: [], unread: [] })
    position = next
  }
}

/** Whether the exchange took too long or could not be reached: another question may well be answered. */
export function didNotAnswer(thrown: unknown): boolean {
  return isFhirMcpError(thrown, 'EXCHANGE_TIMEOUT') || isFhirMcpError(thrown, 'EXCHANGE_UNAVAILABLE')
}
