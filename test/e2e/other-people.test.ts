import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { AnyResource } from '../../src/fhir/types.ts'
import {
  permissionsClaim,
  startExchange,
  startIssuer,
  syntheticCohort,
  type TestExchange,
  type TestIssuer,
} from '../../src/test-kit/index.ts'
import { auditFile, recordsIn } from '../audit/records.ts'
import { imported } from '../exchange/jupyterhealth-imports.ts'
import { record } from '../tools/record.ts'
import { connectHttp, type TestClient } from './clients.ts'
import { type Gateway, startGateway } from './gateway.ts'
import { type JupyterHealthSite, openJupyterHealth } from './jupyterhealth-gateway.ts'
import { foreign, keepers, planting, secret } from './planted-people.ts'

const audience = 'http://mcp.test/mcp'
const planted = ['Patient', 'Observation', 'ResearchStudy', 'Condition', 'Encounter']
const formats = ['fhir', 'fhir_full', 'table'] as const
const full = { format: 'fhir_full' } as const

/** What must not be in any answer. */
const hidden = new RegExp(`${secret}|inner-(patient|relative)|${foreign}(?![0-9])`)

describe.each(['R4', 'R5'] as const)('other people on a HAPI server, %s,', (version) => {
  let issuer: TestIssuer
  let exchange: TestExchange<AnyResource[]>
  let gateway: Gateway
  let client: TestClient
  let path: string
  /** A client that takes any answer, for what is no FHIR as the exchange gives it. */
  let rude: TestClient

  beforeAll(async () => {
    issuer = await startIssuer()
    const cohort = [...syntheticCohort(), ...record(version)]
    exchange = await startExchange({ dialect: 'hapi', fhirVersion: version, cohort })
  })
  afterAll(async () => {
    await exchange.close()
    await issuer.close()
  })
  const plant = (isValid: boolean) =>
    exchange.misbehave((request) => {
      if (request.path.startsWith('/fhir/metadata')) return undefined
      return planting(planted, ({ id, resourceType }) => {
        const own = resourceType === 'Patient' ? id : resourceType === 'ResearchStudy' ? undefined : 'pat-1'
        return {
          version,
          isValid,
          other: `Patient/${foreign}`,
          own: own === undefined ? undefined : `Patient/${own}`,
        }
      })
    })

  beforeEach(async () => {
    plant(true)
    path = auditFile()
    gateway = await startGateway(
      {
        fhir: {
          baseUrl: exchange.url,
          credentials: 'none',
          dialect: 'hapi',
          types: ['Condition', 'Encounter'],
        },
        auth: { issuer: issuer.url, audience },
        audit: { path },
      },
      undefined,
      version,
    )
    const claims = permissionsClaim({ studies: ['study-a'] })
    const token = await issuer.token({ sub: 'x', aud: audience, ...claims })
    client = await gateway.connect('http', token)
    rude = await connectHttp(`${gateway.origin}/mcp`, token)
    return async () => {
      await rude.close()
      await gateway.close()
    }
  })

  it.each(['Patient/pat-1', 'ResearchStudy/study-a', 'Condition/pat-1-condition-1'])(
    'are in what it says of %s (control)',
    async (resource) => {
      const body = await (await fetch(`${exchange.url}/${resource}`)).text()
      expect(body.match(new RegExp(secret, 'g'))?.length).toBeGreaterThan(5)
      expect(body).toContain('inner-relative')
    },
  )

  const record1 = { patient_id: 'pat-1', type: 'Condition' }
  const calls: readonly (readonly [string, Record<string, unknown>])[] = [
    ['get_patient_demographics', { patient_id: 'pat-1' }],
    ['get_patient_demographics', { patient_id: 'pat-1', ...full }],
    ...formats.flatMap((format) => [
      ['search_patients', { birthdate: 'ge1900-01-01', detail: 'identified', format }] as const,
      ['list_study_patients', { study_id: 'study-a', detail: 'identified', format }] as const,
      ['get_patient_observations', { patient_id: 'pat-1', limit: 3, format }] as const,
      ['list_studies', { format }] as const,
    ]),
    ['search_patients', { birthdate: 'ge1900-01-01' }],
    ['list_study_patients', { study_id: 'study-a' }],
    ['get_study_metadata', { study_id: 'study-a' }],
    ['get_study_metadata', { study_id: 'study-a', ...full }],
    ['search_fhir', record1],
    ['search_fhir', { ...record1, format: 'table' }],
    ['read_fhir', { ...record1, id: 'pat-1-condition-1' }],
    ['search_fhir', { patient_id: 'pat-1', type: 'Encounter' }],
    ['summarize_patient_observations', { patient_id: 'pat-1' }],
    ['get_patient_date_range', { patient_id: 'pat-1' }],
    ['summarize_study_observations', { study_id: 'study-a' }],
  ]

  it.each(calls)('are in no answer of %s %j', async (tool, given) => {
    const called = await client.call(tool, given)
    expect(called.isError, called.text).toBe(false)
    expect(JSON.stringify(called)).not.toMatch(hidden)
    plant(false)
    const other = await rude.call(tool, given)
    expect(other.isError, other.text).toBe(false)
    expect(JSON.stringify(other)).not.toMatch(hidden)
    await gateway.close()
    expect(recordsIn(path).at(-1)).toMatchObject({ outcome: 'allowed' })
    expect(JSON.stringify(recordsIn(path))).not.toMatch(hidden)
  })

  it.each(calls.filter(([, given]) => given.format === 'fhir_full'))(
    'are masked one by one in %s %j, and all others stay',
    async (tool, given) => {
      const called = await client.call(tool, given)
      const body = JSON.stringify(called.structured)
      expect(body).toContain('"valueCode":"masked"')
      expect(body).toMatch(keepers)
      expect(body).toContain('SUBSETTED')
      expect(called.text).toMatch(/References to other people than this call may name: \d+ masked\./)
      expect(called.text).toMatch(/Contained resources that are such people, or theirs: \d+ left out\./)
    },
  )

  it.each([
    ['get_patient_demographics', { patient_id: 'pat-1', ...full }, 'Patient/pat-1'],
    ['get_patient_observations', { patient_id: 'pat-1', limit: 3, ...full }, 'Patient/pat-1'],
    ['read_fhir', { ...record1, id: 'pat-1-condition-1' }, 'Patient/pat-1'],
  ])('leave the patient’s own reference in %s', async (tool, given, own) => {
    const body = JSON.stringify((await client.call(tool, given)).structured)
    expect(body).toContain(
      `{"url":"http://example.org/own","valueReference":{"reference":"${own}","display":"Keepers"}}`,
    )
    expect(body).toContain(
      '{"url":"http://example.org/doctor","valueReference":{"reference":"Practitioner/doc-1"',
    )
  })

  it('are counted in the note: those of the rows that are shown', async () => {
    const { text } = await client.call('get_patient_demographics', { patient_id: 'pat-1', ...full })
    // link 2, and extensions 3 here and 3 in managingOrganization.
    expect(text).toContain('References to other people than this call may name: 8 masked.')
    expect(text).toContain('or theirs: 4 left out.')
  })

  it.each(['exchange://patient/pat-1', 'exchange://study/study-a'])('are in no resource: %s', async (uri) => {
    const text = await client.readResource(uri)
    expect(text).not.toMatch(hidden)
    expect(text).toMatch(keepers)
  })
})

