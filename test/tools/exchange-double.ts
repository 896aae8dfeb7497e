import { assertGrant, type Grant } from '../../src/access/grant.ts'
import type { RequestedType } from '../../src/access/restrictions.ts'
import type { Enrolment, Roster } from '../../src/access/roster.ts'
import { rosterOf } from '../../src/access/roster.ts'
import { fhirMcpError } from '../../src/errors.ts'
import type { Capabilities, Exchange, PatientFilter } from '../../src/exchange/exchange.ts'
import { patientByPatient } from '../../src/exchange/patient-by-patient.ts'
import { fitsNames } from '../../src/exchange/patient-names.ts'
import type { Patient, ResearchStudy } from '../../src/fhir/types.ts'

/** What an in-memory exchange holds. Rosters are by `study/<id>` or `organization/<id>`. */
export interface Holdings {
  readonly studies?: readonly ResearchStudy[]
  readonly patients?: readonly Patient[]
  readonly rosters?: Readonly<Record<string, readonly Enrolment[]>>
  readonly capabilities?: Partial<Capabilities>
  /** What studies requested, by id. */
  readonly requested?: Readonly<Record<string, readonly RequestedType[]>>
}

/** A question that was asked, and which patients it named. */
export interface Question {
  readonly method: keyof Exchange
  readonly filter?: PatientFilter
  readonly ids?: readonly string[] | undefined
}

/** An exchange in memory: it keeps to the interface, and every question is written down. */
export interface ExchangeDouble extends Exchange {
  readonly asked: Question[]
}

export const asOf = '2026-11-23T05:00:00.000Z'

/** Makes an exchange in memory. Like real ones it answers within the grant only. */
export function exchangeDouble(holdings: Holdings): ExchangeDouble {
  const asked: Question[] = []
  const studies = holdings.studies ?? []
  const patients = holdings.patients ?? []
  const rosterRows = (grant: Grant) => {
    const { target } = grant.terms
    if (target.kind === 'study') return holdings.rosters?.[`study/${target.study}`] ?? []
    if (target.kind === 'organization') return holdings.rosters?.[`organization/${target.organization}`] ?? []
    throw new TypeError('not a target with a roster')
  }
  return {
    asked,
    async capabilities(grant) {
      assertGrant(grant)
      asked.push({ method: 'capabilities' })
      return {
        dialect: 'hapi',
        fhirVersion: 'R4',
        software: 'HAPI FHIR Server 8.8.0',
        searches: { Patient: ['name', 'birthdate'] },
        asOf,
        ...holdings.capabilities,
      }
    },
    async search() {
      throw new TypeError('this double has no record to search')
    },
    async read() {
      throw new TypeError('this double has no record to read')
    },
    async fhirVersion(grant) {
      assertGrant(grant)
      asked.push({ method: 'fhirVersion' })
      return holdings.capabilities?.fhirVersion ?? 'R4'
    },
    async studies(grant) {
      assertGrant(grant)
      asked.push({ method: 'studies' })
      const found = studies.filter(({ id }) => id !== undefined && grant.allowsStudy(id))
      const ids = found.map(({ id }) => id)
      return { studies: found, missing: [...grant.terms.studies].filter((id) => !ids.includes(id)), gaps: [] }
    },
    async study(grant, id) {
      assertGrant(grant)
      asked.push({ method: 'study' })
      const found = studies.find((study) => study.id === id && grant.allowsStudy(id))
      if (found === undefined) throw fhirMcpError('FORBIDDEN')
      return found
    },
    async roster(grant): Promise<Roster> {
      assertGrant(grant)
      asked.push({ method: 'roster' })
      return rosterOf(rosterRows(grant), true, Date.parse(asOf))
    },
    async enrolments(grant, patient) {
      assertGrant(grant)
      asked.push({ method: 'enrolments', ids: [patient] })
      return rosterRows(grant).filter((row) => row.patient === patient)
    },
    async requestedTypes(grant) {
      assertGrant(grant)
      asked.push({ method: 'requestedTypes' })
      return undefined
    },
    async patients(grant, filter, ids) {
      assertGrant(grant)
      asked.push({ method: 'patients', filter, ids })
      const found = patients.filter(({ id = '', ...patient }) => {
        if (grant.standing(id) !== 'member' || (ids !== undefined && !ids.includes(id))) return false
        return fits({ id, ...patient }, filter)
      })
      return { patients: found, gaps: [] }
    },
    async patient(grant) {
      assertGrant(grant)
      const { target } = grant.terms
      const id = target.kind === 'patient' ? target.patient : ''
      asked.push({ method: 'patient', ids: [id] })
      const found = patients.find((patient) => patient.id === id)
      if (found === undefined) throw fhirMcpError('FORBIDDEN')
      return found
    },
    async observations(grant) {
      assertGrant(grant)
      asked.push({ method: 'observations' })
      return { observations: [], positionAfter: () => undefined, total: 0, gaps: [] }
    },
    async patientObservations(grant, patient) {
      assertGrant(grant)
      asked.push({ method: 'patientObservations', ids: [patient] })
      return { observations: [], positionAfter: () => undefined, total: 0, gaps: [] }
    },
    // Of whatever object this is spread into, so that who replaces one question has replaced both.
    patientsObservations(this: Exchange, grant, query) {
      for (const patient of query.patients)
        if (grant.standing(patient) !== 'member') throw fhirMcpError('FORBIDDEN')
      return patientByPatient((patient, page) => this.patientObservations(grant, patient, page), query)
    },
    async observationNames(grant, ids) {
      assertGrant(grant)
      asked.push({ method: 'observationNames', ids })
      return []
    },
    async imports(grant) {
      assertGrant(grant)
      return 'none'
    },
    async medications(grant, ids) {
      assertGrant(grant)
      asked.push({ method: 'medications', ids })
      return []
    },
    async countPatientObservations(grant, patient) {
      assertGrant(grant)
      asked.push({ method: 'countPatientObservations', ids: [patient] })
      return { count: 0, excluded: 0 }
    },
    countsByPatient: async () => undefined,
    async countObservations(grant) {
      assertGrant(grant)
      asked.push({ method: 'countObservations' })
      return { count: 0, excluded: 0 }
    },
  }
}

function fits(patient: Patient, filter: PatientFilter): boolean {
  const { birthdate, identifier } = filter
  const identified =
    identifier === undefined || (patient.identifier ?? []).some(({ value }) => value === identifier)
  const born = (birthdate ?? []).every((value) => bornWithin(patient.birthDate ?? '', value))
  return fitsNames(patient, filter) && identified && born
}

function bornWithin(birthDate: string, value: string): boolean {
  const day = value.slice(-10)
  const comparisons: Record<string, boolean> = {
    ge: birthDate >= day,
    gt: birthDate > day,
    le: birthDate <= day,
    lt: birthDate < day,
  }
  return comparisons[value.slice(0, -10)] ?? birthDate === day
}
