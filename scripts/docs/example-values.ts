/** What each argument is in an example, by its name; of the invented cohort. */
const values: Readonly<Record<string, unknown>> = {
  study_id: 'study-a',
  study: 'study-a',
  patient_id: 'pat-2',
  patient: 'pat-2',
  data_type: 'heart-rate',
  data_types: ['heart-rate', 'blood-pressure'],
  type: 'Condition',
  id: 'condition-1',
  name: 'heart-rate',
  uri: 'open-mhealth://data-type/heart-rate',
  first_start: '2026-10-01',
  first_end: '2026-10-31',
  second_start: '2026-11-01',
  second_end: '2026-11-22',
  start: '2026-11-01',
  end: '2026-11-22',
}

/** Examples that show more than the arguments that a tool needs. */
const chosen: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  list_study_patients: { study_id: 'study-a', limit: 3 },
  search_patients: { study_id: 'study-a', birthdate: 'ge1970-01-01', limit: 3 },
  get_patient_observations: { patient_id: 'pat-2', data_type: 'blood-pressure', limit: 3 },
  count_patient_observations: { patient_id: 'pat-2', data_type: 'heart-rate', start: '2026-11-01' },
  count_study_observations: { study_id: 'study-a', data_type: 'heart-rate', by_patient: true },
  summarize_patient_observations: { patient_id: 'pat-2', data_type: 'blood-pressure' },
  get_data_type: { data_type: 'heart-rate' },
}

/** The arguments of an example: chosen ones, else those that have to be given. Throws for one that has no value here. */
export function exampleOf(tool: string, required: readonly string[]): Readonly<Record<string, unknown>> {
  const given = chosen[tool]
  if (given !== undefined) return given
  return Object.fromEntries(required.map((name) => [name, exampleValue(name)]))
}

/** The value of one argument in examples. */
export function exampleValue(name: string): unknown {
  if (!Object.hasOwn(values, name)) {
    throw new TypeError(`scripts/docs/example-values.ts has no example of the argument ${name}`)
  }
  return values[name]
}
