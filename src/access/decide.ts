import { type Grant, issueGrant } from './grant.ts'
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
import { onlyOwn, patientsOf } from './patient-set.ts'
import type { Restriction } from './restrictions.ts'
import { roleMayCall } from './roles.ts'
import type { Roster } from './roster.ts'
import type { RosterKey, Target } from './target.ts'
import { isWay, type Ways, waysOf } from './ways.ts'

/** A roster that was loaded for a decision. */
export interface LoadedRoster {
  readonly key: RosterKey
  readonly roster: Roster
  /** Where in it the patient may stand that it was loaded for. */
  readonly near?: number | undefined
}

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
  if (waysFor(rule, caller, policy).keys.length > 0) return true
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
export function rostersFor(rule: Rule, caller: Caller, target: Target, policy: Policy): readonly RosterKey[] {
  const narrowing = narrow(rule, caller, policy)
  if (!rule.patients || isInsufficient(narrowing) || !coversRosters(caller, policy, narrowing.patientOnly))
    return []
  if (target.kind === 'study' || target.kind === 'organization') {
    const key = keyOf(target)
    return mayReach(rule, key, caller, policy) ? [key] : []
  }
  if (caller.permissions.superuser || narrowing.patientOnly) return []
  if (target.kind === 'patient' && target.patient === caller.patient) return []
  return waysFor(rule, caller, policy).keys
}

/**
 * Decides a call: pure, synchronous, no I/O. The only maker of a Grant. The rosters that `rostersFor` names must have
 * been loaded; a patient whose membership a roster leaves open is not within reach.
 */
export function decide(
  rule: Rule,
  caller: Caller,
  target: Target,
  rosters: readonly LoadedRoster[],
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
  rosters: readonly LoadedRoster[],
  policy: Policy,
): Grant | Denial {
  // Written out whole: spreading one literal of this size into another takes 2.5 µs, more than the rest of the decision.
  const grantBy = (
    studies: ReadonlySet<string>,
    organizations: ReadonlySet<string>,
    restrictions: readonly Restriction[],
  ) =>
    issueGrant({
      tool: rule.name,
      needs: rule.needs,
      target: { kind: 'patient', patient },
      studies,
      organizations,
      patients: undefined,
      unrestricted: false,
      own: undefined,
      restrictions,
    })
  if (patient === caller.patient && roleMayCall(policy.roles, undefined, rule.name)) {
    return grantBy(new Set(), new Set(), narrowing.ownRestrictions)
  }
  if (narrowing.patientOnly) return forbidden
  if (caller.permissions.superuser) return grantBy(new Set(), new Set(), narrowing.restrictions)
  if (!coversRosters(caller, policy)) return insufficient(rule)
  const ways = waysFor(rule, caller, policy)
  const studies = new Set<string>()
  const organizations = new Set<string>()
  for (const { key, roster, near } of rosters) {
    if (!isWay(ways, key) || roster.membership(patient, near) !== 'enrolled') continue
    if (key.kind === 'study') studies.add(key.id)
    else organizations.add(key.id)
  }
  if (studies.size + organizations.size === 0) return forbidden
  return grantBy(studies, organizations, narrowing.restrictions)
}

function decideReach(
  rule: Rule,
  caller: Caller,
  narrowing: Narrowing,
  rosters: readonly LoadedRoster[],
  policy: Policy,
): Grant | Denial {
  const own =
    caller.patient !== undefined && roleMayCall(policy.roles, undefined, rule.name)
      ? caller.patient
      : undefined
  const base = { tool: rule.name, needs: rule.needs, target: { kind: 'reach' } as const, own }
  if (narrowing.patientOnly) {
    const patients = patientsOf(own, [])
    return issueGrant({
      ...base,
      studies: new Set(),
      organizations: new Set(),
      patients,
      unrestricted: false,
      restrictions: narrowing.ownRestrictions,
    })
  }
  const { restrictions } = narrowing
  const ways = waysFor(rule, caller, policy)
  const { studies, organizations } = ways
  const reach = { ...base, studies, organizations, restrictions }
  if (caller.permissions.superuser) return issueGrant({ ...reach, patients: undefined, unrestricted: true })
  if (!rule.patients) return issueGrant({ ...reach, patients: undefined, unrestricted: false })
  if (ways.keys.length > 0 && !coversRosters(caller, policy)) return insufficient(rule)
  const loaded = rosters.filter(({ key }) => isWay(ways, key)).map(({ roster }) => roster)
  return issueGrant({ ...reach, patients: patientsOf(own, loaded), unrestricted: false })
}

function decideKey(
  rule: Rule,
  caller: Caller,
  target: Extract<Target, { kind: 'study' | 'organization' }>,
  narrowing: Narrowing,
  rosters: readonly LoadedRoster[],
  policy: Policy,
): Grant | Denial {
  const key = keyOf(target)
  if (!mayReach(rule, key, caller, policy)) return forbidden
  if (rule.patients && !coversRosters(caller, policy, narrowing.patientOnly)) return insufficient(rule)
  const roster = rosters.find((one) => one.key.kind === key.kind && one.key.id === key.id)?.roster
  if (roster?.refused) return forbidden
  const everybody = rule.patients && roster !== undefined ? patientsOf(undefined, [roster]) : undefined
  const patients = narrowing.patientOnly ? onlyOwn(everybody, caller.patient) : everybody
  return issueGrant({
    tool: rule.name,
    needs: rule.needs,
    target,
    studies: new Set(key.kind === 'study' ? [key.id] : []),
    organizations: new Set(key.kind === 'organization' ? [key.id] : []),
    patients,
    unrestricted: false,
    own: undefined,
    restrictions: narrowing.patientOnly ? narrowing.ownRestrictions : narrowing.restrictions,
  })
}

function waysFor(rule: Rule, caller: Caller, policy: Policy): Ways {
  return waysOf(caller.permissions, policy.roles, rule.name)
}

function mayReach(rule: Rule, key: RosterKey, caller: Caller, policy: Policy): boolean {
  return caller.permissions.superuser || isWay(waysFor(rule, caller, policy), key)
}

function keyOf(target: Extract<Target, { kind: 'study' | 'organization' }>): RosterKey {
  return target.kind === 'study'
    ? { kind: 'study', id: target.study }
    : { kind: 'organization', id: target.organization }
}
