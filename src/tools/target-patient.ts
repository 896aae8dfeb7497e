import type { Target } from '../access/target.ts'

/** The id of the patient that a call was decided on; a tool on a patient has no other target. */
export function patientOf(target: Target): string {
  if (target.kind !== 'patient') throw new TypeError('This tool is decided on a patient')
  return target.patient
}
