import type { Caller, Narrowing, Rule } from './narrowing.ts'
import type { RequestedTypes } from './restrictions.ts'
import type { Roster } from './roster.ts'
import type { RosterKey, Target } from './target.ts'
import { isWay, type Ways } from './ways.ts'

/** A roster that was loaded for a decision. */
export interface LoadedRoster {
  readonly key: RosterKey
  readonly roster: Roster
  /** Where in it the patient may stand that it was loaded for. */
  readonly near?: number | undefined
}

/** What is derived once for a call. */
export interface Known {
  readonly rule: Rule
  readonly caller: Caller
  readonly ways: Ways
  /** Whether a role lets the caller call the tool outside of studies and organizations. */
  readonly byNoRole: boolean
  /** Whether scopes let rosters be read: those of anybody, and those of the patient context alone. */
  readonly anyRoster: boolean
  readonly ownRoster: boolean
  /** The types of data of which a study has what it requested; none where studies request nothing. */
  readonly dataTypes: readonly string[]
}

/** What was loaded for a decision. */
export interface Loaded {
  readonly rosters: readonly LoadedRoster[]
  readonly requested: RequestedTypes
}

/** Whether scopes let the rosters be read that a decision needs. */
export function coversNeeded({ anyRoster, ownRoster }: Known, { patientOnly }: Narrowing): boolean {
  return patientOnly ? ownRoster : anyRoster
}

/** The studies and organizations through which a patient is within reach. */
export function waysToPatient({ ways }: Known, patient: string, rosters: readonly LoadedRoster[]) {
  const studies = new Set<string>()
  const organizations = new Set<string>()
  for (const { key, roster, near } of rosters) {
    if (!isWay(ways, key) || roster.membership(patient, near) !== 'enrolled') continue
    if (key.kind === 'study') studies.add(key.id)
    else organizations.add(key.id)
  }
  return { studies, organizations }
}

/** Whether a study or organization is permitted. */
export function mayReach({ caller, ways }: Known, key: RosterKey): boolean {
  return caller.permissions.superuser || isWay(ways, key)
}

/** Whether a study may be what an answer is about: it is permitted, and what it requested is known where that matters. */
export function mayGive(known: Known, study: string, requested: RequestedTypes): boolean {
  return mayReach(known, studyKey(study)) && (known.dataTypes.length === 0 || requested.has(study))
}

/** Whether a patient is the token's own patient context, and may be asked for as such. */
export function isOwn({ caller, byNoRole }: Known, patient: string): boolean {
  return patient === caller.patient && byNoRole
}

/** Whether the superuser rule holds for the caller. */
export function isSuperuser({ caller }: Known): boolean {
  return caller.permissions.superuser
}

/** The roster of a study. */
export function studyKey(id: string): RosterKey {
  return { kind: 'study', id }
}

/** The roster that a target names. */
export function keyOf(target: Extract<Target, { kind: 'study' | 'organization' }>): RosterKey {
  return target.kind === 'study'
    ? { kind: 'study', id: target.study }
    : { kind: 'organization', id: target.organization }
}
