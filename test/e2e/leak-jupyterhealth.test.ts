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

const audience = 'https://mcp.test/mcp'
const exchangeAudience = 'https://exchange.test'
const aud = [audience, exchangeAudience]
let issuer: TestIssuer
let exchange: TestExchange<unknown>
let gateway: Gateway
let path: string
let client: TestClient

beforeAll(async () => {
  issuer = await startIssuer()
  // Somebody who may see more at the exchange than the token says: the filters alone hold the answers within it.
  exchange = await startExchange({ dialect: 'jupyterhealth', authorize: () => 'both_member' })
})
afterAll(async () => {
  await issuer.close()
  await exchange.close()
})

const forwarding = () =>
  ({
    baseUrl: exchange.url,
    credentials: 'forward',
    audience: exchangeAudience,
    dialect: 'jupyterhealth',
  }) as const

beforeEach(async () => {
  exchange.reset()
  path = auditFile()
  gateway = await startGateway(
    {
      fhir: forwarding(),
      auth: { issuer: issuer.url, audience },
      audit: { path },
    },
    undefined,
    'R5',
  )
  const claims = { sub: 'x', aud, ...permissionsClaim({ studies: ['30006'] }) }
  client = await gateway.connect('http', await issuer.token(claims))
  return () => gateway.close()
})

function hasCode(called: Called, ...codes: string[]) {
  expect(called.isError, called.text).toBe(true)
  expect(codes.map((code) => `FHIR_MCP_${code}`)).toContain(called.text.split(':')[0])
}

/** What was held back is in no record either; the call is. */
async function recordedWithout(foreign: RegExp) {
  await gateway.close()
  const records = recordsIn(path)
  expect(records.at(-1)).toMatchObject({ outcome: 'failed', patients: [], bytes: 0 })
  expect(JSON.stringify(records)).not.toMatch(foreign)
}

const misbehave = (below: string, fault: Fault) =>
  exchange.misbehave((request) => (request.path.startsWith(`/FHIR/R5/${below}`) ? fault : undefined))

const study = 'patient._has:Group:member:_id'

describe('a JupyterHealth Exchange that', () => {
  const calls: readonly (readonly [string, Record<string, unknown>])[] = [
    ['get_patient_demographics', { patient_id: '40006' }],
    ['get_patient_observations', { patient_id: '40006', limit: 3 }],
    ['get_patient_date_range', { patient_id: '40006' }],
    ['search_patients', { name: 'Fernwick' }],
    ['list_study_patients', { study_id: '30006' }],
  ]

  it.each(calls)('is honest answers (control): %s', async (tool, given) => {
    const called = await client.call(tool, given)
    expect(called.isError, called.text).toBe(false)
  })

  it.each([
    ['get_patient_observations', { patient_id: '40006', limit: 3 }, 'patient'],
    ['get_patient_date_range', { patient_id: '40006' }, 'patient'],
    ['summarize_patient_observations', { patient_id: '40006' }, 'patient'],
    ['chart_patient_observations', { patient_id: '40006', data_types: ['heart-rate'] }, 'patient'],
    ['summarize_study_observations', { study_id: '30006' }, study],
  ])('ignores the filter on whose they are is found out by %s', async (tool, given, filter) => {
    misbehave('Observation', { kind: 'ignore', parameters: [filter] })
    const called = await client.call(tool, given)
    hasCode(called, 'EXCHANGE_LEAK')
    expect(JSON.stringify(called)).not.toMatch(/4002\d/)
    await recordedWithout(/4002\d/)
  })

  it('answers another patient is found out', async () => {
    misbehave('Patient/', { kind: 'another-patient', patient: '40026' })
    const called = await client.call('get_patient_demographics', { patient_id: '40006' })
    hasCode(called, 'EXCHANGE_LEAK')
    expect(JSON.stringify(called)).not.toContain('40026')
    await recordedWithout(/40026/)
  })

  it('ignores a count’s filter on the patient does not make us say a wrong number', async () => {
    const honest = await client.call('count_patient_observations', { patient_id: '40007' })
    expect(honest.text).toContain('200')
    await gateway.close()
    gateway = await startGateway(
      {
        fhir: forwarding(),
        auth: { issuer: issuer.url, audience },
      },
      undefined,
      'R5',
    )
    const claims = { sub: 'x', aud, ...permissionsClaim({ studies: ['30006'] }) }
    const another = await gateway.connect('http', await issuer.token(claims))
    misbehave('Observation', { kind: 'ignore', parameters: ['patient', study] })
    hasCode(
      await another.call('count_patient_observations', { patient_id: '40007' }),
      'NOT_SUPPORTED_BY_EXCHANGE',
    )
    hasCode(
      await another.call('count_study_observations', { study_id: '30006' }),
      'NOT_SUPPORTED_BY_EXCHANGE',
    )
  })

  it('keeps what the claims forbid, though its own rules would allow it', async () => {
    for (const patient_id of ['40026', '40029']) {
      hasCode(await client.call('get_patient_demographics', { patient_id }), 'FORBIDDEN')
    }
    hasCode(await client.call('get_study_metadata', { study_id: '30008' }), 'FORBIDDEN')
    expect(exchange.requests.map(({ path }) => path).join()).not.toMatch(/4002[69]|30008/)
  })

  it('counts of a study what it requested of its patients, whichever way it is asked', async () => {
    const claims = { sub: 'y', aud, ...permissionsClaim({ studies: ['30007'] }) }
    const other = await gateway.connect('http', await issuer.token(claims))
    const whole = await other.call('count_study_observations', { study_id: '30007' })
    const each = await other.call('count_study_observations', { study_id: '30007', by_patient: true })
    expect(whole.text).toMatch(/^480\b/m)
    expect(each.text).toMatch(/^480\b/m)
    const [inStudy, alone] = await Promise.all([
      other.call('count_patient_observations', { patient_id: '40019', study_id: '30007' }),
      other.call('count_patient_observations', { patient_id: '40019' }),
    ])
    expect([inStudy.text, alone.text]).toEqual([
      expect.stringMatching(/^60\b/m),
      expect.stringMatching(/^60\b/m),
    ])
    const everything = await client.call('count_patient_observations', { patient_id: '40019' })
    expect(everything.text).toMatch(/^200\b/m)
  })
})
