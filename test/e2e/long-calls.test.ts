import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  permissionsClaim,
  startExchange,
  startIssuer,
  type TestExchange,
  type TestIssuer,
} from '../../src/test-kit/index.ts'
import { connectSse, type TestClient } from './clients.ts'
import { type Gateway, startGateway } from './gateway.ts'

const audience = 'http://mcp.test/mcp'
let issuer: TestIssuer
let exchange: TestExchange<unknown>
let gateway: Gateway
let token: string

beforeEach(async () => {
  issuer = await startIssuer()
  exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4' })
  gateway = await startGateway({
    fhir: { baseUrl: exchange.url, credentials: 'none' },
    auth: { issuer: issuer.url, audience },
  })
  token = await issuer.token({ sub: 'x', aud: audience, ...permissionsClaim({ studies: ['study-a'] }) })
})
afterEach(async () => {
  await gateway.close()
  await issuer.close()
  await exchange.close()
})

async function connect(): Promise<Client> {
  const client = new Client({ name: 'tests', version: '1.0.0' })
  const headers = { authorization: `Bearer ${token}` }
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${gateway.origin}/mcp`), { requestInit: { headers } }),
  )
  return client
}

describe('a call over many requests', () => {
  it('reports its progress to a client that asked for it', async () => {
    const client = await connect()
    const seen: number[] = []
    const call = { name: 'count_study_observations', arguments: { study_id: 'study-a', by_patient: true } }
    await client.callTool(call, CallToolResultSchema, {
      onprogress: ({ progress, total }) => {
        seen.push(progress)
        expect(total).toBe(7)
      },
    })
    await client.close()
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7])
  })
})

describe('a client that goes away', () => {
  const observations = ({ path }: { path: string }) => path.startsWith('/fhir/Observation')
  const underWay = () => exchange.requests.filter(observations)

  it('aborts the request to the exchange, over Streamable HTTP', async () => {
    exchange.misbehave((request) =>
      observations(request) ? { kind: 'hold', until: new Promise(() => undefined) } : undefined,
    )
    const client = await connect()
    const call = client
      .callTool({ name: 'get_patient_observations', arguments: { patient_id: 'pat-1' } })
      .catch(() => undefined)
    await vi.waitFor(() => expect(underWay()).toHaveLength(1))
    expect(underWay()[0]?.aborted).toBe(false)
    await client.close()
    await call
    await vi.waitFor(() => expect(underWay()[0]?.aborted).toBe(true))
  })

  it('or cancels aborts it, over SSE', async () => {
    exchange.misbehave((request) =>
      observations(request) ? { kind: 'hold', until: new Promise(() => undefined) } : undefined,
    )
    const client: TestClient = await connectSse(`${gateway.origin}/sse`, token)
    const call = client.call('get_patient_observations', { patient_id: 'pat-1' }).catch(() => undefined)
    await vi.waitFor(() => expect(underWay()).toHaveLength(1))
    await client.close()
    await call
    await vi.waitFor(() => expect(underWay()[0]?.aborted).toBe(true))
  })
})
