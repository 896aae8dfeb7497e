import type { Grant } from '../../access/grant.ts'
import { fhirMcpError } from '../../errors.ts'
import type { CompartmentType } from '../../fhir/compartment.ts'
import type { Asking } from '../asking.ts'
import { patientOfGrant } from '../check.ts'

/** The patient, where the operator allowed the type and the decision was on it. Sends nothing. */
export function allowedPatient({ types }: Asking, grant: Grant, type: CompartmentType): string {
  const patient = patientOfGrant(grant)
  if (!types.includes(type)) {
    throw fhirMcpError('INVALID_ARGUMENT', { detail: 'fhir.types does not allow this type.' })
  }
  if (!grant.terms.needs.some((need) => need.types.includes(type))) throw fhirMcpError('FORBIDDEN')
  return patient
}
