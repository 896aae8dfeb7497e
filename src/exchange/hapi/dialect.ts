import type { Dialect } from '../dialect.ts'
import { readOf, searchOf } from './compartment.ts'
import { countOfAll, countOfPatient } from './counts.ts'
import { countsByPatient } from './counts-by-patient.ts'
import { medicationsOf } from './medications.ts'
import { namesOf } from './names.ts'
import { observationsOf } from './observations.ts'
import { patientOf, patientsOf } from './patients.ts'
import { observationsOfPatients } from './patients-observations.ts'
import { enrolmentsOf, rosterFor } from './rosters.ts'
import { studiesOf, studyOf } from './studies.ts'

/**
 * An exchange of the HAPI kind (R4, R5): studies are ResearchStudy, enrolments ResearchSubject. It usually has no access
 * rules of its own, so what passes here is what the caller gets.
 */
export const hapi: Dialect = {
  groupsAreStudies: false,
  studiesOf,
  studyOf,
  rosterFor,
  enrolmentsOf,
  // A ResearchStudy has no place for them.
  requestedTypesOf: async () => undefined,
  patientsOf,
  patientOf,
  observationsOf,
  observationsOfPatients,
  namesOf,
  medicationsOf,
  importsOf: () => 'none',
  countOfPatient,
  countOfAll,
  countsByPatient,
  searchOf,
  readOf,
}
