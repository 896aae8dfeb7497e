import type { PromptArgument } from '../registry.ts'
import { dataTypeResource } from '../resources/data-type.ts'
import { patientResource } from '../resources/patient.ts'
import { studyResource } from '../resources/study.ts'

/** A patient, completed by the ids within reach. */
export function patientArgument(required: boolean): PromptArgument {
  return {
    name: 'patient',
    description: 'Patient: id, or participant code together with study',
    required,
    completedBy: { uri: patientResource.uri, variable: 'id' },
  }
}

/** A study, completed by the ids within reach. */
export function studyArgument(required: boolean, description = 'Study: id, or exact title or identifier') {
  return {
    name: 'study',
    description,
    required,
    completedBy: { uri: studyResource.uri, variable: 'id' },
  } satisfies PromptArgument
}

/** A type of readings, completed by its short names. */
export const dataTypeArgument: PromptArgument = {
  name: 'data_type',
  description: 'Type of readings: short name (heart-rate), LOINC or Open mHealth code; all if left out',
  required: false,
  completedBy: { uri: dataTypeResource.uri, variable: 'name' },
}

/** A period in two arguments. */
export function periodArguments(start = 'start', end = 'end', required = false): PromptArgument[] {
  return [
    { name: start, description: 'First day, as 2026-10-01', required },
    { name: end, description: 'Last day, as 2026-10-31; it counts whole', required },
  ]
}

export const timeZoneArgument: PromptArgument = {
  name: 'time_zone',
  description: 'IANA name, as Europe/Berlin; UTC if left out',
  required: false,
}
