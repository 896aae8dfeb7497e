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

/** A type of data that a study requested. */
export interface RequestedType extends SearchCode {
  /** What the exchange calls it. */
  readonly display?: string
}

/** The types of data that studies requested, by study. A study that is not in it gives nothing. */
export type RequestedTypes = ReadonlyMap<string, readonly RequestedType[]>

/** Types of resources that say who somebody is and where enrolled, and nothing that a study requests. */
const administrative = ['Patient', 'ResearchSubject', 'ResearchStudy', 'Group']

/** The types among these of which a study has what it requested, and no more. */
export function typesOfData(types: readonly string[]): string[] {
  return [...new Set(types)].filter((type) => !administrative.includes(type))
}

/** What one of these studies leaves of the types: Observations of the codes that it requested. */
export function byStudies(
  types: readonly string[],
  studies: Iterable<string>,
  requested: RequestedTypes,
): readonly Restriction[] {
  const asked = types.includes('Observation') ? [...studies] : []
  const known = asked.flatMap((study) => {
    const codes = requested.get(study)
    return codes === undefined ? [] : [{ types: ['Observation'], study, codes: codes.map(codeOf) }]
  })
  const others = types.filter((type) => type !== 'Observation' || known.length === 0)
  return [...known, ...nothingOf(others)]
}

/** A type of data as the code that it is searched by. */
export function codeOf({ system, code }: RequestedType): SearchCode {
  return { system, code }
}

/** Lets nothing of these types through. */
export function nothingOf(types: readonly string[]): readonly Restriction[] {
  return types.length === 0 ? [] : [{ types, codes: [] }]
}

/** Both at once: whatever scopes leave of what studies leave. */
export function bothOf(
  scopes: readonly Restriction[],
  studies: readonly Restriction[],
): readonly Restriction[] {
  if (scopes.length === 0) return studies
  const narrowed = studies.flatMap((study) =>
    study.types.flatMap((type): Restriction[] => {
      const types = [type]
      return (waysTo(scopes, type) ?? [{ types }]).map((scope) => ({ ...scope, ...study, types }))
    }),
  )
  const named = new Set(narrowed.flatMap(({ types }) => types))
  const alone = scopes.flatMap((scope): Restriction[] => {
    const types = scope.types.filter((type) => !named.has(type))
    return types.length === 0 ? [] : [{ ...scope, types }]
  })
  return [...narrowed, ...alone]
}

/** What studies leave of Observations: which studies, and the codes that they requested; undefined where they narrow nothing. */
export function requestedIn(
  restrictions: readonly Restriction[],
): { readonly studies: readonly string[]; readonly codes: readonly SearchCode[] } | undefined {
  const ways = (waysTo(restrictions, 'Observation') ?? []).flatMap(({ study, codes = [] }) =>
    study === undefined ? [] : [{ study, codes }],
  )
  if (ways.length === 0) return undefined
  const codes = new Map(
    ways.flatMap(({ codes: own }) => own.map((code) => [`${code.system}|${code.code}`, code])),
  )
  return { studies: ways.map(({ study }) => study), codes: [...codes.values()] }
}

/** The categories that Observations are restricted to; undefined where they are not. */
export function categoriesOf(restrictions: readonly Restriction[]): readonly string[] | undefined {
  const ways = waysTo(restrictions, 'Observation') ?? []
  const named = ways.flatMap(({ categories }) => (categories === undefined ? [] : [categories]))
  return named.length === 0 ? undefined : [...new Set(named.flat())]
}
