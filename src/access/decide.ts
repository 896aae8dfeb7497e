import { type Grant, issueGrant, type PatientSet } from './grant.ts'
import {
  type Caller,
  coversRosters,
  type Denial,
  insufficient,
  isInsufficient,
  type Narrowing,
  narrow,
  type Policy,
  type Rule,
} from './narrowing.ts'
import type { Permissions } from './permissions.ts'
import { roleMayCall, roleOfStudy } from './roles.ts'
import { enrolledIn, membershipOf, type Roster } from './roster.ts'
import type { RosterKey, Target } from './target.ts'

/** A target that a decision can be made on. */
export type DecidedTarget = Exclude<Target, { kind: 'none' }>

/** The rosters that were loaded for a decision. */
export type Rosters = (key: RosterKey) => Roster | undefined

const forbidden: Denial = { denied: 'FORBIDDEN', scopes: [] }

/** Whether something decided is a denial. */
export function isDenial(decision: Grant | Denial): decision is Denial {
  return 'denied' in decision
}

/**
 * Whether a tool is listed for a caller: roles and permissions could allow it for some target. Scopes are left out,
 * since one that is missing can be asked for.
 */
export function mayList(rule: Rule, caller: Caller, policy: Policy): boolean {
  const { permissions } = caller
  if (permissions.superuser || rule.needs.length === 0) return true
  if (waysOf(rule, permissions, policy).length > 0) return true
  const nothing = permissions.studies.size + permissions.organizations.size === 0
  return (nothing || caller.patient !== undefined) && roleMayCall(policy.roles, undefined, rule.name)
}

/** What scopes a rule lacks, whatever the call is about; undefined when none. Needs no request and no target. */
export function missingScopes(rule: Rule, caller: Caller, policy: Policy): Denial | undefined {
  const narrowing = narrow(rule, caller, policy)
  if (isInsufficient(narrowing)) return narrowing
  const byRoster = rule.patients && !narrowing.patientOnly && caller.patient === undefined
  return byRoster && !coversRosters(caller, policy) ? insufficient(rule) : undefined
}

/**
 * The rosters that a decision on this target needs: of permitted studies and organizations only, and none where
 * permissions, roles or scopes already say no or where the token's own patient context is enough.
 */
export function rostersFor(rule: Rule, caller: Caller, target: DecidedTarget, policy: Policy): RosterKey[] {
  const narrowing = narrow(rule, caller, policy)
  if (!rule.patients || isInsufficient(narrowing) || !coversRosters(caller, policy, narrowing.patientOnly))
    return []
  if (target.kind === 'study' || target.kind === 'organization') {
    const key = keyOf(target)
    return mayReach(rule, key, caller.permissions, policy) ? [key] : []
  }
  if (caller.permissions.superuser || narrowing.patientOnly) return []
  if (target.kind === 'patient' && target.patient === caller.patient) return []
  return waysOf(rule, caller.permissions, policy)
}

/**
 * Decides a call: pure, synchronous, no I/O. The only maker of a Grant. The rosters that `rostersFor` names must have
 * been loaded; a patient whose membership a roster leaves open is not within reach.
 */
export function decide(
  rule: Rule,
  caller: Caller,
  target: DecidedTarget,
  rosters: Rosters,
  policy: Policy,
): Grant | Denial {
  const narrowing = narrow(rule, caller, policy)
  if (isInsufficient(narrowing)) return narrowing
  if (!mayList(rule, caller, policy)) return forbidden
  switch (target.kind) {
    case 'patient':
      return decidePatient(rule, caller, target.patient, narrowing, rosters, policy)
    case 'reach':
      return decideReach(rule, caller, narrowing, rosters, policy)
    default:
      return decideKey(rule, caller, target, narrowing, rosters, policy)
  }
}

function decidePatient(
  rule: Rule,
  caller: Caller,
  patient: string,
  narrowing: Narrowing,
  rosters: Rosters,
  policy: Policy,
): Grant | Denial {
  const target = { kind: 'patient', patient } as const
  const terms = { tool: rule.name, target, patients: undefined, unrestricted: false, own: undefined }
  if (patient === caller.patient && roleMayCall(policy.roles, undefined, rule.name)) {
    const nothing = { studies: new Set<string>(), organizations: new Set<string>() }
    return issueGrant({ ...terms, ...nothing, categories: narrowing.ownCategories })
  }
  if (narrowing.patientOnly) return forbidden
  const { categories } = narrowing
  if (caller.permissions.superuser) {
    return issueGrant({ ...terms, studies: new Set(), organizations: new Set(), categories })
  }
  if (!coversRosters(caller, policy)) return insufficient(rule)
  const found = waysOf(rule, caller.permissions, policy).filter((way) => {
    const roster = rosters(way)
    return roster !== undefined && membershipOf(roster, patient) === 'enrolled'
  })
  if (found.length === 0) return forbidden
  return issueGrant({
    ...terms,
    studies: idsOf(found, 'study'),
    organizations: idsOf(found, 'organization'),
    categories,
  })
}

