import type { ParametersParameter } from '../../fhir/types.ts'

/** How many observations that count have no date, as a parameter: the same number as `get_patient_date_range` gives. */
export function undatedParameters(undated: number): ParametersParameter[] {
  return undated === 0 ? [] : [{ name: 'undated', valueInteger: undated }]
}

/** The same in words. */
export function undatedNotes(undated: number): string[] {
  return undated === 0 ? [] : [`Observations without a date, which are in no period: ${undated}.`]
}
