import { beforeEach, describe, expect, it } from 'vitest'
import type { FhirMcpOptions } from '../../plugins/index.ts'
import { type Fault, permissionsClaim } from '../../src/test-kit/index.ts'
import { auditFile, recordsIn } from '../audit/records.ts'
import { connectStdio } from '../e2e/clients.ts'
import { type Gateway, startGateway } from '../e2e/gateway.ts'
import { siteForAll } from '../e2e/site.ts'

const site = siteForAll()

const audience = 'https://mcp.test/mcp'
let path: string
let release: () => void
let held: Fault

beforeEach(() => {
  site.exchange.reset()
  path = auditFile()
  held = {
    kind: 'hold',
    until: new Promise<void>((resolve) => {
      release = resolve
    }),
  }
})

const permitted = permissionsClaim({ studies: ['study-a'] })
const tokenOf = (sub: string) =>
  site.issuer.token({ sub, aud: audience, client_id: 'assistant', ...permitted })
const demographics = ['get_patient_demographics', { patient_id: 'Patient/pat-1' }] as const

async function started(
  fhir: Partial<FhirMcpOptions['fhir']>,
  limits: FhirMcpOptions['limits'],
): Promise<Gateway> {
  return startGateway({
    fhir: { baseUrl: site.exchange.url, credentials: 'none', dialect: 'hapi', ...fhir },
    auth: { issuer: site.issuer.url, audience },
    audit: { path },
    ...(limits === undefined ? {} : { limits }),
  })
}

/** Has every request of one kind wait, and counts those that do. */
function hold(kind: string): () => number {
  let waiting = 0
  site.exchange.misbehave((request) => {
    if (!request.path.startsWith(`/fhir/${kind}`)) return undefined
    waiting += 1
    return held
  })
  return () => waiting
}

describe('an exchange that does not answer', () => {
  it('is not asked more for one principal than may be under way; another one is answered', async () => {
    const gateway = await started({}, { callsAtOnce: 2, callsWaiting: 1, patience: 60_000 })
    const [ada, bob] = [
      await gateway.connect('http', await tokenOf('ada')),
      await gateway.connect('http', await tokenOf('bob')),
    ]
    await ada.call(...demographics)
    const waiting = hold('Patient')
    const calls = [1, 2, 3].map(() => ada.call(...demographics))
    await expect.poll(waiting).toBe(2)
    const fourth = await Promise.race([...calls, ada.call(...demographics)])
    expect(fourth).toMatchObject({ isError: true, structured: { resourceType: 'OperationOutcome' } })
    expect(fourth.text).toMatch(/FHIR_MCP_RATE_LIMITED.*Try again in 5 s/s)
    expect(waiting()).toBe(2)
    site.exchange.misbehave(undefined)
    expect((await bob.call(...demographics)).isError).toBe(false)
    expect(recordsIn(path).map(({ code }) => code)).toContain('FHIR_MCP_RATE_LIMITED')
    release()
    expect((await Promise.all(calls)).filter(({ isError }) => isError).length).toBeLessThanOrEqual(1)
    await gateway.close()
  })

  it('leaves a connection to others when one principal asks for much', async () => {
    const gateway = await started({ connections: 5 }, { callsAtOnce: 20 })
    const [ada, bob] = [
      await gateway.connect('http', await tokenOf('ada')),
      await gateway.connect('http', await tokenOf('bob')),
    ]
    for (const client of [ada, bob]) await client.call(...demographics)
    const waiting = hold('Patient/pat-1')
    const calls = Array.from({ length: 10 }, () => ada.call(...demographics))
    await expect.poll(waiting).toBe(4)
    const other = await bob.call('get_patient_demographics', { patient_id: 'Patient/pat-2' })
    expect(other.isError).toBe(false)
    expect(waiting()).toBe(4)
    site.exchange.misbehave(undefined)
    release()
    expect((await Promise.all(calls)).every(({ isError }) => !isError)).toBe(true)
    await gateway.close()
  })
})

describe('over stdio', () => {
  const connected = async () =>
    connectStdio({
      FHIR_MCP_FHIR_BASE_URL: site.exchange.url,
      FHIR_MCP_FHIR_CREDENTIALS: 'none',
      FHIR_MCP_FHIR_DIALECT: 'hapi',
      FHIR_MCP_AUTH_ISSUER: site.issuer.url,
      FHIR_MCP_AUTH_AUDIENCE: audience,
      FHIR_MCP_ACCESS_TOKEN: await tokenOf('ada'),
      FHIR_MCP_AUDIT_PATH: path,
      FHIR_MCP_LIMITS_CALLS_PER_PRINCIPAL: '1',
    })

  it('a call over the limit is a result that says when to come back', async () => {
    const client = await connected()
    expect((await client.call('get_study_count')).isError).toBe(false)
    const refused = await client.call('get_study_count')
    expect(refused.isError).toBe(true)
    expect(refused.text).toMatch(/FHIR_MCP_RATE_LIMITED.*Try again in (60|59|58) s\./s)
    await client.close()
  })

  it('a resource over the limit is refused, and recorded like a tool', async () => {
    const client = await connected()
    await client.readResource('exchange://study/study-a')
    await expect(client.readResource('exchange://study/study-a')).rejects.toThrow('Too many requests')
    await expect(client.complete('exchange://study/{id}', 'id', 'study')).rejects.toThrow('Too many requests')
    await client.close()
    expect(recordsIn(path).map(({ kind, name, code }) => [kind, name, code])).toEqual([
      ['resource', 'exchange://study/{id}', undefined],
      ['resource', 'exchange://study/{id}', 'FHIR_MCP_RATE_LIMITED'],
      ['completion', 'exchange://study/{id}', 'FHIR_MCP_RATE_LIMITED'],
    ])
  })
})
