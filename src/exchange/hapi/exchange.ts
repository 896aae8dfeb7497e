import { assertGrant } from '../../access/grant.ts'
import type { Asking } from '../asking.ts'
import type { Exchange } from '../exchange.ts'
import { countOfAll, countOfPatient } from './counts.ts'
import { observationsOf } from './observations.ts'
import { patientOf, patientsOf } from './patients.ts'
import { enrolmentsOf, rosterFor } from './rosters.ts'
import { studiesOf, studyOf } from './studies.ts'

/**
 * An exchange of the HAPI kind (R4, R5): studies are ResearchStudy, enrolments ResearchSubject. It usually has no access
 * rules of its own, so what passes here is what the caller gets.
 */
export function createHapiExchange(asking: Asking): Exchange {
  return {
    async capabilities(grant) {
      assertGrant(grant)
      return asking.capabilities()
    },
    async studies(grant) {
      assertGrant(grant)
      return studiesOf(asking, grant)
    },
    async study(grant, id) {
      assertGrant(grant)
      return studyOf(asking, grant, id)
    },
    async roster(grant, limit) {
      assertGrant(grant)
      return rosterFor(asking, grant, limit)
    },
    async enrolments(grant, patient) {
      assertGrant(grant)
      return enrolmentsOf(asking, grant, patient)
    },
    async patients(grant, filter, ids) {
      assertGrant(grant)
      return patientsOf(asking, grant, filter, ids)
    },
    async patient(grant) {
      assertGrant(grant)
      return patientOf(asking, grant)
    },
    async observations(grant, query) {
      assertGrant(grant)
      return observationsOf(asking, grant, query)
    },
    async countPatientObservations(grant, patient, filter) {
      assertGrant(grant)
      return countOfPatient(asking, grant, patient, filter)
    },
    async countObservations(grant, filter) {
      assertGrant(grant)
      return countOfAll(asking, grant, filter)
    },
  }
}
