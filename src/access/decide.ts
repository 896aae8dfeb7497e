import { decideOn, forbidden } from './decide-target.ts'
import type { Grant } from './grant.ts'
import {
  coversNeeded,
  isOwn,
  isSuperuser,
  type Known,
  keyOf,
  type LoadedRoster,
  mayReach,
  studyKey,
  waysToPatient,
} from './known.ts'
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
import { type RequestedTypes, typesOfData } from './restrictions.ts'
import { roleMayCall } from './roles.ts'
import type { RosterKey, Target } from './target.ts'
import { waysOf } from './ways.ts'

/**
 * The decision on one call before its target is known: what follows from rule, caller and policy alone, derived once. Pure,
 * synchronous, no I/O.
 */
export interface OpenDecision {
  readonly rule: Rule
  readonly policy: Policy
  /**
   * Whether the tool is listed: roles and permissions could allow it for some target. Scopes are left out, since one that is
   * missing can be asked for.
   */
  readonly listed: boolean
  /** What scopes the rule lacks, whatever the call is about; undefined when none. */
  readonly missingScopes: Denial | undefined
  /** Whether scopes narrow the call to the token's own patient context. */
  readonly patientOnly: boolean
  /** Whether it depends on the dialect: on scopes that not every one can evaluate, or on what studies requested. */
  readonly needsTraits: boolean
  /**
   * The rosters that the decision on this target needs: of permitted studies and organizations only, and none where
   * permissions, roles or scopes already say no or where the token's own patient context is enough.
   */
  rostersFor(target: Target): readonly RosterKey[]
  /**
   * The studies of which the decision needs to know what types of data they requested, given the rosters. A study that the call
   * names is among them whatever the rosters say.
   */
  studiesFor(target: Target, rosters: readonly LoadedRoster[]): readonly string[]
  /**
   * Decides: the only maker of a Grant. The rosters that `rostersFor` names must have been loaded, and what the studies
   * requested that `studiesFor` names; a patient whose membership a roster leaves open is not within reach, and a study of which
   * it is not known gives nothing.
   */
  decide(target: Target, rosters: readonly LoadedRoster[], requested?: RequestedTypes): Grant | Denial
}

const nothingRequested: RequestedTypes = new Map()

/** Whether something decided is a denial. */
export function isDenial(decision: Grant | Denial): decision is Denial {
  return 'denied' in decision
}

/** Opens the decision on a call of a tool (or resource) by a caller. */
export function openDecision(rule: Rule, caller: Caller, policy: Policy): OpenDecision {
  const narrowing = narrow(rule, caller, policy)
  const dataTypes = rule.patients ? typesOfData(rule.needs.flatMap(({ types }) => types)) : []
  const known: Known = {
    rule,
    caller,
    ways: waysOf(caller.permissions, policy.roles, rule.name),
    byNoRole: roleMayCall(policy.roles, undefined, rule.name),
    anyRoster: coversRosters(caller, policy),
    ownRoster: coversRosters(caller, policy, true),
    dataTypes: policy.traits?.requestedTypes ? dataTypes : [],
  }
  const listed = isListed(known)
  return {
    rule,
    policy,
    listed,
    missingScopes: isInsufficient(narrowing) ? narrowing : lackingRosters(known, narrowing),
    patientOnly: !isInsufficient(narrowing) && narrowing.patientOnly,
    needsTraits: caller.scopes.present || dataTypes.length > 0,
    rostersFor: (target) => (isInsufficient(narrowing) ? [] : rostersFor(known, narrowing, target)),
    studiesFor: (target, rosters) =>
      isInsufficient(narrowing) ? [] : studiesFor(known, narrowing, target, rosters),
    decide(target, rosters, requested = nothingRequested) {
      if (isInsufficient(narrowing)) return narrowing
      return listed ? decideOn(known, narrowing, target, { rosters, requested }) : forbidden
    },
  }
}

function isListed({ rule, caller, ways, byNoRole }: Known): boolean {
  const { studies, organizations, superuser } = caller.permissions
  if (superuser || rule.needs.length === 0 || ways.keys.length > 0) return true
  const nothing = studies.size + organizations.size === 0
  return (nothing || caller.patient !== undefined) && byNoRole
}

function lackingRosters({ rule, caller, anyRoster }: Known, { patientOnly }: Narrowing): Denial | undefined {
  const byRoster = rule.patients && !patientOnly && caller.patient === undefined
  return byRoster && !anyRoster ? insufficient({ rule, caller }) : undefined
}

function rostersFor(known: Known, narrowing: Narrowing, target: Target): readonly RosterKey[] {
  const { rule, caller, ways } = known
  if (!rule.patients || !coversNeeded(known, narrowing)) return []
  if (target.kind === 'study' || target.kind === 'organization') {
    const key = keyOf(target)
    return mayReach(known, key) ? [key] : []
  }
  if (caller.permissions.superuser || narrowing.patientOnly) return []
  if (target.kind === 'patient' && target.patient === caller.patient) return []
  return ways.keys
}

function studiesFor(
  known: Known,
  narrowing: Narrowing,
  target: Target,
  rosters: readonly LoadedRoster[],
): readonly string[] {
  if (known.dataTypes.length === 0) return []
  switch (target.kind) {
    case 'study':
      return mayReach(known, keyOf(target)) ? [target.study] : []
    case 'patient': {
      if (target.study !== undefined) return mayReach(known, studyKey(target.study)) ? [target.study] : []
      if (isOwn(known, target.patient) || narrowing.patientOnly || isSuperuser(known)) return []
      const { studies, organizations } = waysToPatient(known, target.patient, rosters)
      return organizations.size > 0 ? [] : [...studies]
    }
    case 'reach':
      return narrowing.patientOnly || isSuperuser(known) ? [] : [...known.ways.studies]
    default:
      return []
  }
}
