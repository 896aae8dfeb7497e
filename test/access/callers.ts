import { openDecision } from '../../src/access/decide.ts'
import type { LoadedRoster } from '../../src/access/known.ts'
import type { Caller, Policy, Rule } from '../../src/access/narrowing.ts'
import { parsePermissions } from '../../src/access/permissions.ts'
import { defaultRoles } from '../../src/access/roles.ts'
import { type Roster, rosterOf } from '../../src/access/roster.ts'
import { parseScopes } from '../../src/access/scopes.ts'
import type { Target } from '../../src/access/target.ts'

/** A caller with these studies, organizations, scopes and patient context. */
export function callerOf(given: {
  studies?: unknown[]
  organizations?: unknown[]
  scope?: string
  patient?: string
  superuser?: boolean
}): Caller {
  const permissions = parsePermissions({
    studies: given.studies ?? [],
    organizations: given.organizations ?? [],
  })
  return {
    permissions: { ...permissions, superuser: given.superuser ?? false },
    scopes: parseScopes(given.scope),
    patient: given.patient,
  }
}

/** A roster of these patients: `pat-1` enrolled, `-pat-2` known but not enrolled. */
export function rosterFor(...patients: string[]): Roster {
  const rows = patients.map((text) => {
    const enrolled = !text.startsWith('-')
    const patient = enrolled ? text : text.slice(1)
    const status = enrolled ? 'on-study' : 'withdrawn'
    return {
      patient,
      subject: `rs-${patient}`,
      codes: [],
      status,
      enrolled,
      start: undefined,
      end: undefined,
    }
  })
  return rosterOf(rows, true, 0)
}

export const observationRule: Rule = { name: 'observe', needs: [{ types: ['Observation'] }], patients: true }
export const patientRule: Rule = { name: 'demographics', needs: [{ types: ['Patient'] }], patients: true }
export const studyRule: Rule = {
  name: 'studies',
  needs: [{ types: ['ResearchStudy', 'Group'] }],
  patients: false,
}
export const openRule: Rule = { name: 'capabilities', needs: [], patients: false }

export const policy: Policy = {
  roles: defaultRoles,
  traits: { categories: true, groups: false, requestedTypes: false },
}
export const jupyterhealth: Policy = {
  roles: defaultRoles,
  traits: { categories: false, groups: true, requestedTypes: true },
}

/** One decision, opened and made. */
export function decide(
  rule: Rule,
  caller: Caller,
  target: Target,
  rosters: readonly LoadedRoster[],
  by: Policy,
) {
  return openDecision(rule, caller, by).decide(target, rosters)
}

/** The rosters that a decision needs. */
export function rostersFor(rule: Rule, caller: Caller, target: Target, by: Policy) {
  return openDecision(rule, caller, by).rostersFor(target)
}
