import pMap from 'p-map'
import { isFhirMcpError } from '../../errors.ts'
import type { ObservationFilter } from '../../exchange/exchange.ts'
import type { Observation } from '../../fhir/types.ts'
import type { GrantedContext } from '../tool.ts'
import { readPages } from './read-all.ts'

/** Values that one call holds at once, all patients together: about 8 bytes each, twice that by week. */
export const mostValues = 500_000
/** Patients in a row for whom the exchange does not answer, after which no further one is asked for. */
const mostSilent = 20

/** Why a patient is in no number. That is never a patient without readings. */
export type NotRead = keyof typeof notReadReasons
export const notReadReasons = {
  silent: 'the exchange did not answer',
  large: `more than ${mostValues} values`,
  slow: 'not read before the deadline',
  stuck: 'the pages of the exchange led no further',
} as const

/** What became of a patient: all that was gathered, or why nothing of the patient is in any number. */
export type PatientOutcome<T> = { readonly gathered: T } | { readonly notRead: NotRead }

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

/**
 * Reads the observations of patients, several at once, and hands on each patient whole and in order: what the deadline or the
 * bound cuts off is left to the last observation, and so is everybody behind. At least one patient is taken, so that the next
 * call goes on. A patient for whom the exchange does not answer is marked once it answers for a later one, and left otherwise;
 * where it answers for nobody, its error is thrown, and so is any other.
 */
export async function readPatients<T>(
  context: GrantedContext,
  reading: PatientsReading<T>,
): Promise<PatientsRead> {
  const { exchange, grant, settings, signal, now, progress } = context
  const { patients, filter, most = mostValues, begin, take } = reading
  const end = now() + settings.deadline
  const outcomes = new Map<number, PatientOutcome<T>>()
  const silent: string[] = []
  const state: { next: number; taken: number; held: number; stop: PatientsEnd | undefined } = {
    next: 0,
    taken: 0,
    held: 0,
    stop: undefined,
  }
  let failure: unknown
  let answered = 0

  function give(patient: string, outcome: PatientOutcome<T>): boolean {
    if (state.stop === 'full') return false
    if (take(patient, outcome)) state.taken += 1
    else state.stop = 'full'
    return state.stop !== 'full'
  }

  /** Hands on those whose turn it is. */
  function drain(): void {
    for (;;) {
      const patient = patients[state.next]
      const outcome = outcomes.get(state.next)
      if (patient === undefined || outcome === undefined || state.stop === 'full') return
      outcomes.delete(state.next)
      state.next += 1
      progress(state.next, patients.length, 'Patients read')
      if ('notRead' in outcome && outcome.notRead === 'silent') {
        silent.push(patient)
        if (silent.length >= mostSilent) state.stop ??= 'silent'
        continue
      }
      for (const one of silent.splice(0)) give(one, { notRead: 'silent' })
      give(patient, outcome)
    }
  }

  async function read(patient: string, index: number): Promise<PatientOutcome<T> | 'left'> {
    const gatherer = begin()
    let own = 0
    const ended = await readPages({
      ask: (query) => exchange.patientObservations(grant, patient, query),
      filter,
      signal,
      take(observation) {
        const values = gatherer.add(observation)
        own += values
        state.held += values
      },
      endAfter(): 'left' | 'large' | undefined {
        if (own > most) return 'large'
        if (now() >= end) state.stop ??= 'deadline'
        else if (state.held > most) state.stop ??= 'bound'
        // At the bound the first in line goes on, since the room of the others becomes free.
        const goesOn =
          state.stop === undefined || (state.stop === 'bound' && index === state.next && now() < end)
        return goesOn ? undefined : 'left'
      },
    })
    if (ended === 'complete') return { gathered: gatherer.readings() }
    state.held -= own
    return ended === 'left' ? 'left' : { notRead: ended }
  }

  function mayBegin(index: number): boolean {
    if (state.stop !== undefined) return false
    if (index === 0) return true
    if (now() >= end) state.stop = 'deadline'
    else if (state.held >= most) state.stop = 'bound'
    return state.stop === undefined
  }

  await pMap(
    patients,
    async (patient, index) => {
      signal.throwIfAborted()
      if (!mayBegin(index)) return
      try {
        const outcome = await read(patient, index)
        answered += 1
        if (outcome !== 'left') outcomes.set(index, outcome)
      } catch (thrown) {
        if (!isFhirMcpError(thrown, 'EXCHANGE_TIMEOUT') && !isFhirMcpError(thrown, 'EXCHANGE_UNAVAILABLE')) {
          // Nothing of this call will be answered: what is under way ends with its page.
          state.stop = 'full'
          throw thrown
        }
        failure = thrown
        outcomes.set(index, { notRead: 'silent' })
      }
      drain()
    },
    { concurrency: settings.concurrency },
  )
  if (failure !== undefined && answered === 0) throw failure
  const [first] = patients
  if (state.taken === 0 && first !== undefined) {
    give(first, { notRead: silent[0] === first ? 'silent' : 'slow' })
  }
  const isWhole = state.taken === patients.length
  return { taken: state.taken, end: isWhole ? 'complete' : (state.stop ?? 'silent') }
}
