import { type FhirMcpError, fhirMcpError, isFhirMcpError } from '../errors.ts'
import type { AnyTool } from './registry.ts'

/** Which argument takes what people know a patient by. */
export const patientHint =
  'patient_id takes a FHIR id. A participant code needs study_id beside it; for a record number (MRN) or another identifier, ask search_patients with identifier.'

/**
 * Says with every FORBIDDEN of a tool about a patient which argument takes what: a participant code and most record numbers
 * look like ids. It follows from the tool alone, so it does not tell whether the id, or what else it may be, exists.
 */
export function withPatientHint(error: FhirMcpError, { input }: AnyTool): FhirMcpError {
  const applies = isFhirMcpError(error, 'FORBIDDEN') && Object.hasOwn(input.shape, 'patient_id')
  return applies && error.detail === undefined ? fhirMcpError('FORBIDDEN', { detail: patientHint }) : error
}
