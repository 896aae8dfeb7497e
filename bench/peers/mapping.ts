import { z } from 'zod'
import type { Subjects } from '../servers/site.ts'

/** Our calls, by the names that a file of `--calls` knows them by. */
export const ourCalls = {
  'study-count': { tool: 'get_study_count', arguments: {} },
  denied: { tool: 'get_study_metadata', arguments: { study_id: '{otherStudy}' } },
  'denied-patient': { tool: 'get_patient_demographics', arguments: { patient_id: '{otherPatient}' } },
  study: { tool: 'get_study_metadata', arguments: { study_id: '{study}' } },
  studies: { tool: 'list_studies', arguments: {} },
  patients: { tool: 'list_study_patients', arguments: { study_id: '{study}', limit: 1000 } },
  demographics: { tool: 'get_patient_demographics', arguments: { patient_id: '{patient}' } },
  search: { tool: 'search_patients', arguments: { name: 'a', limit: 50 } },
  observations: { tool: 'get_patient_observations', arguments: { patient_id: '{patient}', limit: 100 } },
  'observations-50': { tool: 'get_patient_observations', arguments: { patient_id: '{patient}', limit: 50 } },
  'observations-1000': {
    tool: 'get_patient_observations',
    arguments: { patient_id: '{patient}', limit: 1000 },
  },
  'observations-typed': {
    tool: 'get_patient_observations',
    arguments: { patient_id: '{patient}', data_type: 'blood-pressure', limit: 20 },
  },
  count: { tool: 'count_patient_observations', arguments: { patient_id: '{patient}' } },
  'count-study': { tool: 'count_study_observations', arguments: { study_id: '{study}' } },
  summary: { tool: 'summarize_patient_observations', arguments: { patient_id: '{patient}' } },
  'date-range': { tool: 'get_patient_date_range', arguments: { patient_id: '{patient}' } },
} as const satisfies Record<string, ToolCall>

/** One call of a tool; texts of its arguments may name whom it is about. */
export interface ToolCall {
  readonly tool: string
  readonly arguments: Readonly<Record<string, unknown>>
}

const toolCallSchema = z.strictObject({
  tool: z.string().min(1),
  arguments: z.record(z.string(), z.unknown()).default({}),
})

/** What our calls are called at a peer. */
export const mappingSchema = z.strictObject({
  /** The local exchange that both ask, where no live one is given. */
  exchange: z.enum(['hapi', 'jupyterhealth']),
  calls: z.partialRecord(z.enum(Object.keys(ourCalls) as [keyof typeof ourCalls]), toolCallSchema),
})
export type Mapping = z.output<typeof mappingSchema>

const placeholder = /\{(study|patient|otherStudy|otherPatient)(:number)?\}/g

/** The arguments of a call with whom it is about; `{patient:number}` alone becomes a number. */
export function filled(call: ToolCall, subjects: Subjects): ToolCall {
  return { tool: call.tool, arguments: filledObject(call.arguments, subjects) }
}

function filledObject(
  object: Readonly<Record<string, unknown>>,
  subjects: Subjects,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [name, filledValue(value, subjects)]),
  )
}

function filledValue(value: unknown, subjects: Subjects): unknown {
  if (Array.isArray(value)) return value.map((one) => filledValue(one, subjects))
  if (typeof value === 'object' && value !== null) return filledObject({ ...value }, subjects)
  if (typeof value !== 'string') return value
  const text = value.replace(placeholder, (_, name: keyof Subjects) => subjects[name])
  return /^\{\w+:number\}$/.test(value) ? Number(text) : text
}
