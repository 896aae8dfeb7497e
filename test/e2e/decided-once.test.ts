import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { permissionsClaim } from '../../src/test-kit/index.ts'
import { type Gateway, startGateway } from './gateway.ts'
import { siteForAll } from './site.ts'
import type { TestClient } from './test-client.ts'

/** How often each part of a decision is derived, and the arguments are read. */
const counted = vi.hoisted(() => ({ arguments: 0, period: 0, scopes: 0, keys: 0 }))

vi.mock('../../src/access/narrowing.ts', async (original) => {
  const all = await original<typeof import('../../src/access/narrowing.ts')>()
  return { ...all, narrow: counting('scopes', all.narrow) }
})
vi.mock('../../src/access/ways.ts', async (original) => {
  const all = await original<typeof import('../../src/access/ways.ts')>()
  return { ...all, waysOf: counting('keys', all.waysOf) }
})
vi.mock('../../src/tools/arguments/period.ts', async (original) => {
  const all = await original<typeof import('../../src/tools/arguments/period.ts')>()
  return { ...all, periodOf: counting('period', all.periodOf) }
})
vi.mock('../../src/mcp/built-in.ts', async (original) => {
  const all = await original<typeof import('../../src/mcp/built-in.ts')>()
  const builtIn: typeof all.builtIn = (types) => {
    const registry = all.builtIn(types)
    for (const { input } of registry.tools.values()) {
      input.safeParse = counting('arguments', input.safeParse.bind(input))
    }
    return registry
  }
  return { ...all, builtIn }
})

function counting<Given extends unknown[], Made>(
  name: keyof typeof counted,
  derive: (...given: Given) => Made,
): (...given: Given) => Made {
  return (...given) => {
    counted[name] += 1
    return derive(...given)
  }
}

const aud = 'https://mcp.test/mcp'

describe('a call over HTTP', () => {
  const site = siteForAll()
  let gateway: Gateway
  let client: TestClient

  beforeAll(async () => {
    const { issuer, exchange } = site
    gateway = await startGateway({
      fhir: {
        baseUrl: exchange.url,
        credentials: 'none',
        dialect: 'hapi',
        types: ['Condition'],
      },
      auth: { issuer: issuer.url, audience: aud },
    })
    const scope = 'user/Observation.rs user/Patient.rs user/Condition.rs'
    const token = await issuer.token({ aud, scope, ...permissionsClaim({ studies: ['study-a', 'study-b'] }) })
    client = await gateway.connect('http', token)
  })
  afterAll(() => gateway.close())

  const calls: [string, Record<string, unknown>][] = [
    ['get_patient_observations', { patient_id: 'pat-1', limit: 1 }],
    ['summarize_patient_observations', { patient_id: 'pat-1', start: '2026-10-01' }],
    ['chart_patient_observations', { patient_id: 'pat-1', data_types: ['heart-rate'] }],
    ['count_study_observations', { study_id: 'study-a' }],
    ['search_fhir', { patient_id: 'pat-1', type: 'Condition' }],
  ]
  beforeEach(async () => {
    // Rosters are decided on by themselves, and kept.
    await client.call('get_patient_demographics', { patient_id: 'pat-1' })
    await client.call('count_study_observations', { study_id: 'study-a' })
    Object.assign(counted, { arguments: 0, period: 0, scopes: 0, keys: 0 })
  })

  it.each(calls)('of %s reads its arguments and derives its decision once', async (name, given) => {
    expect(await client.call(name, given)).toMatchObject({ isError: false })
    expect(counted).toEqual({ arguments: 1, period: name === 'search_fhir' ? 0 : 1, scopes: 1, keys: 1 })
  })

  it('that lacks a scope, and one that is forbidden, as well', async () => {
    await expect(client.call('list_studies', {})).rejects.toThrow()
    expect(counted).toMatchObject({ arguments: 1, scopes: 1, keys: 1 })
    Object.assign(counted, { arguments: 0, scopes: 0, keys: 0 })
    expect(await client.call('count_study_observations', { study_id: 'study-c' })).toMatchObject({
      isError: true,
    })
    expect(counted).toMatchObject({ arguments: 1, scopes: 1, keys: 1 })
  })

  it('is not taken for another one (control)', async () => {
    const one = await client.call('count_patient_observations', { patient_id: 'pat-1' })
    const other = await client.call('count_patient_observations', { patient_id: 'pat-2' })
    expect(counted).toMatchObject({ arguments: 2, scopes: 2, keys: 2 })
    expect(other.text).not.toBe(one.text)
  })
})
