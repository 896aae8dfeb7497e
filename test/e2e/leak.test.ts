import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  type Fault,
  permissionsClaim,
  startExchange,
  startIssuer,
  type TestExchange,
  type TestIssuer,
} from '../../src/test-kit/index.ts'
import { auditFile, recordsIn } from '../audit/records.ts'
import type { Called, TestClient } from './clients.ts'
import { type Gateway, startGateway } from './gateway.ts'
import { matches } from './scenarios.ts'

const audience = 'https://mcp.test/mcp'
let issuer: TestIssuer
let elsewhere: TestExchange<unknown>

beforeAll(async () => {
  issuer = await startIssuer()
  elsewhere = await startExchange({ dialect: 'hapi', fhirVersion: 'R4' })
})
afterAll(async () => {
  await issuer.close()
  await elsewhere.close()
})

function hasCode(called: Called, ...codes: string[]) {
  expect(called.isError, called.text).toBe(true)
  expect(codes.map((code) => `FHIR_MCP_${code}`)).toContain(called.text.split(':')[0])
}

describe.each(['R4', 'R5'] as const)('a HAPI server, %s, that', (fhirVersion) => {
  let exchange: TestExchange<unknown>
  let gateway: Gateway
  let path: string
  let client: TestClient

  beforeAll(async () => {
    exchange = await startExchange({ dialect: 'hapi', fhirVersion })
  })
  afterAll(() => exchange.close())

  beforeEach(async () => {
    exchange.reset()
    elsewhere.reset()
    path = auditFile()
    gateway = await startGateway(
      {
        fhir: { baseUrl: exchange.url, credentials: 'none', dialect: 'hapi' },
        auth: { issuer: issuer.url, audience },
        audit: { path },
      },
      undefined,
      fhirVersion,
    )
    const claims = { sub: 'x', aud: audience, ...permissionsClaim({ studies: ['study-a'] }) }
    client = await gateway.connect('http', await issuer.token(claims))
    return () => gateway.close()
  })

  /** What was held back is in no record either; the call is. */
  async function recordedWithout(foreign: RegExp) {
    await gateway.close()
    const records = recordsIn(path)
    expect(records.at(-1)).toMatchObject({ outcome: 'failed', patients: [], bytes: 0 })
    expect(JSON.stringify(records)).not.toMatch(foreign)
  }

  const misbehave = (type: string, fault: Fault) =>
    exchange.misbehave((request) => (request.path.startsWith(`/fhir/${type}`) ? fault : undefined))

  const calls: readonly (readonly [string, string, Record<string, unknown>])[] = [
    ['Observation', 'get_patient_observations', { patient_id: 'pat-1', limit: 5 }],
    ['Observation', 'summarize_patient_observations', { patient_id: 'pat-1' }],
    ['Observation', 'chart_patient_observations', { patient_id: 'pat-1', data_types: ['heart-rate'] }],
    ['Observation', 'summarize_study_observations', { study_id: 'study-a' }],
    ['Observation', 'get_patient_date_range', { patient_id: 'pat-1' }],
    ['Patient', 'get_patient_demographics', { patient_id: 'pat-1' }],
    ['Patient', 'search_patients', { birthdate: 'ge1900-01-01', study_id: 'study-a' }],
    ['Patient', 'list_study_patients', { study_id: 'study-a' }],
  ]

  it.each(calls)('is honest answers (control): %s, %s', async (_, tool, given) => {
    expect((await client.call(tool, given)).isError).toBe(false)
  })

  it('answers a named patient with another one, within reach or not, is found out', async () => {
    for (const patient of ['pat-10', 'pat-2']) {
      misbehave('Patient', { kind: 'another-patient', patient })
      const called = await client.call('get_patient_demographics', { patient_id: 'pat-1' })
      hasCode(called, 'EXCHANGE_LEAK')
      expect(JSON.stringify(called)).not.toContain(patient)
    }
    await recordedWithout(/pat-10|pat-2/)
  })

  it.each(calls)('answers another patient in %s is found out by %s', async (type, tool, given) => {
    misbehave(type, { kind: 'another-patient', patient: 'pat-10' })
    const called = await client.call(tool, given)
    hasCode(called, 'EXCHANGE_LEAK')
    expect(JSON.stringify(called)).not.toContain('pat-10')
    await recordedWithout(/pat-10/)
  })

  it.each(calls.filter(([, tool]) => tool !== 'get_patient_demographics'))(
    'ignores the filter on patients in %s is found out by %s',
    async (type, tool, given) => {
      misbehave(type, { kind: 'ignore', parameters: ['patient', '_id'] })
      const called = await client.call(tool, given)
      hasCode(called, 'EXCHANGE_LEAK')
      expect(JSON.stringify(called)).not.toContain('pat-10')
      await recordedWithout(/pat-10/)
    },
  )

  it('ignores the filter on the study in a roster is found out', async () => {
    misbehave('ResearchSubject', { kind: 'ignore', parameters: ['study'] })
    hasCode(await client.call('get_patient_demographics', { patient_id: 'pat-1' }), 'EXCHANGE_LEAK')
    hasCode(await client.call('get_patient_demographics', { patient_id: 'pat-10' }), 'EXCHANGE_LEAK')
  })

  it('ignores the ids of studies is found out, or its other studies are not told', async () => {
    misbehave('ResearchStudy', { kind: 'ignore', parameters: ['_id'] })
    const called = await client.call('list_studies', {})
    expect(JSON.stringify(called)).not.toContain('study-c')
  })

  it.each([
    ['patient', 'count_patient_observations', { patient_id: 'pat-1' }],
    ['patient', 'count_study_observations', { study_id: 'study-a' }],
    ['patient', 'count_study_observations', { study_id: 'study-a', by_patient: true }],
    ['code,combo-code', 'count_patient_observations', { patient_id: 'pat-1', data_type: 'heart-rate' }],
    ['date', 'count_patient_observations', { patient_id: 'pat-1', start: '2026-10-01' }],
  ])('ignores %s in a count does not make %s say a wrong number: %j', async (parameter, tool, given) => {
    const control = await client.call(tool, given)
    expect(control.isError).toBe(false)
    await gateway.close()
    gateway = await startGateway(
      {
        fhir: { baseUrl: exchange.url, credentials: 'none', dialect: 'hapi' },
        auth: { issuer: issuer.url, audience },
      },
      undefined,
      fhirVersion,
    )
    const claims = { sub: 'x', aud: audience, ...permissionsClaim({ studies: ['study-a'] }) }
    const another = await gateway.connect('http', await issuer.token(claims))
    misbehave('Observation', { kind: 'ignore', parameters: parameter.split(',') })
    const called = await another.call(tool, given)
    if (called.isError) hasCode(called, 'NOT_SUPPORTED_BY_EXCHANGE', 'EXCHANGE_LEAK')
    else expect(called.structured).toEqual(control.structured)
  })

  it.each([
    ['code,combo-code', { patient_id: 'pat-1', data_type: 'heart-rate' }],
    ['date', { patient_id: 'pat-1', start: '2026-10-01', end: '2026-10-02' }],
  ])('ignores %s in a search is found out', async (parameter, given) => {
    misbehave('Observation', { kind: 'ignore', parameters: parameter.split(',') })
    hasCode(await client.call('get_patient_observations', given), 'NOT_SUPPORTED_BY_EXCHANGE')
  })

  it.each([{ name: 'Achebe' }, { family: 'Achebe' }, { given: 'Chidi' }])(
    'ignores a name in a search for patients finds nobody else: %j',
    async (criterion) => {
      const honest = await client.call('search_patients', criterion)
      expect(honest.structured).toMatchObject({ total: 1 })
      misbehave('Patient', { kind: 'ignore', parameters: Object.keys(criterion) })
      const called = await client.call('search_patients', criterion)
      expect(matches(called, 'Patient')).toEqual(matches(honest, 'Patient'))
    },
  )

  it.each([{ birthdate: '1956-03-12' }, { identifier: 'MRN0002' }])(
    'ignores a criterion of a search for patients is found out: %j',
    async (criterion) => {
      const honest = await client.call('search_patients', criterion)
      expect(honest.structured).toMatchObject({ total: 1 })
      misbehave('Patient', { kind: 'ignore', parameters: Object.keys(criterion) })
      hasCode(await client.call('search_patients', criterion), 'NOT_SUPPORTED_BY_EXCHANGE')
    },
  )

  it('points next at another host is never followed there', async () => {
    misbehave('Observation', { kind: 'next', url: `${elsewhere.url}/Observation?patient=pat-10` })
    const called = await client.call('summarize_patient_observations', { patient_id: 'pat-1' })
    expect(elsewhere.requests).toEqual([])
    hasCode(called, 'EXCHANGE_REJECTED')
  })

  it('points next at a look-alike host is never followed there', async () => {
    misbehave('ResearchSubject', {
      kind: 'next',
      url: exchange.url.replace('127.0.0.1', '127.0.0.1.example.org'),
    })
    hasCode(await client.call('get_patient_demographics', { patient_id: 'pat-1' }), 'EXCHANGE_REJECTED')
  })

  it('redirects to another host is never followed there', async () => {
    misbehave('Patient', { kind: 'redirect', location: `${elsewhere.url}/Patient/pat-1` })
    hasCode(await client.call('get_patient_demographics', { patient_id: 'pat-1' }), 'EXCHANGE_REJECTED')
    expect(elsewhere.requests).toEqual([])
  })

  it.each([0, 3, 5000])('lies in the total of a roster (%d) is found out', async (total) => {
    misbehave('ResearchSubject', { kind: 'total', total })
    const called = await client.call('list_study_patients', { study_id: 'study-a' })
    hasCode(called, 'EXCHANGE_REJECTED', 'EXCHANGE_LEAK')
  })

  it('answers HTML, or breaks off, is told without its words', async () => {
    for (const fault of [{ kind: 'html' }, { kind: 'cut' }, { kind: 'reset' }] as const) {
      misbehave('Patient', fault)
      const called = await client.call('get_patient_demographics', { patient_id: 'pat-1' })
      hasCode(called, 'EXCHANGE_REJECTED', 'EXCHANGE_UNAVAILABLE')
      expect(JSON.stringify(called)).not.toMatch(/Welcome|127\.0\.0\.1|pat-1/)
    }
  })

  it('lets somebody go out of the roster meanwhile: one reload of the roster, and a refusal', async () => {
    expect((await client.call('list_study_patients', { study_id: 'study-a' })).isError).toBe(false)
    misbehave('Patient', { kind: 'another-patient', patient: 'pat-7' })
    const before = exchange.requests.filter(({ path }) => path.startsWith('/fhir/ResearchSubject')).length
    hasCode(
      await client.call('get_patient_demographics', { patient_id: 'pat-1' }),
      'EXCHANGE_LEAK',
      'EXCHANGE_REJECTED',
    )
    const after = exchange.requests.filter(({ path }) => path.startsWith('/fhir/ResearchSubject')).length
    expect(after - before).toBeLessThanOrEqual(1)
  })
})
