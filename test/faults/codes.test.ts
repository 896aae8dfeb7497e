import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AnyResource, ParametersParameter } from '../../src/fhir/types.ts'
import { syntheticCohort } from '../../src/test-kit/index.ts'
import type { Called, TestClient } from '../e2e/clients.ts'
import { type JupyterHealthSite, openJupyterHealth } from '../e2e/jupyterhealth-gateway.ts'
import { type Setting, startSetting } from './setting.ts'

const loinc = (code: string, display?: string) => ({
  coding: [{ system: 'http://loinc.org', code, ...(display === undefined ? {} : { display }) }],
})
const measured = (value: number, unit: string) => ({
  valueQuantity: { value, unit, system: 'http://unitsofmeasure.org', code: unit },
})
const enrolled = (patient: string): AnyResource[] => [
  { resourceType: 'Patient', id: patient, name: [{ family: 'Writer' }] },
  {
    resourceType: 'ResearchSubject',
    id: `subject-${patient}`,
    status: 'on-study',
    study: { reference: 'ResearchStudy/study-a' },
    individual: { reference: `Patient/${patient}` },
  },
]
let next = 0
const of = (patient: string, code: object, minute: number, more: object): AnyResource => {
  next += 1
  return {
    resourceType: 'Observation',
    id: `${patient}-${next}`,
    status: 'final',
    code,
    subject: { reference: `Patient/${patient}` },
    effectiveDateTime: `2026-06-06T08:${String(minute).padStart(2, '0')}:00Z`,
    ...more,
  }
}
const part = (code: string, value: number, unit = 'mm[Hg]') => ({
  code: loinc(code),
  ...measured(value, unit),
})
const panel = (code: string, systolic: number, diastolic: number) => ({
  code: loinc(code, 'Blood Pressure'),
  component: [part('8480-6', systolic), part('8462-4', diastolic)],
})

/** The series of a summary: name and figures. */
function seriesOf({ structured }: Called) {
  const parameters = (structured.parameter ?? []) as ParametersParameter[]
  return parameters
    .filter(({ name }) => name === 'series')
    .map(({ part: parts = [] }) => {
      const value = (name: string) => {
        const found = parts.find((one) => one.name === name)
        return found?.valueString ?? found?.valueInteger ?? found?.valueQuantity?.value
      }
      const name = [value('type'), value('component'), value('unit')].filter((one) => one !== undefined)
      return [name.join(' | '), value('n'), value('mean')]
    })
}

