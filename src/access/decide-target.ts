import { type Grant, issueGrant, type PatientSet } from './grant.ts'
import {
  coversNeeded,
  isOwn,
  isSuperuser,
  type Known,
  keyOf,
  type Loaded,
  type LoadedRoster,
  mayGive,
  mayReach,
  waysToPatient,
} from './known.ts'
import { type Denial, insufficient, type Narrowing } from './narrowing.ts'
import { onlyOwn, patientsOf } from './patient-set.ts'
import { bothOf, byStudies, codeOf, type RequestedTypes, type Restriction } from './restrictions.ts'
import type { Target } from './target.ts'
import { isWay } from './ways.ts'

export const forbidden: Denial = { denied: 'FORBIDDEN', scopes: [] }

/** Decides on a target, as far as scopes and listing allow the call: the only maker of a Grant. */
export function decideOn(known: Known, narrowing: Narrowing, target: Target, loaded: Loaded): Grant | Denial {
  switch (target.kind) {
    case 'patient':
      return decidePatient(known, narrowing, target, loaded)
    case 'reach':
      return decideReach(known, narrowing, loaded)
    default:
      return decideKey(known, narrowing, target, loaded)
  }
}

function decidePatient(
  known: Known,
  narrowing: Narrowing,
  target: Extract<Target, { kind: 'patient' }>,
  { rosters, requested }: Loaded,
): Grant | Denial {
  const { rule, dataTypes } = known
  const { patient, study } = target
  // Written out whole: spreading one literal of this size into another takes 2.5 µs, more than the rest of the decision.
  const grantBy = (
    studies: ReadonlySet<string>,
    organizations: ReadonlySet<string>,
    restrictions: readonly Restriction[],
    own?: string,
  ) =>
    issueGrant({
      tool: rule.name,
      needs: rule.needs,
      target,
      studies,
      organizations,
      patients: undefined,
      unrestricted: false,
      own,
      restrictions,
    })
  if (study !== undefined && !mayGive(known, study, requested)) return forbidden
  const within = (scopes: readonly Restriction[], studies: Iterable<string> | undefined) =>
    dataTypes.length === 0 || studies === undefined
      ? scopes
      : bothOf(scopes, byStudies(dataTypes, studies, requested))
  const inStudy = study === undefined ? undefined : [study]
  if (isOwn(known, patient)) {
    return grantBy(new Set(), new Set(), within(narrowing.ownRestrictions, inStudy), patient)
  }
  if (narrowing.patientOnly) return forbidden
  if (isSuperuser(known)) return grantBy(new Set(), new Set(), within(narrowing.restrictions, inStudy))
  if (!known.anyRoster) return insufficient(known)
  const { studies, organizations } = waysToPatient(known, patient, rosters)
  if (studies.size + organizations.size === 0) return forbidden
  const byStudiesAlone = organizations.size === 0
  if (byStudiesAlone && ![...studies].some((one) => mayGive(known, one, requested))) return forbidden
  return grantBy(
    studies,
    organizations,
    within(narrowing.restrictions, inStudy ?? (byStudiesAlone ? studies : undefined)),
  )
}

function decideReach(known: Known, narrowing: Narrowing, { rosters, requested }: Loaded): Grant | Denial {
  const { rule, caller, ways, byNoRole, anyRoster } = known
  const own = caller.patient !== undefined && byNoRole ? caller.patient : undefined
  const base = { tool: rule.name, needs: rule.needs, target: { kind: 'reach' } as const, own }
  if (narrowing.patientOnly) {
    return issueGrant({
      ...base,
      studies: new Set(),
      organizations: new Set(),
      patients: patientsOf(own, []),
      unrestricted: false,
      restrictions: narrowing.ownRestrictions,
    })
  }
  const { restrictions } = narrowing
  const { studies, organizations } = ways
  const reach = { ...base, studies, organizations, restrictions }
  if (caller.permissions.superuser) return issueGrant({ ...reach, patients: undefined, unrestricted: true })
  if (!rule.patients) return issueGrant({ ...reach, patients: undefined, unrestricted: false })
  if (ways.keys.length > 0 && !anyRoster) return insufficient(known)
  const loaded = rosters.filter(({ key }) => isWay(ways, key))
  return issueGrant({
    ...reach,
    patients: patientsOf(
      own,
      loaded.map(({ roster }) => roster),
    ),
    unrestricted: false,
    restrictions: bothOf(restrictions, byWays(known, own, loaded, requested)),
  })
}

/** What each way leaves of its patients: an organization everything, a study the types that it requested. */
function byWays(
  { dataTypes, ways }: Known,
  own: string | undefined,
  rosters: readonly LoadedRoster[],
  requested: RequestedTypes,
): readonly Restriction[] {
  if (dataTypes.length === 0 || ways.studies.size === 0) return []
  const whole = patientsOf(
    own,
    rosters.filter(({ key }) => key.kind === 'organization').map(({ roster }) => roster),
  )
  const ofStudies = rosters.flatMap(({ key, roster }): Restriction[] => {
    const codes = key.kind === 'study' ? requested.get(key.id) : undefined
    if (codes === undefined) return []
    const members = patientsOf(undefined, [roster])
    return [withPatients({ types: ['Observation'], study: key.id, codes: codes.map(codeOf) }, members)]
  })
  return [withPatients({ types: dataTypes }, whole), ...ofStudies]
}

/** The patients are listed when somebody asks. */
function withPatients(restriction: Restriction, patients: PatientSet): Restriction {
  return Object.defineProperty({ ...restriction }, 'patients', {
    get: () => patients.members,
    enumerable: true,
  })
}

function decideKey(
  known: Known,
  narrowing: Narrowing,
  target: Extract<Target, { kind: 'study' | 'organization' }>,
  { rosters, requested }: Loaded,
): Grant | Denial {
  const { rule, caller, dataTypes } = known
  const key = keyOf(target)
  if (!mayReach(known, key)) return forbidden
  if (rule.patients && !coversNeeded(known, narrowing)) return insufficient(known)
  const roster = rosters.find((one) => one.key.kind === key.kind && one.key.id === key.id)?.roster
  if (roster?.refused) return forbidden
  if (key.kind === 'study' && !mayGive(known, key.id, requested)) return forbidden
  const scopes = narrowing.patientOnly ? narrowing.ownRestrictions : narrowing.restrictions
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
    restrictions:
      key.kind === 'study' && dataTypes.length > 0
        ? bothOf(scopes, byStudies(dataTypes, [key.id], requested))
        : scopes,
  })
}
