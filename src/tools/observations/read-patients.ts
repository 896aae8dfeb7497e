import { fhirMcpError, isFhirMcpError } from '../../errors.ts'
import { startDeadline } from '../../exchange/deadline.ts'
import type { Gap, ObservationFilter, PatientsPage } from '../../exchange/exchange.ts'
import type { Observation } from '../../fhir/types.ts'
import type { GrantedContext } from '../tool.ts'
import { createLine, mostValues, type PatientOutcome } from './patients-line.ts'

/** Patients in a row for whom the exchange does not answer, after which no further one is asked for. */
const mostSilent = 20
/** What reading gets where the rosters took all of the time, in milliseconds. */
const leastTime = 5000

/**
 * Why reading ended: with the last patient, at the deadline, at the bound on values, since the answer is full, or on an
 * exchange that does not answer.
 */
export type PatientsEnd = 'complete' | 'deadline' | 'bound' | 'full' | 'silent'

/** Gathers one patient; `add` returns how many values are held for an observation. */
export interface Gatherer<T> {
  add(observation: Observation): number
  readings(): T
}

/** Which patients are read, and what is done with them. */
export interface PatientsReading<T> {
  readonly patients: readonly string[]
  readonly filter: ObservationFilter
  readonly most?: number
  readonly begin: () => Gatherer<T>
  /** Takes patients in their order. False: the answer is full, and this one is left; the first one is never left. */
  readonly take: (patient: string, outcome: PatientOutcome<T>) => boolean
}

/** How many of the first patients were taken; all others are left for another call. */
export interface PatientsRead {
  readonly taken: number
  readonly end: PatientsEnd
}

/** How much is read side by side. Where that holds too many values, it is less, so that the first ones come to their end. */
const ways = [
  { sideBySide: true, alone: false },
  { sideBySide: false, alone: false },
  { sideBySide: false, alone: true },
] as const
type Way = (typeof ways)[number]

/**
 * Reads the observations of patients together, and hands on each patient whole and in order: what the deadline or the bound
 * cuts off is left to the last observation, and so is everybody behind. At least one patient is taken, so that the next call
 * goes on. A patient for whom the exchange does not answer is marked once it answers for a later one, and left otherwise; where
 * it answers for nobody, its error is thrown, and so is any other.
 */
export async function readPatients<T>(
  context: GrantedContext,
  reading: PatientsReading<T>,
): Promise<PatientsRead> {
  const { exchange, grant, settings, endsAt, signal, now, progress } = context
  const { patients, filter, most = mostValues, begin, take } = reading
  const line = createLine(patients, take, (passed) => progress(passed, patients.length, 'Patients read'))
  let held = 0
  let answers = 0
  let failure: unknown

  async function readLeft({ sideBySide, alone }: Way): Promise<PatientsEnd | 'large'> {
    const underWay = new Map<
      string,
      { readonly gatherer: Gatherer<T>; readonly gaps: Set<Gap>; values: number }
    >()
    const gathering = (patient: string) => {
      const known = underWay.get(patient)
      if (known !== undefined) return known
      const made = { gatherer: begin(), gaps: new Set<Gap>(), values: 0 }
      underWay.set(patient, made)
      return made
    }
    const letGo = (patient: string) => {
      held -= underWay.get(patient)?.values ?? 0
      underWay.delete(patient)
    }

    function takeIn({ observations, gaps, whole, unread }: PatientsPage): PatientsEnd | 'large' | undefined {
      for (const { patient, observation } of observations) {
        const one = gathering(patient)
        const values = one.gatherer.add(observation)
        one.values += values
        held += values
      }
      for (const { patient, gap } of gaps) gathering(patient).gaps.add(gap)
      for (const patient of whole) {
        const { gatherer, gaps: own, values } = gathering(patient)
        underWay.delete(patient)
        line.settle(patient, { gathered: gatherer.readings(), gaps: [...own] }, values)
      }
      for (const { patient, why, error } of unread) {
        if (why === 'silent') failure = error
        letGo(patient)
        line.settle(patient, { notRead: why }, 0)
      }
      if (unread.length === 0) answers += 1
      if (line.isFull) return 'full'
      if (line.silent >= mostSilent) return 'silent'
      if (line.isDone) return 'complete'
      if (now() >= endsAt) return 'deadline'
      if (held <= most) return undefined
      const large = [...underWay].filter(([, { values }]) => values > most)
      for (const [patient] of large) {
        letGo(patient)
        line.settle(patient, { notRead: 'large' }, 0)
      }
      return large.length === 0 ? 'bound' : 'large'
    }

    const left = line.left()
    const limit = startDeadline(signal, Math.max(endsAt - now(), leastTime))
    const asking = new AbortController()
    limit.signal.addEventListener('abort', () => asking.abort(), { once: true })
    try {
      const pages = exchange.patientsObservations(grant, {
        ...filter,
        patients: alone ? left.slice(0, 1) : left,
        concurrency: sideBySide ? settings.concurrency : 1,
        signal: asking.signal,
      })
      for await (const page of pages) {
        signal.throwIfAborted()
        const end = takeIn(page)
        if (end !== undefined) return end
      }
      return alone ? 'bound' : 'complete'
    } catch (thrown) {
      signal.throwIfAborted()
      if (!limit.signal.aborted) throw thrown
      return 'deadline'
    } finally {
      limit.stop()
      // What is under way is not waited for.
      asking.abort()
      for (const patient of [...underWay.keys()]) letGo(patient)
    }
  }

  async function readAsFits(): Promise<PatientsEnd> {
    for (let way = 0; ; ) {
      const end = await readLeft(ways[way] ?? ways[2])
      if (end === 'large') {
        if (line.isDone) return 'complete'
        continue
      }
      if (end !== 'bound') return end
      held -= line.letGo()
      if (way === 2 || (way === 1 && line.taken > 0)) return 'bound'
      way += 1
    }
  }

  if (patients.length === 0) return { taken: 0, end: 'complete' }
  const end = await readAsFits()
  if (answers === 0 && (end === 'deadline' || isFhirMcpError(failure, 'EXCHANGE_TIMEOUT'))) throw tooSlow()
  if (answers === 0 && failure !== undefined) throw failure
  line.takeOne()
  const isWhole = line.taken === patients.length
  return { taken: line.taken, end: isWhole ? 'complete' : end === 'complete' ? 'silent' : end }
}

/** What is to be done where nobody was read in time. */
function tooSlow() {
  return fhirMcpError('EXCHANGE_TIMEOUT', {
    detail: 'Nobody of these patients was read in time: ask for one data_type, or for a shorter period.',
  })
}
