import type { FhirVersion } from '../fhir/types.ts'
import type { PatientEntry } from '../results/patients.ts'
import type { GrantedContext } from './tool.ts'

/** The release in which ResearchSubjects are to be given; the exchange is asked for it only where there are any. */
export async function fhirVersionFor(
  entries: readonly PatientEntry[],
  { exchange, grant }: GrantedContext,
): Promise<FhirVersion> {
  const some = entries.some(({ enrolments }) =>
    enrolments.some(({ enrolment }) => enrolment.subject !== undefined),
  )
  return some ? exchange.fhirVersion(grant) : 'R5'
}
