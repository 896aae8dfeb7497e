import { assertGrant, type Grant } from '../access/grant.ts'
import type { RequestedType } from '../access/restrictions.ts'
import type { Enrolment, Roster } from '../access/roster.ts'
import type { CompartmentType } from '../fhir/compartment.ts'
import type { AnyResource, Observation, Patient, ResearchStudy } from '../fhir/types.ts'
import type { Asking } from './asking.ts'
import { patientOfGrant } from './check.ts'
import type {
  Exchange,
  HeldResource,
  ImportStanding,
  ObservationCount,
  ObservationFilter,
  ObservationPage,
  ObservationPageQuery,
  PatientFilter,
  PatientList,
  PatientsPage,
  PatientsQuery,
  ResourcePage,
  ResourceQuery,
  StudyList,
} from './exchange.ts'
import { withFocusHeld } from './focus.ts'

/** How one kind of exchange is asked: the questions of `Exchange`, each with what it works with and a grant. */
export interface Dialect {
  studiesOf(asking: Asking, grant: Grant): Promise<StudyList>
  studyOf(asking: Asking, grant: Grant, id: string): Promise<ResearchStudy>
  rosterFor(asking: Asking, grant: Grant, limit: number): Promise<Roster>
  enrolmentsOf(asking: Asking, grant: Grant, patient: string): Promise<readonly Enrolment[]>
  requestedTypesOf(asking: Asking, grant: Grant): Promise<readonly RequestedType[] | undefined>
  patientsOf(
    asking: Asking,
    grant: Grant,
    filter: PatientFilter,
    ids: readonly string[] | undefined,
  ): Promise<PatientList>
  patientOf(asking: Asking, grant: Grant): Promise<Patient>
  observationsOf(
    asking: Asking,
    grant: Grant,
    patient: string,
    query: ObservationPageQuery,
  ): Promise<ObservationPage>
  observationsOfPatients(asking: Asking, grant: Grant, query: PatientsQuery): AsyncIterable<PatientsPage>
  namesOf(
    asking: Asking,
    grant: Grant,
    patient: string,
    ids: readonly string[],
  ): Promise<readonly Observation[]>
  importsOf(grant: Grant, patient: string | undefined): ImportStanding
  medicationsOf(asking: Asking, grant: Grant, ids: readonly string[]): Promise<readonly AnyResource[]>
  countOfPatient(
    asking: Asking,
    grant: Grant,
    patient: string,
    filter: ObservationFilter,
  ): Promise<ObservationCount>
  countOfAll(asking: Asking, grant: Grant, filter: ObservationFilter): Promise<ObservationCount>
  searchOf(asking: Asking, grant: Grant, type: CompartmentType, query: ResourceQuery): Promise<ResourcePage>
  readOf(asking: Asking, grant: Grant, type: CompartmentType, id: string): Promise<HeldResource>
}

/** A dialect, and what it works with in one call. */
export interface Spoken {
  readonly dialect: Dialect
  readonly asking: Asking
}

/** The exchange for one call. The grant comes before everything, also before `find` looks which dialect it is. */
export function createExchange(find: () => Promise<Spoken>): Exchange {
  async function ask<T>(grant: Grant, question: (spoken: Spoken) => Promise<T>): Promise<T> {
    assertGrant(grant)
    return question(await find())
  }
  return {
    capabilities: (grant) => ask(grant, ({ asking }) => asking.capabilities()),
    fhirVersion: (grant) => ask(grant, ({ asking }) => asking.version()),
    studies: (grant) => ask(grant, ({ dialect, asking }) => dialect.studiesOf(asking, grant)),
    study: (grant, id) => ask(grant, ({ dialect, asking }) => dialect.studyOf(asking, grant, id)),
    roster: (grant, limit) => ask(grant, ({ dialect, asking }) => dialect.rosterFor(asking, grant, limit)),
    enrolments: (grant, patient) =>
      ask(grant, ({ dialect, asking }) => dialect.enrolmentsOf(asking, grant, patient)),
    requestedTypes: (grant) => ask(grant, ({ dialect, asking }) => dialect.requestedTypesOf(asking, grant)),
    patients: (grant, filter, ids) =>
      ask(grant, ({ dialect, asking }) => dialect.patientsOf(asking, grant, filter, ids)),
    patient: (grant) => ask(grant, ({ dialect, asking }) => dialect.patientOf(asking, grant)),
    observations: (grant, query) =>
      ask(grant, ({ dialect, asking }) =>
        pageOf(asking, dialect.observationsOf(asking, grant, patientOfGrant(grant), query)),
      ),
    patientObservations: (grant, patient, query) =>
      ask(grant, ({ dialect, asking }) =>
        pageOf(asking, dialect.observationsOf(asking, grant, patient, query)),
      ),
    async *patientsObservations(grant, query) {
      const { dialect, asking } = await ask(grant, async (spoken) => spoken)
      for await (const page of dialect.observationsOfPatients(asking, grant, query)) {
        const observations = page.observations.map(({ patient, observation }) => ({
          patient,
          observation: withFocusHeld(observation, asking.client.baseUrl),
        }))
        yield { ...page, observations }
      }
    },
    observationNames: (grant, ids) =>
      ask(grant, ({ dialect, asking }) => dialect.namesOf(asking, grant, patientOfGrant(grant), ids)),
    imports: (grant, patient) => ask(grant, async ({ dialect }) => dialect.importsOf(grant, patient)),
    medications: (grant, ids) =>
      ask(grant, ({ dialect, asking }) => dialect.medicationsOf(asking, grant, ids)),
    countPatientObservations: (grant, patient, filter) =>
      ask(grant, ({ dialect, asking }) => dialect.countOfPatient(asking, grant, patient, filter)),
    countObservations: (grant, filter) =>
      ask(grant, ({ dialect, asking }) => dialect.countOfAll(asking, grant, filter)),
    search: (grant, type, query) =>
      ask(grant, ({ dialect, asking }) => dialect.searchOf(asking, grant, type, query)),
    read: (grant, type, id) => ask(grant, ({ dialect, asking }) => dialect.readOf(asking, grant, type, id)),
  }
}

/** Whatever the dialect, no row says whom else it is about. */
async function pageOf({ client }: Asking, asked: Promise<ObservationPage>): Promise<ObservationPage> {
  const page = await asked
  return { ...page, observations: page.observations.map((one) => withFocusHeld(one, client.baseUrl)) }
}
