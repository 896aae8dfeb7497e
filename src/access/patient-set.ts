import type { PatientSet } from './grant.ts'
import type { Roster } from './roster.ts'

/** The patients of rosters: enrolled in one of them (and the token's own), and otherwise known. */
export function patientsOf(own: string | undefined, rosters: readonly Roster[]): PatientSet {
  return whenAsked(() => {
    const members = new Set(own === undefined ? [] : [own])
    const known = new Set<string>()
    for (const roster of rosters) {
      for (const { patient, enrolled } of roster.patients()) (enrolled ? members : known).add(patient)
    }
    for (const patient of members) known.delete(patient)
    return { members, known }
  })
}

/** The token's own patient alone; the others are left out of answers, like members with another status. */
export function onlyOwn(everybody: PatientSet | undefined, own: string | undefined): PatientSet {
  return whenAsked(() => {
    const { members, known } = everybody ?? patientsOf(undefined, [])
    const others = [...members, ...known].filter((patient) => patient !== own)
    return {
      members: new Set(own !== undefined && members.has(own) ? [own] : []),
      known: new Set(others),
    }
  })
}

/** A decision costs the same whatever the size of its rosters: their patients are listed when somebody asks. */
function whenAsked(list: () => PatientSet): PatientSet {
  let listed: PatientSet | undefined
  const once = () => {
    listed ??= list()
    return listed
  }
  return {
    get members() {
      return once().members
    },
    get known() {
      return once().known
    },
  }
}
