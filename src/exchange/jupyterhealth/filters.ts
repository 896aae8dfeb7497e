import type { Grant } from '../../access/grant.ts'
import { categoriesOf } from '../../access/restrictions.ts'
import { fhirMcpError } from '../../errors.ts'
import type { SearchCode } from '../../fhir/types.ts'
import { namespaceSystems } from '../../open-mhealth/systems.ts'
import type { Bounds } from '../honoured.ts'
import type { SearchPairs } from '../search-pairs.ts'

const schemaSystems: readonly string[] = Object.values(namespaceSystems)

/** One code of a search, or every one. The exchange takes a single `system|code` per request. */
export type CodeBranch = SearchCode | undefined

/**
 * The codes that the exchange's own observations are asked for by: beside codes of Open mHealth and IEEE no others, since each of
 * them has one code, and a type that has a schema has that of its schema.
 */
export function ownCodesOf(codes: readonly SearchCode[] | undefined): readonly SearchCode[] | undefined {
  const schemas = codes?.filter(({ system }) => schemaSystems.includes(system)) ?? []
  return schemas.length > 0 ? schemas : codes
}

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
