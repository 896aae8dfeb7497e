import { dataType } from '../arguments/data-type.ts'
import { codeStudyId, patientId } from '../arguments/ids.ts'
import { end, start, timeZone } from '../arguments/period.ts'

/** Which observations: of what type and when. */
export const observationArguments = { data_type: dataType, start, end, time_zone: timeZone }

/** Whose observations. */
export const patientArguments = { patient_id: patientId, study_id: codeStudyId }

/** What every tool on observations needs. */
export const observationRule = { needs: [{ types: ['Observation'] }], patients: true }
