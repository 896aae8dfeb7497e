import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AnyResource } from '../../src/fhir/types.ts'
import { syntheticCohort } from '../../src/test-kit/index.ts'
import type { TestClient } from '../e2e/clients.ts'
import { type Setting, startSetting } from './setting.ts'

const code = { coding: [{ system: 'http://example.org/größe', code: 'Länge' }] }
const odd: readonly AnyResource[] = [
  {
    resourceType: 'Patient',
    id: 'odd-1',
    name: [{ family: 'Ångström', given: ['Zoë'] }, { text: '李' }],
    identifier: [{ system: 'urn:mrn', value: 'Ä-77' }],
  },
  {
    resourceType: 'ResearchSubject',
    id: 'odd-subject',
    status: 'on-study',
    study: { reference: 'ResearchStudy/study-a' },
    individual: { reference: 'Patient/odd-1' },
  },
  ...['odd-o1', 'odd-o2'].map((id) => ({
    resourceType: 'Observation',
    id,
    status: 'final',
    code,
    subject: { reference: 'Patient/odd-1' },
    effectiveDateTime: '2026-05-01T08:00:00Z',
    valueQuantity: { value: 41, unit: 'cm', system: 'http://unitsofmeasure.org', code: 'cm' },
  })),
  {
    resourceType: 'Condition',
    id: 'odd-condition',
    code,
    subject: { reference: 'Patient/odd-1' },
    recordedDate: '2026-05-01',
  },
]

let setting: Setting
let client: TestClient

beforeAll(async () => {
  setting = await startSetting([...syntheticCohort(), ...odd])
  const gateway = await setting.gateway({ fhir: { types: ['Condition'] } })
  client = await gateway.connect('http', await setting.token())
})
afterAll(() => setting.close())

describe('letters beyond ASCII reach a server that reads a form as ISO-8859-1 unless its charset is said', () => {
  it.each([
    ['family', { family: 'ångström' }],
    ['a name of one sign', { name: '李' }],
    ['given', { given: 'zoë' }],
    ['identifier', { identifier: 'Ä-77' }],
  ])('search_patients by %s', async (_, by) => {
    const { text, structured } = await client.call('search_patients', by)
    expect(structured.total, text).toBe(1)
    expect(text).toContain('Patient/odd-1')
  })

  const data_type = 'http://example.org/größe|Länge'

  it('counts by a code, of a patient and of a study', async () => {
    const asked = [
      ['count_patient_observations', { patient_id: 'odd-1', data_type }],
      ['count_study_observations', { study_id: 'study-a', data_type }],
    ] as const
    for (const [tool, given] of asked) {
      const { text, isError } = await client.call(tool, given)
      expect(isError, text).toBe(false)
      expect(text).toMatch(/\b2, exact/)
    }
  })

  it('lists and summarises by a code, and searches another type by it', async () => {
    const listed = await client.call('get_patient_observations', { patient_id: 'odd-1', data_type })
    expect(listed.structured.total).toBe(2)
    const summary = await client.call('summarize_study_observations', { study_id: 'study-a', data_type })
    expect(summary.text).toContain('2 observations')
    const found = await client.call('search_fhir', {
      patient_id: 'odd-1',
      type: 'Condition',
      search: { code: data_type },
    })
    expect(found.text).toContain('odd-condition')
  })
})
