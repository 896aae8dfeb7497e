import type { Grant } from '../../access/grant.ts'
import { waysTo } from '../../access/restrictions.ts'
import type { Observation, SearchCode } from '../../fhir/types.ts'
import { hasCode } from '../honoured.ts'
import { searchesWithin } from '../restrictions.ts'
import type { SearchPairs } from '../search-pairs.ts'
import { type CodeBranch, ownCodesOf, requireNoCategories } from './filters.ts'
import { exchangeId } from './ids.ts'
import { memberOf } from './within.ts'

/** One search of the exchange, which takes one code and one study. */
export interface SearchBranch {
  /** Undefined: every code that it may give. */
  readonly code: CodeBranch
  /** The study that it is asked in; undefined: not by study. */
  readonly study: string | undefined
  /** What it may give without a code: the types that the study requested; undefined: any. */
  readonly codes: readonly SearchCode[] | undefined
}

/** Whose observations are searched for: of one patient, or of everybody whom the branch itself reaches. */
export interface BranchesOf {
  readonly grant: Grant
  readonly patient: string | undefined
  /** Undefined: every code. */
  readonly codes: readonly SearchCode[] | undefined
}

/**
 * The searches that together give what is asked for within a grant: one per code, or where no code is asked for, one per study
 * that reaches the patient. Several studies may give the same row.
 */
export function branchesOf({ grant, patient, codes: asked }: BranchesOf): readonly SearchBranch[] {
  const codes = ownCodesOf(asked)
  requireNoCategories(grant)
  requireRequestedTypes(grant)
  const searches = searchesWithin(grant, { type: 'Observation', patient, codes })
  // The exchange ignores the study for patient users, so there the codes alone have to say what is the study's.
  const byStudy = codes === undefined && grant.ownAlone === undefined
  const branches = searches.flatMap((search): SearchBranch[] =>
    search.codes === undefined || (byStudy && search.study !== undefined)
      ? [{ code: undefined, study: search.study, codes: search.codes }]
      : search.codes.map((code) => ({ code, study: search.study, codes: [code] })),
  )
  return branches.filter((branch, at) => !branches.slice(0, at).some((earlier) => isSame(earlier, branch)))
}

/** The same searches where none of them may give what another one gives: for numbers, which have no ids. */
export function disjointBranchesOf(of: BranchesOf): readonly SearchBranch[] {
  const branches = branchesOf(of)
  if (branches.length < 2) return branches
  const single = branches.flatMap((branch) =>
    branch.code !== undefined || branch.codes === undefined
      ? [branch]
      : branch.codes.map((code) => ({ code, study: branch.study, codes: [code] })),
  )
  return single.filter((branch, at) => !single.slice(0, at).some((earlier) => isSame(earlier, branch)))
}

/** Whether a branch gives a row. */
export function gives({ code, codes }: SearchBranch, row: Observation): boolean {
  if (code !== undefined) return hasCode(row, code)
  return codes?.some((one) => hasCode(row, one)) ?? true
}

/** Whose rows a branch finds, as search parameters: the patient and the study, each once, since of each one value is read. */
export function placesOf({ study }: SearchBranch, patient: string | undefined): SearchPairs {
  return [
    ...(patient === undefined ? [] : [['patient', exchangeId(patient)] as const]),
    ...(study === undefined ? [] : [memberOf({ kind: 'study', id: study })]),
  ]
}

/** Two searches for one code give the same, in whatever study they are asked. */
function isSame(a: SearchBranch, b: SearchBranch): boolean {
  if (a.code === undefined || b.code === undefined) return false
  return a.code.system === b.code.system && a.code.code === b.code.code
}

/** A grant by studies alone says what they requested. Throws TypeError for one that was decided without. */
function requireRequestedTypes({ terms }: Grant): void {
  const { studies, organizations, restrictions } = terms
  if (studies.size === 0 || organizations.size > 0 || waysTo(restrictions, 'Observation') !== undefined)
    return
  throw new TypeError('A grant by studies has to say what they requested')
}
