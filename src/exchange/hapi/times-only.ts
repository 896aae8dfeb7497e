import type { Grant } from '../../access/grant.ts'
import { categoriesOf } from '../../access/restrictions.ts'
import type { Observation } from '../../fhir/types.ts'
import { isUndated } from '../effective.ts'
import type { ObservationFilter } from '../exchange.ts'
import { inCategories, isOfCodes } from '../honoured.ts'

/** A server left out what rows are held by, or what was asked for: they have to be read whole. */
export class StrippedRows extends Error {}

/**
 * The elements that tell the time of an observation, and those that it is held by: `_elements` (R5 §3.2.1.6.8). A choice
 * goes without its type.
 */
export function elementsOfTimes(grant: Grant, { codes }: ObservationFilter): string {
  return [
    'status,code,subject,effective',
    ...(categoriesOf(grant.terms.restrictions) === undefined ? [] : ['category']),
    ...(codes === undefined ? [] : ['component']),
  ].join(',')
}

/**
 * Whether rows may lack what they have. Those without a time come last, so one in front of others, or a page of nothing else,
 * shows it. What is there is not judged here: a row of somebody else stays a leak.
 */
export function areStripped(
  grant: Grant,
  observations: readonly Observation[],
  filter: ObservationFilter,
): boolean {
  const categories = categoriesOf(grant.terms.restrictions)
  return observations.some((observation, index) => {
    const { status, code, subject } = observation
    const next = observations[index + 1]
    return (
      status === undefined ||
      code === undefined ||
      subject?.reference === undefined ||
      (isUndated(observation) && (index === 0 || (next !== undefined && !isUndated(next)))) ||
      (filter.codes !== undefined && !isOfCodes(observation, filter)) ||
      (categories !== undefined && !inCategories(observation, categories))
    )
  })
}
