import type { Gap } from '../../exchange/exchange.ts'
import type { NotSummarised } from '../../results/standing.ts'
import type { PatientReadings } from '../../statistics/patient-readings.ts'
import { summedType } from './day-counts.ts'
import type { NotRead, PatientOutcome } from './patients-line.ts'

/** How many patients and observations are in the numbers of an answer, and who is not. */
export interface Tally {
  readonly excluded: Map<NotSummarised, number>
  readonly notRead: { patient: string; why: NotRead }[]
  read: number
  withReadings: number
  observations: number
  /** How many observations that count have no date. */
  undated: number
  hasSteps: boolean
  /** Why observations may be missing, and of how many patients; of those, how many came without any. */
  readonly gaps: Set<Gap>
  incomplete: number
  notKnown: number
}

/** A tally of nobody. */
export function emptyTally(): Tally {
  return {
    excluded: new Map(),
    notRead: [],
    read: 0,
    withReadings: 0,
    observations: 0,
    undated: 0,
    hasSteps: false,
    gaps: new Set(),
    incomplete: 0,
    notKnown: 0,
  }
}

/** Adds a patient. */
export function note(tally: Tally, patient: string, outcome: PatientOutcome<PatientReadings>): void {
  if ('notRead' in outcome) {
    tally.notRead.push({ patient, why: outcome.notRead })
    return
  }
  const { observations, undated, excluded, series } = outcome.gathered
  let notCounted = 0
  for (const [status, n] of excluded) {
    tally.excluded.set(status, (tally.excluded.get(status) ?? 0) + n)
    notCounted += n
  }
  tally.read += 1
  tally.observations += observations - notCounted
  tally.undated += undated
  if (observations > notCounted) tally.withReadings += 1
  if (outcome.gaps.length > 0) {
    tally.incomplete += 1
    if (observations <= notCounted) tally.notKnown += 1
    for (const gap of outcome.gaps) tally.gaps.add(gap)
  }
  tally.hasSteps ||= series.some(({ type }) => type === summedType)
}
