import type { Grant } from '../../access/grant.ts'
import { fhirMcpError } from '../../errors.ts'
import type { ObservationFilter } from '../exchange.ts'
import { boundsOf } from '../honoured.ts'
import { searchesWithin } from '../restrictions.ts'
import type { SearchPairs } from '../search-pairs.ts'
import type { CodeParameter } from './code-parameter.ts'
import { codesValue, tokenValue } from './escape.ts'

/**
 * The search for Observations of a patient (undefined: of several) that meets a filter and stays within the grant; undefined
 * where nothing can match, since an empty parameter is never sent. Throws NOT_SUPPORTED_BY_EXCHANGE where the grant cannot be
 * said in one search.
 */
export function observationPairs(
  grant: Grant,
  filter: ObservationFilter,
  patient: string | undefined,
  parameter: CodeParameter = 'code',
): SearchPairs | undefined {
  boundsOf(filter)
  const { from, before } = filter
  const panels = parameter === 'code' ? (filter.panels ?? []) : []
  const [search, ...others] = searchesWithin(grant, { type: 'Observation', patient, codes: filter.codes })
  if (search === undefined) return undefined
  if (others.length > 0 || search.study !== undefined) {
    throw fhirMcpError('NOT_SUPPORTED_BY_EXCHANGE', {
      detail: 'It cannot be asked for what is restricted so.',
    })
  }
  const { categories, codes } = search
  return [
    ...(categories === undefined ? [] : [['category', categories.map(tokenValue).join(',')] as const]),
    ...(codes === undefined ? [] : [[parameter, codesValue([...codes, ...panels])] as const]),
    ...(from === undefined ? [] : [['date', `ge${from}`] as const]),
    ...(before === undefined ? [] : [['date', `lt${before}`] as const]),
  ]
}
