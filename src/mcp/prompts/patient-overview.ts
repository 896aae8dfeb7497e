import type { PromptDefinition } from '../registry.ts'
import { patientArgument, periodArguments, studyArgument, timeZoneArgument } from './arguments.ts'
import { neededWord, periodIn, wordIn, zoneIn } from './given.ts'
import { promptOf } from './wording.ts'

/** What there is of one patient. */
export const patientOverview: PromptDefinition = {
  name: 'patient_overview',
  title: 'Patient overview',
  description: 'Who a patient is, what readings there are, from when to when, and their figures.',
  arguments: [
    patientArgument(true),
    studyArgument(false, 'Study of a participant code'),
    ...periodArguments(),
    timeZoneArgument,
  ],
  get(values) {
    const who = { patient_id: neededWord(values, 'patient'), study_id: wordIn(values, 'study') }
    const period = { ...periodIn(values, 'start', 'end').arguments, time_zone: zoneIn(values) }
    return promptOf({
      task: 'Give an overview of one patient.',
      given: { who, period },
      steps: [
        'get_patient_demographics with "who": who this is.',
        'get_patient_date_range with "who" and time_zone of "period": from when to when there are readings.',
        'count_patient_observations with "who" and "period": how many readings.',
        'summarize_patient_observations with "who" and "period": figures per type and unit. Ask with data_type for each type that it left out for size.',
        'get_patient_observations with "who" and "period", limit 10, format "table": the newest readings.',
      ],
      answer: [
        'who the patient is, in as few particulars as the question needs;',
        'a table of the types of readings: n, unit, first and last day, mean, median, minimum and maximum; blood pressure per component;',
        'the newest readings, with their times;',
        'what stands out in these figures, as figures, and how few readings it rests on.',
      ],
    })
  },
}