describe('other people on a JupyterHealth Exchange', () => {
  let site: JupyterHealthSite
  let client: TestClient
  const [own, other] = ['40007', '40008']
  const others = new RegExp(`${secret}|inner-(patient|relative)|Patient/${other}`)

  beforeAll(async () => {
    site = await openJupyterHealth({ types: ['Condition'] })
    site.exchange.cohort.imports.push(
      imported(1, 'Condition', {
        code: { text: 'A condition' },
        clinicalStatus: { coding: [{ code: 'active' }] },
      }),
      imported(2, 'Observation', {
        status: 'final',
        code: { text: 'imported' },
        effectiveDateTime: '2030-01-01T00:00:00Z',
        valueQuantity: { value: 1 },
      }),
    )
    site.exchange.misbehave((request) =>
      request.path.includes('/metadata')
        ? undefined
        : planting(planted, ({ id, resourceType }) => ({
            version: 'R5',
            isValid: true,
            other: `Patient/${other}`,
            own: `Patient/${resourceType === 'Patient' ? id : own}`,
          })),
    )
    client = await site.as('northlake_member')
  })
  afterAll(() => site.close())

  it.each<[string, Record<string, unknown>]>([
    ['get_patient_demographics', { patient_id: own }],
    ['get_patient_demographics', { patient_id: own, ...full }],
    ...formats.flatMap((format): [string, Record<string, unknown>][] => [
      ['get_patient_observations', { patient_id: own, limit: 3, format }],
      ['list_studies', { format }],
    ]),
    ['search_fhir', { patient_id: own, type: 'Condition' }],
    ['read_fhir', { patient_id: own, type: 'Condition', id: '0c9d8e7f-1111-4222-8333-000000000001' }],
    ['summarize_patient_observations', { patient_id: own }],
  ])('are in no answer of %s %j', async (tool, given) => {
    const called = await client.call(tool, given)
    expect(called.isError, called.text).toBe(false)
    expect(JSON.stringify(called)).not.toMatch(others)
    if (given.format !== 'fhir_full' || tool === 'list_studies') return
    expect(JSON.stringify(called.structured)).toMatch(keepers)
    expect(called.text).toMatch(/References to other people than this call may name: \d+ masked\./)
  })

  it('leave the Group that a permitted study is', async () => {
    const called = await client.call('get_study_metadata', { study_id: '30006', ...full })
    expect(called.structured).toMatchObject({ recruitment: { actualGroup: { reference: 'Group/30006' } } })
  })

  it('are in what the exchange says (control)', async () => {
    const token = site.exchange.cohort.users.find(({ name }) => name === 'northlake_member')?.token
    const answer = await fetch(`${site.exchange.url}/Patient/${own}`, {
      headers: { authorization: `Bearer ${token}` },
    })
    expect(await answer.text()).toMatch(others)
  })
})
