import type { ErrorName } from '../errors.ts'
import type { Permissions } from './permissions.ts'
import { byCategories, type Restriction } from './restrictions.ts'
import type { RoleTable } from './roles.ts'
import {
  clausesFor,
  type ScopeClause,
  type ScopeNeed,
  type Scopes,
  scopesFor,
  whyScopesNarrow,
} from './scopes.ts'

/** What a tool (or resource) declares of itself for the decision. */
export interface Rule {
  readonly name: string
  /** The types that it reads; each need is met by any one of its types. */
  readonly needs: readonly ScopeNeed[]
  /** Whether its answers are about patients, so that the rosters have to say whom they may be about. */
  readonly patients: boolean
}

/** What of the dialect matters to a decision. While it is not known yet, nothing is refused on its account. */
export interface DialectTraits {
  /** Whether `category` can be evaluated in searches and on answers. */
  readonly categories: boolean
  /** Whether a study is a `Group`, so that `Group.rs` covers it. */
  readonly groups: boolean
  /** Whether a study requests types of data, which are all that it has of its patients. */
  readonly requestedTypes: boolean
}

/** The caller's side of a decision. */
export interface Caller {
  readonly permissions: Permissions
  readonly scopes: Scopes
  readonly patient: string | undefined
}

/** Who asks for what. */
export interface Asking {
  readonly rule: Rule
  readonly caller: Caller
}

/** What the operator configured and what is known of the exchange. */
export interface Policy {
  readonly roles: RoleTable
  readonly traits: DialectTraits | undefined
}

/** Why not. It says no more than the caller may know. */
export interface Denial {
  readonly denied: Extract<ErrorName, 'FORBIDDEN' | 'INSUFFICIENT_SCOPE'>
  /** All scopes that the call needs, where scopes are what is missing. */
  readonly scopes: readonly string[]
  /** Why scopes count for this token, where they are what is missing. */
  readonly detail?: string
}

/** A need for a study: its resource. */
export const studyNeed: ScopeNeed = { types: ['ResearchStudy', 'Group'] }
/** A need for a roster: who is enrolled. */
export const rosterNeed: ScopeNeed = { types: ['Patient', 'ResearchSubject'] }

/** How scopes narrow a rule. */
export interface Narrowing {
  readonly patientOnly: boolean
  /** What scopes leave of anybody's resources, and of those of the patient context. */
  readonly restrictions: readonly Restriction[]
  readonly ownRestrictions: readonly Restriction[]
}

/** How the caller's scopes narrow a rule; a denial when they do not cover it. */
export function narrow(rule: Rule, caller: Caller, policy: Policy): Narrowing | Denial {
  let patientOnly = false
  let restrictions: readonly Restriction[] = []
  let ownRestrictions = restrictions
  for (const need of rule.needs) {
    const clauses = usableClauses(need, caller.scopes, policy.traits)
    if (clauses.length === 0) return insufficient({ rule, caller })
    if (clauses.every((clause) => clause.patientOnly)) patientOnly = true
    if (!need.types.includes('Observation')) continue
    restrictions = byCategories(categoriesOf(clauses.filter((clause) => !clause.patientOnly)))
    ownRestrictions = byCategories(categoriesOf(clauses))
  }
  return { patientOnly, restrictions, ownRestrictions }
}

/** A clause that cannot be evaluated on this dialect, or not for this type, grants nothing. */
function usableClauses(need: ScopeNeed, scopes: Scopes, traits: DialectTraits | undefined): ScopeClause[] {
  const types = traits?.groups === false ? need.types.filter((type) => type !== 'Group') : need.types
  const byCategory = need.types.includes('Observation') && traits?.categories !== false
  const inCompartment = !need.types.includes('ResearchStudy')
  return clausesFor(scopes, { types }).filter(
    (clause) => (clause.categories === undefined || byCategory) && (!clause.patientOnly || inCompartment),
  )
}

function categoriesOf(clauses: readonly ScopeClause[]): readonly string[] | undefined {
  const union = new Set<string>()
  for (const { categories } of clauses) {
    if (categories === undefined) return undefined
    for (const category of categories) union.add(category)
  }
  return [...union]
}

/** Whether the scopes let a roster be read (with `ownIsEnough`, of the patient context alone). */
export function coversRosters(caller: Caller, policy: Policy, ownIsEnough = false): boolean {
  const clauses = usableClauses(rosterNeed, caller.scopes, policy.traits)
  return clauses.some((clause) => ownIsEnough || !clause.patientOnly)
}

/** The denial that names all scopes of a rule. */
export function insufficient({ rule, caller }: Asking): Denial {
  const needs = rule.patients ? [...rule.needs, rosterNeed] : rule.needs
  return { denied: 'INSUFFICIENT_SCOPE', scopes: scopesFor(needs), detail: whyScopesNarrow(caller.scopes) }
}

/** Whether scopes do not cover a rule. */
export function isInsufficient(narrowing: Narrowing | Denial): narrowing is Denial {
  return 'denied' in narrowing
}
