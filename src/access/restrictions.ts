import type { SearchCode } from '../fhir/types.ts'

/**
 * One way in which resources of some types may be in an answer: all of its conditions have to be met. Plain data, which
 * `src/exchange/restrictions.ts` compiles into searches and holds resources against. A list without an entry lets nothing
 * through.
 */
export interface Restriction {
  readonly types: readonly string[]
  /** In one of these categories: `system|code`, `|code` (no system) or `code`. */
  readonly categories?: readonly string[]
  /** With one of these codes. */
  readonly codes?: readonly SearchCode[]
  /** As a resource of this study: of somebody who is enrolled in it. */
  readonly study?: string
  /** Of one of these patients. */
  readonly patients?: ReadonlySet<string>
}

/** The ways that are open to a type; undefined where nothing restricts it beyond its patient. */
export function waysTo(
  restrictions: readonly Restriction[],
  type: string,
): readonly Restriction[] | undefined {
  const named = restrictions.filter(({ types }) => types.includes(type))
  return named.length === 0 ? undefined : named
}

/** What scopes with `?category=` leave of Observations. */
export function byCategories(categories: readonly string[] | undefined): readonly Restriction[] {
  return categories === undefined ? [] : [{ types: ['Observation'], categories }]
}

/** The categories that Observations are restricted to; undefined where they are not. */
export function categoriesOf(restrictions: readonly Restriction[]): readonly string[] | undefined {
  const ways = waysTo(restrictions, 'Observation') ?? []
  const named = ways.flatMap(({ categories }) => (categories === undefined ? [] : [categories]))
  return named.length === 0 ? undefined : [...new Set(named.flat())]
}
