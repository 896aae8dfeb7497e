import { shortText } from './text.ts'

const name = shortText(256)

/** A study in the caller's words; it is resolved within the caller's reach before the decision. */
export const studyId = name.describe(
  'Study: id, or exact title or identifier (one word: title=… or identifier=…)',
)

/** A patient in the caller's words; a participant code needs the study that gave it. */
export const patientId = name.describe('Patient: id, or participant code with study_id')

/** The study beside a `patient_id`. */
export const codeStudyId = name
  .optional()
  .describe('Study of a participant code, or to keep to the types that it requested')
