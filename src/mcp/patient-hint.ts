import { type FhirMcpError, fhirMcpError, isFhirMcpError } from '../errors.ts'
import type { AnyTool } from './registry.ts'

/** Which argument takes what people know a patient by. */
export const patientHint = hintOf(true)

/**
 * Says with every FORBIDDEN of a tool about a patient which argument takes what: a participant code and most record numbers
 * look like ids. It follows from the tool alone, so it does not tell whether the id, or what else it may be, exists.
 */
export function withPatientHint(error: FhirMcpError, { input }: AnyTool): FhirMcpError {
  const applies = isFhirMcpError(error, 'FORBIDDEN') && Object.hasOwn(input.shape, 'patient_id')
  if (!applies || error.detail !== undefined) return error
  return fhirMcpError('FORBIDDEN', { detail: hintOf(Object.hasOwn(input.shape, 'study_id')) })
}

function hintOf(takesCodes: boolean): string {
  return [
    'patient_id takes a FHIR id.',
    ...(takesCodes ? ['A participant code needs study_id beside it;'] : []),
    `${takesCodes ? 'for' : 'For'} a record number (MRN) or another identifier, ask search_patients with identifier.`,
  ].join(' ')
}
