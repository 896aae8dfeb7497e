import type { PromptDefinition } from '../registry.ts'
import {
  dataTypeArgument,
  patientArgument,
  periodArguments,
  studyArgument,
  timeZoneArgument,
} from './arguments.ts'
import { invalid, periodIn, typeIn, wordIn, zoneIn } from './given.ts'
import { promptOf } from './wording.ts'

const ofPatient = [
  'get_patient_date_range with "whose" and time_zone of "which": from when to when there are readings.',
  'summarize_patient_observations with "whose" and "which": units of each type, and what is excluded and why.',
  'get_patient_observations with "whose" and "which", limit 200, format "table", page by page as far as is sensible: times and values.',
  'get_data_type for each type found: the unit that its readings should have.',
]
const ofStudy = [
  'count_study_observations with "whose", "which" and by_patient true: who has readings, and how many.',
  'summarize_study_observations with "whose" and "which": units of each type, and what is excluded and why.',
  'summarize_study_observations with "whose", "which" and by "week": weeks without readings are not listed.',
  'summarize_study_observations with "whose", "which" and by "patient": first and last reading of each patient.',
  'get_data_type for each type found: the unit that its readings should have.',
  'get_patient_observations for up to three patients that stand out, with "which", limit 200, format "table": times and values.',
]

/** Gaps, units and duplicates. */
export const dataQualityCheck: PromptDefinition = {
  name: 'data_quality_check',
  title: 'Data-quality check',
  description: 'Gaps, units, duplicates and left-out values in the readings of a patient or of a study.',
  arguments: [
    patientArgument(false),
    studyArgument(false, 'Study: of the participant code, or to check as a whole without patient'),
    dataTypeArgument,
    ...periodArguments(),
    timeZoneArgument,
  ],
  get(values) {
    const patient = wordIn(values, 'patient')
    const study = wordIn(values, 'study')
    if (patient === undefined && study === undefined) throw invalid('Give patient or study.')
    const { arguments: period } = periodIn(values, 'start', 'end')
    return promptOf({
      task: `Check the quality of the readings of one ${patient === undefined ? 'study' : 'patient'}.`,
      given: {
        whose: { patient_id: patient, study_id: study },
        which: { data_type: typeIn(values), ...period, time_zone: zoneIn(values) },
      },
      steps: patient === undefined ? ofStudy : ofPatient,
      answer: [
        'Gaps: days or weeks without readings between the first and the last, per type. A gap is no reading, not a reading of 0.',
        'Units: types with more than one unit, or with another unit than get_data_type names, and n of each.',
        'Duplicates: readings of one patient with the same type, time and value but different ids. Only the rows that you have read can show them: say how many of how many that was.',
        'Left out: how many values were excluded, per reason (entered in error, cancelled, comparator, absent, undated).',
        'Out of line: minimum and maximum far from the 5th and 95th percentile or from each other, as figures. Whether they are wrong is not yours to say.',
        'a short list, the gravest first: what, whose, how many, and which answer shows it.',
      ],
    })
  },
}
