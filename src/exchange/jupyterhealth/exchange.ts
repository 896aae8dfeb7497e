import { assertGrant } from '../../access/grant.ts'
import type { Asking } from '../asking.ts'
import type { Capabilities, Exchange } from '../exchange.ts'
import { countOfAll, countOfPatient } from './counts.ts'
import { observationsOf } from './observations.ts'
import { patientOf, patientsOf } from './patients.ts'
import { enrolmentsOf, rosterFor } from './rosters.ts'
import { studiesOf, studyOf } from './studies.ts'
import { organizationParameter, studyParameter } from './within.ts'

/**
 * A JupyterHealth Exchange (R5): studies are Groups, and it has access rules of its own. It is asked by GET only, with one
 * id per filter, since it answers everything that the caller may see where it does not understand a filter.
 */
export function createJupyterHealthExchange(asking: Asking): Exchange {
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

/** Parameters that work on these types though the metadata does not list them. */
const unlisted = ['patient', studyParameter, organizationParameter]
/** Parameters that the metadata lists and that only imported records answer. */
const ignored = ['category', 'death-date']

/** The capabilities with the searches that this dialect really has. */
export function withOwnSearches(capabilities: Capabilities): Capabilities {
  const searches = { ...capabilities.searches }
  for (const type of ['Group', 'Observation', 'Patient']) {
    const listed = (searches[type] ?? []).filter((name) => !ignored.includes(name))
    searches[type] = [...new Set([...listed, ...unlisted])].sort()
  }
  return { ...capabilities, searches }
}
