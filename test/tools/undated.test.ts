import { describe, expect, it } from 'vitest'
import type { Observation, ParametersParameter } from '../../src/fhir/types.ts'
import { chartPatientObservations } from '../../src/tools/chart-patient-observations.ts'
import { getPatientDateRange } from '../../src/tools/get-patient-date-range.ts'
import { getPatientObservations } from '../../src/tools/get-patient-observations.ts'
import { summarizePatientObservations } from '../../src/tools/summarize-patient-observations.ts'
import { summarizeStudyObservations } from '../../src/tools/summarize-study-observations.ts'
import type { Tool } from '../../src/tools/tool.ts'
import { resourceOf } from './call-tool.ts'
import { callOn, observation, observationDouble, quantity, valueNamed } from './observation-double.ts'

const issued = '2026-10-09T08:00:00Z'
const rate = (id: string, more: Partial<Observation>) =>
  observation(id, { issued, valueQuantity: quantity(70), ...more })
const rows = [
  rate('dated', { effectiveDateTime: '2026-10-01' }),
  rate('events', { effectiveTiming: { event: ['2026-10-02'] } }),
  rate('bounds', { effectiveTiming: { repeat: { boundsPeriod: { start: '2026-10-03' } } } }),
  rate('twice a day', { effectiveTiming: { code: { text: 'BID' } } }),
  rate('empty', { effectivePeriod: {} }),
  rate('nothing', {}),
  // Its value is in no figure; that it has no date is so all the same.
  rate('comparator', { valueQuantity: { ...quantity(70), comparator: '<' } }),
  rate('of a fetus', { focus: [{ display: 'fetus' }] }),
  rate('wrong', { status: 'entered-in-error' }),
]
const undated = 5

const tools: [Tool, Record<string, unknown>][] = [
  [getPatientDateRange, { patient_id: 'p1' }],
  [summarizePatientObservations, { patient_id: 'p1' }],
  [summarizeStudyObservations, { study_id: 's1' }],
  [chartPatientObservations, { patient_id: 'p1', data_types: ['heart-rate'] }],
]
const call = (tool: Tool, given: Record<string, unknown>, of: readonly Observation[] = rows) =>
  callOn(tool, given, { exchange: observationDouble(of) })

describe('observations without a date', () => {
  it.each(tools)('are counted alike by $name', async (tool, given) => {
    const answer = await call(tool, given)
    expect(valueNamed(resourceOf(answer).parameter as ParametersParameter[], 'undated')).toBe(undated)
    expect(answer.text).toMatch(/without a date(, which are in no period)?: 5/)
  })

  it.each(tools.slice(1))('are not spoken of by $name where there are none', async (tool, given) => {
    const answer = await call(tool, given, rows.slice(0, 3))
    expect(valueNamed(resourceOf(answer).parameter as ParametersParameter[], 'undated')).toBeUndefined()
    expect(answer.text).not.toContain('without a date')
  })

  it('are listed as such, with when they were issued, which dates none of them', async () => {
    const { text = '' } = await call(getPatientObservations, { patient_id: 'p1' })
    const lines = text.split('\n').filter((line) => line.startsWith('- '))
    expect(lines.filter((line) => line.includes(', issued 2026-10-09T08:00:00Z |'))).toHaveLength(6)
    const within = await call(getPatientObservations, { patient_id: 'p1', start: '2026-10-09' })
    expect(within.text).not.toMatch(/^- /m)
  })
})
