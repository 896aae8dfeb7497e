import { isDenial, openDecision } from '../../src/access/decide.ts'
import type { Grant } from '../../src/access/grant.ts'
import type { LoadedRoster } from '../../src/access/known.ts'
import { noPermissions, type Permissions } from '../../src/access/permissions.ts'
import { defaultRoles } from '../../src/access/roles.ts'
import { type Enrolment, type Roster, rosterOf } from '../../src/access/roster.ts'
import { parseScopes } from '../../src/access/scopes.ts'
import type { RosterKey, Target } from '../../src/access/target.ts'
import type { SearchCode } from '../../src/fhir/types.ts'

/** Who belongs to a study or organization in a test: patient ids, a `-` before one who is not enrolled (any more). */
export type Rosters = Readonly<Record<string, readonly string[]>>

/** A caller in a test. */
export interface TestCaller {
  readonly studies?: Rosters
  readonly organizations?: Rosters
  readonly superuser?: boolean
  readonly scope?: string
  readonly patient?: string
  /** What studies requested, by study, where the exchange records it. */
  readonly requested?: Readonly<Record<string, readonly SearchCode[]>>
}

/** The grant that a decision makes for a caller; it fails where there is none. */
export function grantFor(caller: TestCaller, target: Target, patients = true, type = 'Observation'): Grant {
  const { studies = {}, organizations = {}, superuser = false, requested } = caller
  const permissions: Permissions = {
    ...noPermissions,
    studies: new Map(Object.keys(studies).map((id) => [id, { id, organizations: [] }])),
    organizations: new Map(Object.keys(organizations).map((id) => [id, { id, name: undefined, roles: [] }])),
    superuser,
  }
  const open = openDecision(
    { name: 'a_tool', needs: [{ types: [type] }], patients },
    { permissions, scopes: parseScopes(caller.scope), patient: caller.patient },
    {
      roles: defaultRoles,
      traits: requested && { categories: false, groups: true, requestedTypes: true },
    },
  )
  const rosters = [...loadedFrom('study', studies), ...loadedFrom('organization', organizations)]
  const decision = open.decide(target, rosters, new Map(Object.entries(requested ?? {})))
  if (isDenial(decision)) throw new Error(`denied: ${decision.denied}`)
  return decision
}

function loadedFrom(kind: RosterKey['kind'], rosters: Rosters): LoadedRoster[] {
  return Object.entries(rosters).map(([id, patients]) => ({
    key: { kind, id },
    roster: rosterFrom(patients),
  }))
}

function rosterFrom(patients: readonly string[]): Roster {
  const rows = patients.map((entry): Enrolment => {
    const enrolled = !entry.startsWith('-')
    const status = enrolled ? 'on-study' : 'withdrawn'
    const patient = enrolled ? entry : entry.slice(1)
    return { patient, subject: undefined, codes: [], status, enrolled, start: undefined, end: undefined }
  })
  return rosterOf(rows, true, 0)
}

/** Targets in short. */
export const on = {
  patient: (patient: string, study?: string): Target => ({
    kind: 'patient',
    patient,
    ...(study === undefined ? {} : { study }),
  }),
  study: (study: string) => ({ kind: 'study', study }) as const,
  organization: (organization: string) => ({ kind: 'organization', organization }) as const,
  reach: { kind: 'reach' } as const,
}

/** The patients of a roster. */
export function idsIn(roster: Roster): string[] {
  return [...roster.patients()].map(({ patient }) => patient)
}
