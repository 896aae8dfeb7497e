import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { TestClient } from './clients.ts'
import { type JupyterHealthSite, openJupyterHealth } from './jupyterhealth-gateway.ts'
import { matches, totalOf, valuesOf } from './scenarios.ts'

const own = { patient_id: '40006' }

describe('a patient user of a JupyterHealth Exchange', () => {
  let site: JupyterHealthSite
  let client: TestClient
  beforeAll(async () => {
    site = await openJupyterHealth()
    client = await site.as('patient01')
  })
  afterAll(() => site.close())
  beforeEach(() => site.exchange.reset())

  async function call(tool: string, given: Record<string, unknown> = {}) {
    const called = await client.call(tool, given)
    expect(called.isError, called.text).toBe(false)
    return called
  }

  it('is permitted no study, and itself', async () => {
    const { text } = await call('get_my_access')
    expect(text).toContain('Studies (0): none')
    expect(text).toContain('Patient context: Patient/40006')
    expect(valuesOf(await call('get_study_count'))).toMatchObject({ count: 0 })
    expect(totalOf(await call('list_studies'))).toBe(0)
    await call('get_server_capabilities')
    await call('get_data_type', { data_type: 'heart-rate' })
  })

  it('counts its observations, by type and time too', async () => {
    const counted = async (given: Record<string, unknown>) =>
      valuesOf(await call('count_patient_observations', { ...own, ...given }))
    expect(await counted({})).toMatchObject({ count: 1200, exact: true })
    expect(await counted({ data_type: 'heart-rate' })).toMatchObject({ count: 1060, exact: true })
    expect(await counted({ data_type: 'step-count', start: '2026-10-01', end: '2026-10-31' })).toMatchObject({
      count: 15,
      exact: true,
    })
    expect(await counted({ start: '2030-01-01' })).toMatchObject({ count: 0 })
  })

  it('has a date range, with how many there are and how many without a date', async () => {
    expect(valuesOf(await call('get_patient_date_range', own))).toMatchObject({
      first: '2026-09-21T00:00:00Z',
      last: '2026-11-19T23:11:05Z',
      count: 1200,
      undated: 0,
    })
  })

  it('lists, summarizes and draws its observations', async () => {
    const listed = await call('get_patient_observations', { ...own, data_type: 'heart-rate', limit: 3 })
    expect(totalOf(listed)).toBe(1060)
    expect(matches(listed, 'Observation')).toHaveLength(3)
    expect(valuesOf(await call('summarize_patient_observations', own))).toMatchObject({
      observations: 1200,
      complete: true,
    })
    const charted = await call('chart_patient_observations', { ...own, data_types: ['heart-rate'] })
    expect(valuesOf(charted)).toMatchObject({ observations: 1060, complete: true })
  })

  it('finds itself, and nobody by the identifier of another, which the exchange does not look at', async () => {
    expect(matches(await call('search_patients', { family: 'Fernwick' }), 'Patient')).toEqual(['40006'])
    expect(matches(await call('search_patients', { identifier: 'NL-1000' }), 'Patient')).toEqual(['40006'])
    expect(matches(await call('search_patients', { identifier: 'NL-1001' }), 'Patient')).toEqual([])
    expect(matches(await call('search_patients', { identifier: 'urn:other|NL-1000' }), 'Patient')).toEqual([])
    expect((await call('get_patient_demographics', own)).structured).toMatchObject({ id: '40006' })
  })

  it.each([
    ['get_patient_demographics', { patient_id: '40007' }],
    ['count_patient_observations', { patient_id: '40007' }],
    ['get_patient_observations', { patient_id: '40007' }],
    ['get_patient_date_range', { patient_id: '40006', study_id: '30006' }],
    ['get_study_metadata', { study_id: '30006' }],
    ['list_study_patients', { study_id: '30006' }],
    ['count_study_observations', { study_id: '30006' }],
    ['summarize_study_observations', { study_id: '30006' }],
  ])('is refused %s of %j without a request', async (tool, given) => {
    const called = await client.call(tool, given)
    expect(called.text).toContain('FHIR_MCP_FORBIDDEN')
    expect(site.exchange.requests).toEqual([])
  })

  it('does not spoil the counts of practitioners, nor they its own', async () => {
    const other = await openJupyterHealth()
    try {
      const patient = await other.as('patient01')
      const member = await other.as('northlake_member')
      const counted = async (asking: TestClient, patient_id: string) =>
        valuesOf(await asking.call('count_patient_observations', { patient_id }))
      expect(await counted(patient, '40006')).toMatchObject({ count: 1200 })
      expect(await counted(member, '40007')).toMatchObject({ count: 200 })
      expect(await counted(patient, '40006')).toMatchObject({ count: 1200 })
    } finally {
      await other.close()
    }
  })
})
