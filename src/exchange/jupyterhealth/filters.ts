import type { Grant } from '../../access/grant.ts'
import { categoriesOf } from '../../access/restrictions.ts'
import { fhirMcpError } from '../../errors.ts'
import type { SearchCode } from '../../fhir/types.ts'
import type { Bounds } from '../honoured.ts'
import type { SearchPairs } from '../search-pairs.ts'

/** One code of a search, or every one. The exchange takes a single `system|code` per request. */
export type CodeBranch = SearchCode | undefined

/** The code and the bounds of a branch as search parameters. */
export function branchPairs(code: CodeBranch, bounds: Bounds): SearchPairs {
  return [
    ...(code === undefined ? [] : [['code', codeValue(code)] as const]),
    ...(bounds.from === undefined ? [] : [['date', `ge${dayOrInstant(bounds.from)}`] as const]),
    ...(bounds.before === undefined ? [] : [['date', `lt${dayOrInstant(bounds.before)}`] as const]),
  ]
}

/** Whether a bound is the beginning of a day in UTC, which is how the exchange reads a date. */
export function isWholeDay(instant: number): boolean {
  return instant % 86_400_000 === 0
}

function dayOrInstant(instant: number): string {
  const text = new Date(instant).toISOString()
  return isWholeDay(instant) ? text.slice(0, 10) : text
}

function codeValue({ system, code }: SearchCode): string {
  const value = `${system}|${code}`
  if (system === '' || code === '' || value.includes(',')) {
    throw fhirMcpError('NOT_SUPPORTED_BY_EXCHANGE', { detail: 'It searches for one code with its system.' })
  }
  return value
}

/** Categories cannot be evaluated here. Throws NOT_SUPPORTED_BY_EXCHANGE for a grant that is restricted to some. */
export function requireNoCategories(grant: Grant): void {
  if (categoriesOf(grant.terms.restrictions) === undefined) return
  throw fhirMcpError('NOT_SUPPORTED_BY_EXCHANGE', { detail: 'It does not know categories of observations.' })
}