function decideReach(
  rule: Rule,
  caller: Caller,
  narrowing: Narrowing,
  rosters: Rosters,
  policy: Policy,
): Grant | Denial {
  const own =
    caller.patient !== undefined && roleMayCall(policy.roles, undefined, rule.name)
      ? caller.patient
      : undefined
  const base = { tool: rule.name, target: { kind: 'reach' } as const, own }
  if (narrowing.patientOnly) {
    const patients = patientSet(own, [])
    const categories = narrowing.ownCategories
    return issueGrant({
      ...base,
      studies: new Set(),
      organizations: new Set(),
      patients,
      unrestricted: false,
      categories,
    })
  }
  const { categories } = narrowing
  const ways = waysOf(rule, caller.permissions, policy)
  const reach = {
    ...base,
    studies: idsOf(ways, 'study'),
    organizations: idsOf(ways, 'organization'),
    categories,
  }
  if (caller.permissions.superuser) return issueGrant({ ...reach, patients: undefined, unrestricted: true })
  if (!rule.patients) return issueGrant({ ...reach, patients: undefined, unrestricted: false })
  if (ways.length > 0 && !coversRosters(caller, policy)) return insufficient(rule)
  const loaded = ways.map((way) => rosters(way)).filter((roster) => roster !== undefined)
  return issueGrant({
    ...reach,
    patients: patientSet(own, loaded),
    unrestricted: false,
  })
}

function decideKey(
  rule: Rule,
  caller: Caller,
  target: Extract<Target, { kind: 'study' | 'organization' }>,
  narrowing: Narrowing,
  rosters: Rosters,
  policy: Policy,
): Grant | Denial {
  const key = keyOf(target)
  if (!mayReach(rule, key, caller.permissions, policy)) return forbidden
  if (rule.patients && !coversRosters(caller, policy, narrowing.patientOnly)) return insufficient(rule)
  const roster = rosters(key)
  if (roster?.refused) return forbidden
  const everybody = rule.patients && roster !== undefined ? patientSet(undefined, [roster]) : undefined
  const patients = narrowing.patientOnly ? onlyOwn(everybody, caller.patient) : everybody
  return issueGrant({
    tool: rule.name,
    target,
    studies: idsOf([key], 'study'),
    organizations: idsOf([key], 'organization'),
    patients,
    unrestricted: false,
    own: undefined,
    categories: narrowing.patientOnly ? narrowing.ownCategories : narrowing.categories,
  })
}

/** The studies and organizations of the claim in which the caller's role may call the tool. */
function waysOf(rule: Rule, permissions: Permissions, policy: Policy): RosterKey[] {
  const keys: RosterKey[] = []
  for (const id of permissions.studies.keys()) keys.push({ kind: 'study', id })
  for (const id of permissions.organizations.keys()) keys.push({ kind: 'organization', id })
  return keys.filter((key) => roleMayCall(policy.roles, roleOf(key, permissions, policy), rule.name))
}

function mayReach(rule: Rule, key: RosterKey, permissions: Permissions, policy: Policy): boolean {
  if (permissions.superuser) return true
  const named = key.kind === 'study' ? permissions.studies.has(key.id) : permissions.organizations.has(key.id)
  return named && roleMayCall(policy.roles, roleOf(key, permissions, policy), rule.name)
}

function roleOf(key: RosterKey, permissions: Permissions, policy: Policy): string | undefined {
  return key.kind === 'study'
    ? roleOfStudy(policy.roles, permissions, key.id)
    : permissions.organizations.get(key.id)?.role
}

function keyOf(target: Extract<Target, { kind: 'study' | 'organization' }>): RosterKey {
  return target.kind === 'study'
    ? { kind: 'study', id: target.study }
    : { kind: 'organization', id: target.organization }
}

function idsOf(keys: readonly RosterKey[], kind: RosterKey['kind']): Set<string> {
  return new Set(keys.filter((key) => key.kind === kind).map((key) => key.id))
}

function patientSet(own: string | undefined, rosters: readonly Roster[]): PatientSet {
  const members = new Set(own === undefined ? [] : [own])
  for (const roster of rosters) for (const patient of enrolledIn(roster)) members.add(patient)
  const known = new Set<string>()
  for (const roster of rosters) {
    for (const patient of roster.enrolments.keys()) if (!members.has(patient)) known.add(patient)
  }
  return { members, known }
}

/** The others of the same study are left out of answers, like members with another status. */
function onlyOwn(everybody: PatientSet | undefined, own: string | undefined): PatientSet {
  const members = new Set(own !== undefined && everybody?.members.has(own) ? [own] : [])
  const others = [...(everybody?.members ?? []), ...(everybody?.known ?? [])]
  return { members, known: new Set(others.filter((patient) => patient !== own)) }
}
