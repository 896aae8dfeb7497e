import { assertGrant, type Grant } from '../access/grant.ts'
import type { RequestedType } from '../access/restrictions.ts'
import type { Enrolment, Roster } from '../access/roster.ts'
import type { CompartmentType } from '../fhir/compartment.ts'
import { isImported } from '../fhir/imported.ts'
import type { AnyResource, Observation, Patient, ResearchStudy } from '../fhir/types.ts'
import { mapInSlices } from '../give-way.ts'
import type { Asking } from './asking.ts'
import { patientOfGrant } from './check.ts'
import type {
  Exchange,
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
import { withOwnFocus } from './focus.ts'
import { outgoingWithin } from './outgoing.ts'

/** How one kind of exchange is asked: the questions of `Exchange`, each with what it works with and a grant. */
export interface Dialect {
  /** Whether a Group of this exchange is a study. */
  readonly groupsAreStudies: boolean
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
  countsByPatient(
    asking: Asking,
    grant: Grant,
    query: PatientsQuery,
  ): Promise<ReadonlyMap<string, ObservationCount> | undefined>
  searchOf(asking: Asking, grant: Grant, type: CompartmentType, query: ResourceQuery): Promise<ResourcePage>
  readOf(asking: Asking, grant: Grant, type: CompartmentType, id: string): Promise<AnyResource>
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
    studies: (grant) =>
      ask(grant, async (spoken) => {
        const list = await spoken.dialect.studiesOf(spoken.asking, grant)
        return { ...list, studies: list.studies.map(outgoingWithin(grant, spoken)) }
      }),
    study: (grant, id) =>
      ask(grant, async (spoken) =>
        outgoingWithin(grant, spoken)(await spoken.dialect.studyOf(spoken.asking, grant, id)),
      ),
    roster: (grant, limit) => ask(grant, ({ dialect, asking }) => dialect.rosterFor(asking, grant, limit)),
    enrolments: (grant, patient) =>
      ask(grant, ({ dialect, asking }) => dialect.enrolmentsOf(asking, grant, patient)),
    requestedTypes: (grant) => ask(grant, ({ dialect, asking }) => dialect.requestedTypesOf(asking, grant)),
    patients: (grant, filter, ids) =>
      ask(grant, async (spoken) => {
        const list = await spoken.dialect.patientsOf(spoken.asking, grant, filter, ids)
        return { ...list, patients: list.patients.map(outgoingWithin(grant, spoken)) }
      }),
    patient: (grant) =>
      ask(grant, async (spoken) =>
        outgoingWithin(grant, spoken)(await spoken.dialect.patientOf(spoken.asking, grant)),
      ),
    observations: (grant, query) =>
      ask(grant, (spoken) => pageOf(spoken, grant, patientOfGrant(grant), query)),
    patientObservations: (grant, patient, query) =>
      ask(grant, (spoken) => pageOf(spoken, grant, patient, query)),
    async *patientsObservations(grant, query) {
      const spoken = await ask(grant, async (found) => found)
      const leaving = observationWithin(grant, spoken)
      for await (const page of spoken.dialect.observationsOfPatients(spoken.asking, grant, query)) {
        const observations = await mapInSlices(page.observations, ({ patient, observation }) => ({
          patient,
          observation: leaving(observation),
        }))
        yield { ...page, observations }
      }
    },
    observationNames: (grant, ids) =>
      ask(grant, async (spoken) => {
        const found = await spoken.dialect.namesOf(spoken.asking, grant, patientOfGrant(grant), ids)
        return found.map(observationWithin(grant, spoken))
      }),
    imports: (grant, patient) => ask(grant, async ({ dialect }) => dialect.importsOf(grant, patient)),
    medications: (grant, ids) =>
      ask(grant, async (spoken) => {
        const found = await spoken.dialect.medicationsOf(spoken.asking, grant, ids)
        return found.map(outgoingWithin(grant, spoken))
      }),
    countPatientObservations: (grant, patient, filter) =>
      ask(grant, ({ dialect, asking }) => dialect.countOfPatient(asking, grant, patient, filter)),
    countObservations: (grant, filter) =>
      ask(grant, ({ dialect, asking }) => dialect.countOfAll(asking, grant, filter)),
    countsByPatient: (grant, query) =>
      ask(grant, ({ dialect, asking }) => dialect.countsByPatient(asking, grant, query)),
    search: (grant, type, query) =>
      ask(grant, async (spoken) => {
        const page = await spoken.dialect.searchOf(spoken.asking, grant, type, query)
        const leaving = outgoingWithin(grant, spoken, 'left out')
        return { ...page, resources: await mapInSlices(page.resources, leaving) }
      }),
    read: (grant, type, id) =>
      ask(grant, async (spoken) =>
        outgoingWithin(
          grant,
          spoken,
          'left out',
        )(await spoken.dialect.readOf(spoken.asking, grant, type, id)),
      ),
  }
}

async function pageOf(
  spoken: Spoken,
  grant: Grant,
  patient: string,
  query: ObservationPageQuery,
): Promise<ObservationPage> {
  const page = await spoken.dialect.observationsOf(spoken.asking, grant, patient, query)
  return { ...page, observations: await mapInSlices(page.observations, observationWithin(grant, spoken)) }
}

/** Nobody can tell what is in an attachment of another server. */
function observationWithin(grant: Grant, spoken: Spoken): (observation: Observation) => Observation {
  const own = outgoingWithin(grant, spoken)
  const imported = outgoingWithin(grant, spoken, 'left out')
  const { baseUrl } = spoken.asking.client
  return (observation) => (isImported(observation) ? imported : own)(withOwnFocus(observation, baseUrl))
}
