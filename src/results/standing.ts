import type { Observation } from '../fhir/types.ts'

/** Statuses of observations that do not count and are not summarised. */
const excludedStatuses = ['entered-in-error', 'cancelled'] as const
export type ExcludedStatus = (typeof excludedStatuses)[number]

/** The status for which an observation does not count; undefined where it counts. */
export function excludedStatusOf({ status }: Observation): ExcludedStatus | undefined {
  return excludedStatuses.find((excluded) => excluded === status)
}

/** Whether a modifierExtension may change what an observation says. None is understood here. */
export function isModified({ modifierExtension }: Pick<Observation, 'modifierExtension'>): boolean {
  return (modifierExtension ?? []).length > 0
}
