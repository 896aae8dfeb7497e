import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { idOf, imported } from '../exchange/jupyterhealth-imports.ts'
import type { TestClient } from './clients.ts'
import { type JupyterHealthSite, openJupyterHealth } from './jupyterhealth-gateway.ts'
import { cursorOf, matches, totalOf } from './scenarios.ts'

const patient = { patient_id: '40007' }
const condition = (n: number, display: string, rest: object, of: object = {}) =>
  imported(
    n,
    'Condition',
    {
      code: { coding: [{ system: 'http://snomed.info/sct', code: String(n), display }] },
      clinicalStatus: {
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' }],
      },
      ...rest,
    },
    of,
  )

describe('search_fhir and read_fhir before a JupyterHealth Exchange', () => {
  let site: JupyterHealthSite
  let client: TestClient
  beforeAll(async () => {
    site = await openJupyterHealth({ types: ['Condition', 'MedicationRequest', 'MedicationStatement'] })
    site.exchange.cohort.imports.push(
      condition(1, 'Asthma', { recordedDate: '2025-03-01' }),
      condition(2, 'Hypertension', { recordedDate: '2026-02-01T23:30:00-08:00' }, { source: 8 }),
      condition(3, 'Of another patient', {}, { patient: 40008 }),
      condition(4, 'Of a patient user', {}, { patient: 40006 }),
      imported(5, 'MedicationRequest', {
        status: 'active',
        intent: 'order',
        medication: { concept: { text: 'Amoxicillin' } },
        authoredOn: '2026-01-01',
      }),
    )
    client = await site.as('northlake_member')
  })
  afterAll(() => site.close())
  beforeEach(() => site.exchange.reset())

  it('give what was imported, and say so', async () => {
    const found = await client.call('search_fhir', { ...patient, type: 'Condition' })
    expect(found.isError, found.text).toBe(false)
    expect(matches(found, 'Condition')).toEqual([idOf(2), idOf(1)])
    expect(totalOf(found)).toBe(2)
    expect(found.text).toContain('The exchange imported these records from other FHIR servers')
    expect(found.structured).toMatchObject({
      entry: [
        {
          resource: {
            subject: { reference: 'Patient/40007' },
            meta: { source: 'https://jupyterhealth.org/fhir/fhir-source/8' },
          },
        },
        {},
        {},
      ],
    })
    expect(JSON.stringify(found)).not.toMatch(/ePt1|Alderbrook|another patient|40008/)
    const medicines = await client.call('search_fhir', { ...patient, type: 'MedicationRequest' })
    expect(medicines.text).toContain('Amoxicillin')
    const read = await client.call('read_fhir', { ...patient, type: 'Condition', id: idOf(1) })
    expect(read.structured).toMatchObject({ id: idOf(1), subject: { reference: 'Patient/40007' } })
    expect(read.text).toContain('imported')
  })

  it('search in pages, by code, state and date', async () => {
    const search = { 'recorded-date': 'ge2026-02-02', 'clinical-status': 'active' }
    const found = await client.call('search_fhir', { ...patient, type: 'Condition', search })
    expect(matches(found, 'Condition')).toEqual([idOf(2)])
    const first = await client.call('search_fhir', { ...patient, type: 'Condition', limit: 1 })
    const cursor = cursorOf(first)
    const second = await client.call('search_fhir', { ...patient, type: 'Condition', limit: 1, cursor })
    expect(matches(second, 'Condition')).toEqual([idOf(1)])
    expect(cursorOf(second)).toBeUndefined()
    const asked = site.exchange.requests.map(({ path }) => path).filter((path) => path.includes('Condition?'))
    expect(asked.every((path) => /Condition\?patient=40007&_sort=/.test(path))).toBe(true)
  })

  it.each([
    ['search_fhir', { ...patient, type: 'Condition', study_id: '30006' }, 'without study_id'],
    ['read_fhir', { ...patient, type: 'Condition', study_id: '30006', id: idOf(1) }, 'without study_id'],
    ['search_fhir', { ...patient, type: 'MedicationStatement' }, 'The exchange has no MedicationStatement'],
  ])('refuse %s of %j, and say what would do', async (tool, given, words) => {
    const refused = await client.call(tool, given)
    expect(refused.text).toContain('FHIR_MCP_NOT_SUPPORTED_BY_EXCHANGE')
    expect(refused.text).toContain(words)
    expect(
      site.exchange.requests.filter(({ path }) => /FHIR\/R5\/(Condition|Medication)/.test(path)),
    ).toEqual([])
  })

  it.each([
    ['search_fhir', { patient_id: '40025', type: 'Condition' }],
    ['read_fhir', { patient_id: '40025', type: 'Condition', id: idOf(1) }],
    ['read_fhir', { ...patient, type: 'Condition', id: idOf(3) }],
    ['read_fhir', { ...patient, type: 'Condition', id: '60010' }],
  ])('say of %s of %j that there is no such thing, or no right to it', async (tool, given) => {
    expect((await client.call(tool, given)).text).toContain('FHIR_MCP_FORBIDDEN')
  })

  it('give a patient user the own record', async () => {
    const own = await site.as('patient01')
    const found = await own.call('search_fhir', { patient_id: '40006', type: 'Condition' })
    expect(matches(found, 'Condition')).toEqual([idOf(4)])
    expect((await own.call('search_fhir', { ...patient, type: 'Condition' })).text).toContain(
      'FHIR_MCP_FORBIDDEN',
    )
  })
})