describe('codes that others write, on a HAPI server', () => {
  let setting: Setting
  let client: TestClient

  beforeAll(async () => {
    const odd = [
      ...['kit', 'pressures', 'vitals', 'twice', 'protein'].flatMap(enrolled),
      of('kit', loinc('41653-7'), 1, measured(110, 'mg/dL')),
      of('kit', loinc('41982-0'), 2, measured(21.5, '%')),
      of('kit', loinc('2885-2'), 3, measured(7.1, 'g/dL')),
      of('pressures', {}, 1, panel('55284-4', 120, 80)),
      of('pressures', {}, 2, panel('85354-9', 122, 82)),
      of('pressures', loinc('8480-6'), 3, measured(124, 'mm[Hg]')),
      of('pressures', loinc('8462-4'), 4, measured(84, 'mm[Hg]')),
      of('vitals', loinc('85353-1'), 1, {
        component: [part('8867-4', 70, '/min'), part('8310-5', 37, 'Cel')],
      }),
      of('vitals', loinc('8867-4'), 2, measured(80, '/min')),
      of('twice', {}, 1, panel('85354-9', 120, 80)),
      of('twice', loinc('8480-6'), 1, measured(120, 'mm[Hg]')),
      of('twice', loinc('8480-6'), 2, measured(120, 'mm[Hg]')),
      of(
        'protein',
        { ...loinc('2885-2'), text: 'Protein [Mass/volume] in Serum or Plasma' },
        1,
        measured(70, 'g/L'),
      ),
      of(
        'protein',
        { ...loinc('2885-2'), text: 'Protein [Mass/ volume] in Serum or Plasma' },
        2,
        measured(76, 'g/L'),
      ),
      of(
        'protein',
        { ...loinc('2885-2'), text: 'Protein [Mass/volume] in Serum or Plasma' },
        3,
        measured(73, 'g/L'),
      ),
    ]
    setting = await startSetting([...syntheticCohort(), ...odd])
    const gateway = await setting.gateway()
    client = await gateway.connect('http', await setting.token())
  })
  afterAll(() => setting.close())

  const count = async (patient_id: string, data_type: string) => {
    const { text, isError } = await client.call('count_patient_observations', { patient_id, data_type })
    expect(isError, text).toBe(false)
    return /(\d+)(?: observations)?[^\n]*, exact/.exec(text)?.[1]
  }

  it.each([
    ['kit', 'blood-glucose', '1'],
    ['kit', '41653-7', '1'],
    ['kit', 'LOINC 41653-7', '1'],
    ['kit', 'body fat', '1'],
    ['kit', '2885-2', '1'],
    ['pressures', 'blood-pressure', '4'],
    ['pressures', 'systolic', '3'],
    ['pressures', '8480-6', '3'],
    ['pressures', 'http://loinc.org|8480-6', '3'],
    ['pressures', 'diastolic', '3'],
    ['pressures', '55284-4', '4'],
    ['pressures', 'http://loinc.org|55284-4', '1'],
    ['vitals', 'heart-rate', '2'],
    ['vitals', 'body-temperature', '1'],
  ])('counts those of %s for %s', async (patient, word, expected) => {
    expect(await count(patient, word)).toBe(expected)
  })

  it('says the value of the component that was asked for, in a panel or alone', async () => {
    const given = { patient_id: 'pressures', data_type: 'systolic', format: 'table' }
    const { structured } = await client.call('get_patient_observations', given)
    const { columns, rows } = structured as { columns: string[]; rows: unknown[][] }
    const at = ['type', 'value', 'unit'].map((column) => columns.indexOf(column))
    expect(rows.map((row) => at.map((index) => row[index]))).toEqual([
      ['systolic blood pressure', 124, 'mm[Hg]'],
      ['systolic blood pressure', 122, 'mm[Hg]'],
      ['systolic blood pressure', 120, 'mm[Hg]'],
    ])
    const rate = await client.call('get_patient_observations', {
      patient_id: 'vitals',
      data_type: 'heart-rate',
      format: 'table',
    })
    const table = rate.structured as { columns: string[]; rows: unknown[][] }
    expect(
      table.rows.map((row) => [row[table.columns.indexOf('type')], row[table.columns.indexOf('value')]]),
    ).toEqual([
      ['heart-rate', 80],
      ['heart-rate', 70],
    ])
  })

  it('summarises all of one type as one, whoever wrote it', async () => {
    const summarised = async (tool: string, given: Record<string, unknown>) =>
      seriesOf(await client.call(tool, given))
    const own = (patient_id: string, data_type: string) =>
      summarised('summarize_patient_observations', { patient_id, data_type })
    expect(await own('pressures', 'blood-pressure')).toEqual([
      ['blood-pressure | diastolic blood pressure | mm[Hg]', 3, 82],
      ['blood-pressure | systolic blood pressure | mm[Hg]', 3, 122],
    ])
    expect(await own('pressures', 'systolic')).toEqual([
      ['blood-pressure | systolic blood pressure | mm[Hg]', 3, 122],
    ])
    expect(await own('vitals', 'heart-rate')).toEqual([['heart-rate | /min', 2, 75]])
    expect(await own('protein', 'LOINC 2885-2')).toEqual([
      ['Protein [Mass/volume] in Serum or Plasma (2885-2) | g/L', 3, 73],
    ])
    const study = await summarised('summarize_study_observations', {
      study_id: 'study-a',
      data_type: '2885-2',
    })
    expect(study).toContainEqual(['Protein [Mass/volume] in Serum or Plasma (2885-2) | g/L', 4, 72.5])
  })

  it('counts a value once that a panel and an observation of its own say, and says so', async () => {
    const given = { patient_id: 'twice', data_type: 'systolic' }
    const called = await client.call('summarize_patient_observations', given)
    expect(seriesOf(called)).toEqual([['blood-pressure | systolic blood pressure | mm[Hg]', 2, 120]])
    expect(called.text).toContain('in a panel and alone')
    const counted = await client.call('count_patient_observations', given)
    expect(counted.text).toContain('summaries count it once')
    const other = await client.call('count_patient_observations', { ...given, data_type: 'heart-rate' })
    expect(other.text).not.toContain('summaries count it once')
  })
})

