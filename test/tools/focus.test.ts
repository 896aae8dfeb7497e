import { describe, expect, it } from 'vitest'
import type { Observation, ParametersParameter } from '../../src/fhir/types.ts'
import type { Answer } from '../../src/results/answer.ts'
import { chartPatientObservations } from '../../src/tools/chart-patient-observations.ts'
import { countPatientObservations } from '../../src/tools/count-patient-observations.ts'
import { countStudyObservations } from '../../src/tools/count-study-observations.ts'
import { getPatientDateRange } from '../../src/tools/get-patient-date-range.ts'
import { getPatientObservations } from '../../src/tools/get-patient-observations.ts'
import { summarizePatientObservations } from '../../src/tools/summarize-patient-observations.ts'
import { summarizeStudyObservations } from '../../src/tools/summarize-study-observations.ts'
import type { Tool } from '../../src/tools/tool.ts'
import { resourceOf } from './call-tool.ts'
import {
  bloodPressure,
  callOn,
  observation,
  observationDouble,
  parametersNamed,
  quantity,
  valueNamed,
} from './observation-double.ts'

const rate = (id: string, value: number, more: Partial<Observation> = {}) =>
  observation(id, { effectiveDateTime: '2026-10-01T08:00:00Z', valueQuantity: quantity(value), ...more })
const mother = rate('mother', 72)
const fetus = rate('fetus', 141, { focus: [{ display: 'fetus' }] })
const another = rate('another', 140, { focus: [{ type: 'Patient' }] })
const own = rate('own', 74, { focus: [{ reference: 'Patient/p1' }] })
const ownVersion = rate('own-version', 76, { focus: [{ reference: 'Patient/p1/_history/3' }] })
const both = rate('both', 139, { focus: [{ reference: 'Patient/p1' }, { display: 'fetus' }] })
const all = [mother, fetus, another, own, ownVersion, both]

const ask = (tool: Tool, given: Record<string, unknown>, rows: readonly Observation[] = all) =>
  callOn(tool, given, { exchange: observationDouble(rows) })
const onPatient = { patient_id: 'p1' }
const onStudy = { study_id: 's1' }
const number = (part: readonly ParametersParameter[] | undefined, name: string) => {
  const value = valueNamed(part ?? [], name)
  return typeof value === 'object' && value !== null && 'value' in value ? value.value : value
}
const reasons = (part: readonly ParametersParameter[] | undefined, name: string) =>
  Object.fromEntries(
    (part ?? [])
      .filter((one) => one.name === name)
      .map(({ part: own = [] }) => [valueNamed(own, 'reason'), valueNamed(own, 'n')]),
  )
const inSeries = (answer: Answer) => parametersNamed(answer, 'series').map(({ part }) => part)
const left = 'since their focus is not the patient (a fetus, a donor, a device): 3.'

describe('an observation whose focus is not its patient', () => {
  it('is in no figure of a patient, and the answer says how many there are', async () => {
    const answer = await ask(summarizePatientObservations, onPatient)
    const [series] = inSeries(answer)
    expect([
      number(series, 'n'),
      number(series, 'min'),
      number(series, 'max'),
      number(series, 'mean'),
    ]).toEqual([3, 72, 76, 74])
    expect(reasons(series, 'excluded')).toEqual({ 'other focus': 3 })
    expect(reasons(resourceOf(answer).parameter as ParametersParameter[], 'excludedObservations')).toEqual({
      'other focus': 3,
    })
    expect(answer.text).toContain(`Left out of every number ${left}`)
  })

  it('is in no component of a figure', async () => {
    const pressure = bloodPressure('bp', '2026-10-01T08:00:00Z', 90, 50)
    const answer = await ask(summarizePatientObservations, onPatient, [
      bloodPressure('own', '2026-10-01T08:00:00Z', 120, 80),
      { ...pressure, focus: [{ display: 'fetus' }] },
    ])
    expect(inSeries(answer).map((series) => [number(series, 'n'), number(series, 'max')])).toEqual([
      [1, 80],
      [1, 120],
    ])
  })

  it.each([{}, { by: 'week' }])('is in no figure of a study (%o)', async (by) => {
    const answer = await ask(summarizeStudyObservations, { ...onStudy, ...by })
    const [series] = inSeries(answer)
    expect([number(series, 'n'), number(series, 'max')]).toEqual([3, 76])
    expect(valueNamed(resourceOf(answer).parameter as ParametersParameter[], 'observations')).toBe(3)
    expect(answer.text).toContain(`Left out of every number ${left}`)
    const weeks = (series ?? []).filter(({ name }) => name === 'week').map(({ part }) => number(part, 'n'))
    expect(weeks).toEqual('by' in by ? [3] : [])
  })

  it('is in no figure of a study by patient', async () => {
    const answer = await ask(summarizeStudyObservations, { ...onStudy, by: 'patient' })
    const [patient] = parametersNamed(answer, 'patient')
    const series = patient?.part?.find(({ name }) => name === 'series')?.part
    expect([number(series, 'n'), number(series, 'max')]).toEqual([3, 76])
    expect(answer.text).toContain('3 observations | 3 left out since their focus is not the patient')
  })

  it('is in no picture', async () => {
    const answer = await ask(chartPatientObservations, { ...onPatient, data_types: ['heart-rate'] })
    const [panel] = parametersNamed(answer, 'panel')
    expect(number(panel?.part, 'drawn')).toBe(3)
    expect(answer.text).toContain(`Not drawn, and left out of every number, ${left}`)
  })

  it('is marked in its row, with a plain number for none', async () => {
    const answer = await ask(getPatientObservations, { ...onPatient, format: 'table' })
    const text = answer.text ?? ''
    expect(text).toMatch(/141 \/min; FOCUS "fetus": not a reading of the patient \| fetus/)
    expect(text).toMatch(/140 \/min; FOCUS another Patient: not a reading of the patient \| another/)
    expect(text).toMatch(/72 \/min \| mother/)
    expect(text).toMatch(/74 \/min \| own/)
    expect(text).toContain('Warning: Rows marked FOCUS are of something or somebody else than the patient')
    const { columns, rows } = answer.structured as { columns: string[]; rows: unknown[][] }
    const numberIn = (id: string) => rows.find(([own]) => own === id)?.[columns.indexOf('value')]
    expect([numberIn('mother'), numberIn('own'), numberIn('fetus'), numberIn('another')]).toEqual([
      72,
      74,
      null,
      null,
    ])
  })

  it.each(['fhir', 'fhir_full'])('keeps its focus in format %s', async (format) => {
    const answer = await ask(getPatientObservations, { ...onPatient, format })
    const entries = resourceOf(answer).entry as { resource: Observation }[]
    const focusOf = (id: string) => entries.find(({ resource }) => resource.id === id)?.resource.focus
    expect(focusOf('fetus')).toEqual([{ display: 'fetus' }])
    expect(focusOf('another')).toEqual([{ type: 'Patient' }])
    expect(focusOf('mother')).toBeUndefined()
  })

  it.each<[Tool, Record<string, unknown>]>([
    [countPatientObservations, onPatient],
    [countStudyObservations, onStudy],
    [getPatientDateRange, onPatient],
  ])('is in a count, which says so (%s)', async (tool, given) => {
    const answer = await ask(tool, given)
    expect(answer.text).toContain('Counts include observations whose focus is not the patient')
    expect(valueNamed(resourceOf(answer).parameter as ParametersParameter[], 'count')).toBe(6)
  })
})
