import { dataType } from '../arguments/data-type.ts'
import { codeStudyId, patientId } from '../arguments/ids.ts'
import { end, start, timeZone } from '../arguments/period.ts'
import type { Subject } from '../tool.ts'

/** Which observations: of what type and when. */
export const observationArguments = { data_type: dataType, start, end, time_zone: timeZone }

/** Whose observations. */
export const patientArguments = { patient_id: patientId, study_id: codeStudyId }

/** The patient that a call is about. */
export function patientSubject(input: { patient_id: string; study_id?: string | undefined }): Subject {
  return { kind: 'patient', patient: input.patient_id, study: input.study_id }
}

/** What every tool on observations needs. */
export const observationRule = { needs: [{ types: ['Observation'] }], patients: true }
