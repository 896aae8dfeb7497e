import type { Grant } from '../../access/grant.ts'
import type { Asking } from '../asking.ts'
import { requireMember } from '../check.ts'
import type { PatientsPage, PatientsQuery } from '../exchange.ts'
import { patientByPatient } from '../patient-by-patient.ts'
import { observationsOf } from './observations.ts'

/** The observations of many patients of a grant. */
export async function* observationsOfPatients(
  asking: Asking,
  grant: Grant,
  query: PatientsQuery,
): AsyncIterable<PatientsPage> {
  for (const patient of query.patients) requireMember(grant, patient)
  const own: Asking = { ...asking, call: { ...asking.call, signal: query.signal } }
  yield* patientByPatient((patient, page) => observationsOf(own, grant, patient, page), query)
}