describe('codes of a JupyterHealth Exchange', () => {
  let site: JupyterHealthSite
  let client: TestClient
  const patient = 40006
  const at = '2026-10-01T08:00:00Z'

  beforeAll(async () => {
    site = await openJupyterHealth()
    const kept = site.exchange.cohort.observations.filter((one) => one.patient !== patient)
    let id = 990_000
    const stored = (code: string, body: object) => {
      id += 1
      return {
        id,
        patient,
        status: 'final',
        system: `https://w3id.org/${code.startsWith('ieee:') ? 'ieee1752' : 'openmhealth'}`,
        code,
        display: code,
        effective: at,
        body: { ...body, effective_time_frame: { date_time: at } },
      }
    }
    const kg = (value: number) => ({ body_weight: { value, unit: 'kg' } })
    site.exchange.cohort.observations.splice(
      0,
      site.exchange.cohort.observations.length,
      ...kept,
      stored('omh:forced-vital-capacity:1.0', { forced_vital_capacity: { value: 4.1, unit: 'L' } }),
      stored('omh:body-weight:3.0', kg(81)),
      stored('omh:body-weight:3.0', { body_weight: { value: 178, unit: 'lb' } }),
      stored('ieee:body-weight:0.1', kg(80)),
      stored('omh:body-weight:9.9', kg(70)),
      stored('omh:grip-strength:1.0', { grip_strength: { value: 31.4, unit: 'kg' } }),
    )
    client = await site.as('northlake_member')
  })
  afterAll(() => site.close())

  const call = (tool: string, given: Record<string, unknown>) =>
    client.call(tool, { patient_id: String(patient), ...given })

  it('finds spirometry by its name, as a number that is summarised', async () => {
    expect((await call('count_patient_observations', { data_type: 'FVC' })).text).toMatch(/\b1[^\n]*, exact/)
    const listed = await call('get_patient_observations', { data_type: 'forced-vital-capacity' })
    expect(listed.text).toContain('forced-vital-capacity | 4.1 L')
    expect(seriesOf(await call('summarize_patient_observations', { data_type: 'fvc' }))).toEqual([
      ['forced-vital-capacity | L', 1, 4.1],
    ])
  })

  it('calls by the name of a type what is counted for it, and nothing else', async () => {
    const counted = await call('count_patient_observations', { data_type: 'body-weight' })
    expect(counted.text).toMatch(/\b3[^\n]*, exact/)
    const { text } = await call('get_patient_observations', {})
    expect(text.match(/\| body-weight \|/g)).toHaveLength(3)
    expect(text).toContain('omh:body-weight:9.9')
  })

  it('reads a type that nobody described, by the name of its schema', async () => {
    expect((await call('get_patient_observations', {})).text).toContain('| "grip-strength" | 31.4 kg |')
    expect(
      seriesOf(await call('summarize_patient_observations', { data_type: 'omh:grip-strength:1.0' })),
    ).toEqual([['grip-strength | kg', 1, 31.4]])
  })

  it('is not asked for LOINC beside the codes of a schema', async () => {
    const before = site.exchange.requests.length
    await call('get_patient_observations', { data_type: 'body-weight' })
    const asked = site.exchange.requests.slice(before).map(({ path }) => decodeURIComponent(path))
    // Of the four codes of the type the exchange lists these two.
    expect(asked.filter((path) => path.includes('code='))).toHaveLength(2)
    expect(asked.filter((path) => path.includes('loinc'))).toEqual([])
  })
})
