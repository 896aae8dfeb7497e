import type { Gap } from '../../exchange/exchange.ts'

/** Why a patient is in no number. That is never a patient without readings. */
export type NotRead = keyof typeof notReadReasons
/** Values that one call holds at once, all patients together: about 8 bytes each, twice that by week. */
export const mostValues = 500_000
export const notReadReasons = {
  silent: 'the exchange did not answer',
  large: `more than ${mostValues} values`,
  slow: 'not read before the deadline',
  stuck: 'the pages of the exchange led no further',
} as const

/**
 * What became of a patient: all that was gathered, with why something may be missing of it, or why nothing of the patient is in
 * any number.
 */
export type PatientOutcome<T> =
  | { readonly gathered: T; readonly gaps: readonly Gap[] }
  | { readonly notRead: NotRead }

/** Patients in their order: whatever order they are read in, they are taken in this one, and none is passed over. */
export interface PatientsLine<T> {
  /** Says what became of a patient, which holds so many values, and hands on those whose turn it is. */
  settle(patient: string, outcome: PatientOutcome<T>, values: number): void
  /** Those of whom it is not known yet, in order. */
  left(): string[]
  /** Lets go of whoever is not taken; how many values that frees. */
  letGo(): number
  /** Takes the first one as not read in time, where nobody was taken. */
  takeOne(): void
  readonly taken: number
  /** Patients in a row, up to now, for whom the exchange did not answer. */
  readonly silent: number
  /** Whether one was not taken any more: the answer has no room. */
  readonly isFull: boolean
  readonly isDone: boolean
}

/**
 * Makes a line. `take` gets patients in their order; false: the answer is full, and this one is left. A patient for whom the
 * exchange did not answer is taken as such once somebody behind was read, and left otherwise.
 */
export function createLine<T>(
  patients: readonly string[],
  take: (patient: string, outcome: PatientOutcome<T>) => boolean,
  passed: (patients: number) => void,
): PatientsLine<T> {
  const settled = new Map<string, { readonly outcome: PatientOutcome<T>; readonly values: number }>()
  const silent: string[] = []
  const state = { next: 0, taken: 0, isFull: false }

  function give(patient: string, outcome: PatientOutcome<T>): void {
    if (state.isFull) return
    if (take(patient, outcome)) state.taken += 1
    else state.isFull = true
  }

  function handOn(): void {
    for (;;) {
      const patient = patients[state.next]
      const one = patient === undefined ? undefined : settled.get(patient)
      if (patient === undefined || one === undefined || state.isFull) return
      settled.delete(patient)
      state.next += 1
      passed(state.next)
      const { outcome } = one
      if ('notRead' in outcome && outcome.notRead === 'silent') {
        silent.push(patient)
        continue
      }
      for (const earlier of silent.splice(0)) give(earlier, { notRead: 'silent' })
      give(patient, outcome)
    }
  }

  return {
    settle(patient, outcome, values) {
      settled.set(patient, { outcome, values })
      handOn()
    },
    left: () => patients.slice(state.next).filter((patient) => !settled.has(patient)),
    letGo() {
      const values = [...settled.values()].reduce((sum, one) => sum + one.values, 0)
      settled.clear()
      return values
    },
    takeOne() {
      const [first] = patients
      if (state.taken > 0 || first === undefined) return
      give(first, { notRead: silent[0] === first ? 'silent' : 'slow' })
    },
    get taken() {
      return state.taken
    },
    get silent() {
      return silent.length
    },
    get isFull() {
      return state.isFull
    },
    get isDone() {
      return state.next === patients.length
    },
  }
}
