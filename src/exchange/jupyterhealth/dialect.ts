import type { Dialect } from '../dialect.ts'
import { countOfAll, countOfPatient, observationsOf } from './both-origins.ts'
import { readOf, searchOf } from './compartment.ts'
import { importsOf } from './imported-observations.ts'
import { patientOf, patientsOf } from './patients.ts'
import { observationsOfPatients } from './patients-observations.ts'
import { medicationsOf, namesOf } from './referred.ts'
import { requestedTypesOf } from './requested-types.ts'
import { enrolmentsOf, rosterFor } from './rosters.ts'
import { studiesOf, studyOf } from './studies.ts'

/**
 * A JupyterHealth Exchange (R5): studies are Groups, and it has access rules of its own. It is asked by GET only, with one
 * id per filter, since it answers everything that the caller may see where it does not understand a filter.
 */
export const jupyterHealth: Dialect = {
  groupsAreStudies: true,
  studiesOf,
  studyOf,
  rosterFor,
  enrolmentsOf,
  requestedTypesOf,
  patientsOf,
  patientOf,
  observationsOf,
  observationsOfPatients,
  namesOf,
  medicationsOf,
  importsOf,
  countOfPatient,
  countOfAll,
  // It takes one id at a time.
  countsByPatient: async () => undefined,
  searchOf,
  readOf,
}
