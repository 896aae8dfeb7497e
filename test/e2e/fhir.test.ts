import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  permissionsClaim,
  startExchange,
  startIssuer,
  type TestExchange,
  type TestIssuer,
} from '../../src/test-kit/index.ts'
import type { Called, TestClient } from './clients.ts'
import { type Gateway, startGateway } from './gateway.ts'

const audience = 'https://mcp.test/mcp'
/** Servers stamp what they answer; here always the same. */
const now = Date.parse('2026-11-23T06:00:00Z')
const exchangeAudience = 'https://exchange.test'
const worlds = [
  {
    dialect: 'hapi',
    fhirVersion: 'R4',
    study: 'study-a',
    other: 'study-b',
    patient: 'pat-5',
    foreign: 'pat-10',
  },
  {
    dialect: 'hapi',
    fhirVersion: 'R5',
    study: 'study-a',
    other: 'study-b',
    patient: 'pat-5',
    foreign: 'pat-10',
  },
  {
    dialect: 'jupyterhealth',
    fhirVersion: 'R5',
    study: '30006',
    other: '30007',
    patient: '40006',
    foreign: '40020',
  },
] as const
type World = (typeof worlds)[number]

/** Calls whose answers take every shape that there is. */
const callsOf = ({ study, patient, foreign }: World): [string, Record<string, unknown>][] => [
  ['list_studies', {}],
  ['list_studies', { format: 'fhir_full' }],
  ['list_studies', { limit: 1 }],
  ['get_study_metadata', { study_id: study }],
  ['get_study_metadata', { study_id: study, format: 'fhir_full' }],
  ['list_study_patients', { study_id: study }],
  ['list_study_patients', { study_id: study, detail: 'identified', format: 'fhir_full' }],
  ['search_patients', { detail: 'identified' }],
  ['search_patients', { name: 'nobody-of-this-name' }],
  ['get_patient_demographics', { patient_id: patient }],
  ['get_patient_demographics', { patient_id: patient, format: 'fhir_full' }],
  ['get_patient_date_range', { patient_id: patient }],
  ['get_patient_observations', { patient_id: patient, limit: 200 }],
  ['get_patient_observations', { patient_id: patient, limit: 20, format: 'fhir_full' }],
  ['get_patient_observations', { patient_id: patient, start: '1999-01-01', end: '1999-12-31' }],
  ['count_patient_observations', { patient_id: patient }],
  ['count_study_observations', { study_id: study, by_patient: true }],
  ['summarize_patient_observations', { patient_id: patient }],
  ['chart_patient_observations', { patient_id: patient, data_types: ['heart-rate', 'blood-pressure'] }],
  ['chart_patient_observations', { patient_id: patient, data_types: ['nap'], start: '1999' }],
  ['summarize_study_observations', { study_id: study, by: 'week' }],
  ['summarize_study_observations', { study_id: study, by: 'patient' }],
  ['get_study_count', {}],
  ['get_data_type', { data_type: 'blood-pressure' }],
  ['get_data_type', { data_type: 'sleep' }],
  ['get_study_metadata', { study_id: 'no-such-study' }],
  ['get_patient_observations', { patient_id: foreign }],
  ['get_patient_observations', { patient_id: patient, start: 'soon' }],
  ['list_studies', { cursor: 'forged' }],
]

describe.each(worlds)('FHIR of $dialect, $fhirVersion', (world) => {
  let issuer: TestIssuer
  let exchange: TestExchange<unknown>
  let gateway: Gateway
  let client: TestClient

  beforeAll(async () => {
    issuer = await startIssuer()
    exchange = await exchangeOf(world)
    const jupyterhealth = world.dialect === 'jupyterhealth'
    gateway = await startGateway(
      {
        fhir: {
          baseUrl: exchange.url,
          dialect: world.dialect,
          credentials: jupyterhealth ? 'forward' : 'none',
          audience: exchangeAudience,
        },
        auth: { issuer: issuer.url, audience },
      },
      undefined,
      world.fhirVersion,
    )
    const claims = permissionsClaim({ studies: [world.study, world.other] })
    client = await gateway.connect(
      'http',
      await issuer.token({ sub: 'x', aud: [audience, exchangeAudience], ...claims }),
    )
  })
  afterAll(async () => {
    await gateway.close()
    await issuer.close()
    await exchange.close()
  })

  it.each(callsOf(world))('is valid: %s %j', async (tool, given) => {
    const { structured } = await client.call(tool, given)
    expect(structured).toHaveProperty('resourceType')
  })

  it('is valid as a resource', async () => {
    for (const uri of [`exchange://study/${world.study}`, `exchange://patient/${world.patient}`]) {
      expect(JSON.parse(await client.readResource(uri))).toHaveProperty('resourceType')
    }
  })

  it('is valid when the exchange fails', async () => {
    exchange.misbehave(() => ({ kind: 'status', status: 500 }))
    const called = await client.call('get_patient_observations', { patient_id: world.patient, limit: 3 })
    exchange.misbehave(() => undefined)
    expect(called.structured).toMatchObject({
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'error' }],
    })
  })

  it('is asked for by GET alone where the exchange ignores a form', () => {
    if (world.dialect !== 'jupyterhealth') return
    expect(exchange.requests.length).toBeGreaterThan(20)
    expect(exchange.requests.filter(({ method }) => method !== 'GET')).toEqual([])
  })

  // Bodies of JupyterHealth are decoded, so that an answer cannot be held against them member by member.
  if (world.dialect === 'jupyterhealth') return
  it('is marked SUBSETTED exactly where something was left out', async () => {
    const marks = new Set<boolean>()
    for (const [tool, given] of callsOf(world)) {
      for (const returned of resourcesIn(await client.call(tool, given))) {
        const name = `${returned.resourceType}/${returned.id}`
        const original: unknown = await (await fetch(`${exchange.url}/${name}`)).json()
        const isMarked = JSON.stringify(returned.meta ?? {}).includes('SUBSETTED')
        expect([tool, name, isMarked]).toEqual([tool, name, leavesOut(original, returned)])
        marks.add(isMarked)
      }
    }
    expect([...marks].sort()).toEqual([false, true])
  })
})

function exchangeOf({ dialect, fhirVersion }: World): Promise<TestExchange<unknown>> {
  return dialect === 'hapi'
    ? startExchange({ dialect, fhirVersion, now: () => now })
    : startExchange({ dialect, authorize: () => 'northlake_member' })
}

const own = z.looseObject({
  resourceType: z.enum(['ResearchStudy', 'ResearchSubject', 'Patient', 'Observation']),
  id: z.string(),
})
const bundle = z.object({ entry: z.array(z.object({ resource: z.unknown() })) })

/** The resources of the exchange in an answer. */
function resourcesIn({ structured }: Called): z.infer<typeof own>[] {
  const listed = bundle.safeParse(structured)
  const all = listed.success ? listed.data.entry.map(({ resource }) => resource) : [structured]
  return all.flatMap((one) => own.safeParse(one).data ?? [])
}

/** Whether a member of the original, at any depth, is not in what was returned, or is shorter there. */
function leavesOut(original: unknown, returned: unknown): boolean {
  if (typeof original !== 'object' || original === null) return original !== returned
  if (typeof returned !== 'object' || returned === null) return true
  const within = new Map(Object.entries(returned))
  return Object.entries(original).some(([name, value]) => leavesOut(value, within.get(name)))
}
