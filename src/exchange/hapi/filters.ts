import type { Grant } from '../../access/grant.ts'
import { fhirMcpError } from '../../errors.ts'
import type { Observation } from '../../fhir/types.ts'
import { leak } from '../check.ts'
import type { ObservationFilter } from '../exchange.ts'
import { boundsOf, inCategories } from '../honoured.ts'
import type { SearchPairs } from '../search-pairs.ts'
import { codesValue, tokenValue } from './escape.ts'

/**
 * The filter of a search for Observations: what the caller asked for, and the categories that the grant is restricted to.
 * Throws FORBIDDEN for a grant on no category at all.
 */
export function observationPairs(grant: Grant, filter: ObservationFilter): SearchPairs {
  boundsOf(filter)
  const { categories } = grant.terms
  if (categories?.length === 0) throw fhirMcpError('FORBIDDEN')
  const { codes, from, before } = filter
  return [
    ...(categories === undefined ? [] : [['category', categories.map(tokenValue).join(',')] as const]),
    ...(codes === undefined ? [] : [['code', codesValue(codes)] as const]),
    ...(from === undefined ? [] : [['date', `ge${from}`] as const]),
    ...(before === undefined ? [] : [['date', `lt${before}`] as const]),
  ]
}

/** Holds an observation against the categories of a grant. Throws EXCHANGE_LEAK. */
export function holdCategory(grant: Grant, observation: Observation): void {
  const { categories } = grant.terms
  if (categories !== undefined && !inCategories(observation, categories)) throw leak()
}

/** Whether a filter names codes and none of them: it matches nothing, and an empty parameter is never sent. */
export function matchesNothing(filter: ObservationFilter): boolean {
  return filter.codes?.length === 0
}
