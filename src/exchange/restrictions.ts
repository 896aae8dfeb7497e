import type { Grant } from '../access/grant.ts'
import { type Restriction, waysTo } from '../access/restrictions.ts'
import { fhirMcpError } from '../errors.ts'
import type { Observation, SearchCode } from '../fhir/types.ts'
import { leak } from './check.ts'
import { hasCode, inCategories } from './honoured.ts'

/** One search that stays within a grant: what it has to ask for beside its patient; undefined: whatever there is. */
export interface SearchWithin {
  readonly categories: readonly string[] | undefined
  readonly codes: readonly SearchCode[] | undefined
  readonly study: string | undefined
}

/** What is searched for. */
export interface Searched {
  readonly type: string
  /** Whose resources; undefined: those of several patients. */
  readonly patient: string | undefined
  /** Any of these codes; undefined: every code. */
  readonly codes: readonly SearchCode[] | undefined
}

/**
 * The restrictions of a grant as searches: together they find everything that is asked for and within the grant, and nothing
 * else. Two of them may find the same resource. None: there is nothing to ask for. Throws NOT_SUPPORTED_BY_EXCHANGE where
 * it depends on the patient and several are searched at once.
 */
export function searchesWithin(grant: Grant, { type, patient, codes }: Searched): SearchWithin[] {
  const everything: SearchWithin[] =
    codes?.length === 0 ? [] : [{ categories: undefined, codes, study: undefined }]
  const ways = waysTo(grant.terms.restrictions, type)
  if (ways === undefined) return everything
  if (patient === undefined && ways.some(({ patients }) => patients !== undefined)) {
    throw fhirMcpError('NOT_SUPPORTED_BY_EXCHANGE', {
      detail: 'What may be seen differs from patient to patient.',
    })
  }
  const own = ways.filter(
    ({ patients }) => patients === undefined || (patient !== undefined && patients.has(patient)),
  )
  if (own.some(isWhole)) return everything
  return own
    .map((way) => ({ categories: way.categories, codes: bothOf(way.codes, codes), study: way.study }))
    .filter((search) => search.categories?.length !== 0 && search.codes?.length !== 0)
}

/** Whether a way lets everything of its types through. */
function isWhole({ categories, codes, study }: Restriction): boolean {
  return categories === undefined && codes === undefined && study === undefined
}

function bothOf(
  allowed: readonly SearchCode[] | undefined,
  asked: readonly SearchCode[] | undefined,
): readonly SearchCode[] | undefined {
  if (allowed === undefined || asked === undefined) return asked ?? allowed
  return asked.filter(({ system, code }) => allowed.some((one) => one.system === system && one.code === code))
}

/** Holds an observation of a patient against the restrictions of a grant. Throws EXCHANGE_LEAK. */
export function holdWithin(grant: Grant, observation: Observation, patient: string): void {
  const ways = waysTo(grant.terms.restrictions, 'Observation')
  const fits = ways?.some(
    ({ categories, codes, patients }) =>
      (patients === undefined || patients.has(patient)) &&
      (categories === undefined || inCategories(observation, categories)) &&
      (codes === undefined || codes.some((code) => hasCode(observation, code))),
  )
  if (fits === false) throw leak()
}
