import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  permissionsClaim,
  startExchange,
  startIssuer,
  type TestExchange,
  type TestIssuer,
} from '../../src/test-kit/index.ts'
import type { TestClient } from './clients.ts'
import { type Gateway, startGateway } from './gateway.ts'

const audience = 'https://mcp.test/mcp'

describe.each(['http', 'http-2026', 'sse'] as const)('resources by %s', (by) => {
  let issuer: TestIssuer
  let exchange: TestExchange<unknown>
  let gateway: Gateway
  let client: TestClient

  beforeAll(async () => {
    issuer = await startIssuer()
    exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4' })
    gateway = await startGateway({
      fhir: { baseUrl: exchange.url, credentials: 'none' },
      auth: { issuer: issuer.url, audience },
    })
    const claims = permissionsClaim({ studies: ['study-a', 'study-b'] })
    client = await gateway.connect(by, await issuer.token({ sub: 'x', aud: audience, ...claims }))
  })
  afterAll(async () => {
    await gateway.close()
    await issuer.close()
    await exchange.close()
  })

  it.each([
    ['exchange://study/study-a', { resourceType: 'ResearchStudy', id: 'study-a' }],
    ['exchange://patient/pat-4', { resourceType: 'Patient', id: 'pat-4' }],
    ['fhir://capabilities', { fhirVersion: 'R4', dialect: 'hapi' }],
    ['open-mhealth://data-type/heart-rate', { resourceType: 'Parameters' }],
  ])('%s is read', async (uri, expected) => {
    expect(JSON.parse(await client.readResource(uri))).toMatchObject(expected)
  })

  it.each([
    'exchange://study/study-c',
    'exchange://study/no-such-study',
    'exchange://study/Study%20A',
    'exchange://patient/pat-10',
    'exchange://patient/pat-13',
    'exchange://patient/..%2Fmetadata',
    'exchange://nothing/1',
    'file:///etc/passwd',
  ])('%s is refused without a request, like what does not exist', async (uri) => {
    await client.readResource('exchange://patient/pat-4')
    exchange.reset()
    await expect(client.readResource(uri)).rejects.toThrow(
      'Not found, or not within what this token may see.',
    )
    expect(exchange.requests).toEqual([])
  })

  it('are completed within the reach alone', async () => {
    expect(await client.complete('exchange://study/{id}', 'id', 'study-')).toEqual(['study-a', 'study-b'])
    expect(await client.complete('exchange://patient/{id}', 'id', 'pat-1')).toEqual([
      'pat-1',
      'pat-15',
      'pat-16',
    ])
    expect(await client.complete('exchange://patient/{id}', 'id', 'pat-10')).toEqual([])
    expect(await client.complete('open-mhealth://data-type/{name}', 'name', 'blood-')).toEqual([
      'blood-glucose',
      'blood-pressure',
    ])
  })
})
