import type { PromptDefinition } from '../registry.ts'
import { periodArguments, studyArgument, timeZoneArgument } from './arguments.ts'
import { neededWord, periodIn, zoneIn } from './given.ts'
import { promptOf } from './wording.ts'

/** How a study stands. */
export const studyStatus: PromptDefinition = {
  name: 'study_status',
  title: 'Study status',
  description: 'Who is enrolled in a study, who sends readings, how many, and how that goes by week.',
  arguments: [studyArgument(true), ...periodArguments(), timeZoneArgument],
  get(values) {
    const study = { study_id: neededWord(values, 'study') }
    const period = { ...periodIn(values, 'start', 'end').arguments, time_zone: zoneIn(values) }
    return promptOf({
      task: 'Report how one study stands.',
      given: { study, period },
      steps: [
        'get_study_metadata with "study": what it is, and its own status.',
        'list_study_patients with "study", enrolment "all", format "table": who is enrolled, who left, since when.',
        'count_study_observations with "study", "period" and by_patient true: how many readings each patient has.',
        'summarize_study_observations with "study", "period" and by "week": patients, n and figures per type and ISO week.',
      ],
      answer: [
        'the study, its status, and how many patients are enrolled, by status;',
        'how many patients have readings in the period, how many have none, and who they are by participant code or id;',
        'a table by week: patients with readings and n, for the types with most readings; a week that is not listed had none;',
        'whether that rises or falls, in these figures. The first and the last week may be cut by the period: say so.',
      ],
    })
  },
}
