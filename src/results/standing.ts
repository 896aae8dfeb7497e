import type { Observation } from '../fhir/types.ts'
import type { ReadingTime } from './reading-time.ts'

/** Statuses of observations that do not count and are not summarised. */
const excludedStatuses = ['entered-in-error', 'cancelled'] as const
export type ExcludedStatus = (typeof excludedStatuses)[number]

/** Why an observation is in no statistic and in no chart: its status, or a focus that is not its subject. */
export type NotSummarised = ExcludedStatus | 'other focus'

/** The status for which an observation does not count; undefined where it counts. */
export function excludedStatusOf({ status }: Pick<Observation, 'status'>): ExcludedStatus | undefined {
  return excludedStatuses.find((excluded) => excluded === status)
}

/** Whether an observation counts and has no date. */
export function countsUndated(observation: Observation, { isDated }: ReadingTime): boolean {
  return !isDated && excludedStatusOf(observation) === undefined
}

/** Why an observation says nothing of its patient that a statistic may use; undefined where it does. */
export function notSummarised(observation: Observation): NotSummarised | undefined {
  return excludedStatusOf(observation) ?? (hasOtherFocus(observation) ? 'other focus' : undefined)
}

/** The reason in words, as the end of "left out …". */
export function reasonText(reason: NotSummarised): string {
  return reason === 'other focus'
    ? 'since their focus is not the patient (a fetus, a donor, a device)'
    : `as ${reason}`
}

/**
 * Whether an observation is about something or somebody else than its subject (R5 Observation.focus: a fetus, a parent, a
 * donor). A focus that is the subject itself says nothing new. What cannot be told to be the subject is another one.
 */
export function hasOtherFocus({ focus, subject }: Pick<Observation, 'focus' | 'subject'>): boolean {
  const own = unversioned(subject?.reference)
  return (focus ?? []).some(({ reference }) => own === undefined || unversioned(reference) !== own)
}

function unversioned(reference: string | undefined): string | undefined {
  return reference?.replace(/\/_history\/[^/]*$/, '')
}

/** Whether a modifierExtension may change what an observation says. None is understood here. */
export function isModified({ modifierExtension }: Pick<Observation, 'modifierExtension'>): boolean {
  return (modifierExtension ?? []).length > 0
}
