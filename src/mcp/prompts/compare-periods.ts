import type { Period } from '../../tools/arguments/period.ts'
import type { PromptDefinition } from '../registry.ts'
import {
  dataTypeArgument,
  patientArgument,
  periodArguments,
  studyArgument,
  timeZoneArgument,
} from './arguments.ts'
import { type Given, invalid, neededWord, periodIn, typeIn, wordIn, zoneIn } from './given.ts'
import { promptOf } from './wording.ts'

/** Two periods of a patient or of a study, side by side. */
export const comparePeriods: PromptDefinition = {
  name: 'compare_periods',
  title: 'Compare two periods',
  description: 'The readings of a patient, or of a study, in two periods side by side.',
  arguments: [
    patientArgument(false),
    studyArgument(false, 'Study: of the participant code, or to compare as a whole without patient'),
    dataTypeArgument,
    ...periodArguments('first_start', 'first_end', true),
    ...periodArguments('second_start', 'second_end', true),
    timeZoneArgument,
  ],
  get(values) {
    const patient = wordIn(values, 'patient')
    const study = wordIn(values, 'study')
    if (patient === undefined && study === undefined) throw invalid('Give patient or study.')
    const first = wholePeriod(values, 'first_start', 'first_end')
    const second = wholePeriod(values, 'second_start', 'second_end')
    const zone = { data_type: typeIn(values), time_zone: zoneIn(values) }
    const summarize =
      patient === undefined ? 'summarize_study_observations' : 'summarize_patient_observations'
    const count = patient === undefined ? 'count_study_observations' : 'count_patient_observations'
    return promptOf({
      task: `Compare the readings of one ${patient === undefined ? 'study' : 'patient'} in two periods.`,
      given: {
        whose: { patient_id: patient, study_id: study },
        first: { ...first.arguments, ...zone },
        second: { ...second.arguments, ...zone },
      },
      steps: [
        `${count} with "whose" and "first", then with "whose" and "second": how many readings each has.`,
        `${summarize} with "whose" and "first": its figures.`,
        `${summarize} with "whose" and "second": its figures, with the same arguments otherwise.`,
      ],
      answer: [
        'a table with a row per type and unit (blood pressure per component): n, median, mean and SD of each period, and the difference of the medians;',
        ...(patient === undefined
          ? [
              'how many patients each figure rests on in each period: other patients are another group, and a difference may come from that alone. Compare nothing with an answer marked PARTIAL;',
            ]
          : []),
        'never compare two units, or single readings with values that are averages already;',
        'how long each period is, and where one has few readings or none. A difference is no cause, and none of these figures is a test of significance.',
        ...(overlap(first.period, second.period)
          ? ['The two periods overlap: say so, since readings in both count twice.']
          : []),
      ],
    })
  },
}

function wholePeriod(values: Given, start: string, end: string) {
  neededWord(values, start)
  neededWord(values, end)
  return periodIn(values, start, end)
}

function overlap(a: Period, b: Period): boolean {
  const [from, before] = [Date.parse(a.from ?? ''), Date.parse(a.before ?? '')]
  return from < Date.parse(b.before ?? '') && Date.parse(b.from ?? '') < before
}
