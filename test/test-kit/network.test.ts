import { once } from 'node:events'
import { get } from 'node:http'
import { Client, Pool, request, fetch as undiciFetch } from 'undici'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { AnyResource } from '../../src/fhir/types.ts'
import {
  countNetwork,
  type NetworkCount,
  startExchange,
  type TestExchange,
} from '../../src/test-kit/index.ts'

let exchange: TestExchange<AnyResource[]>
let network: NetworkCount

beforeAll(async () => {
  exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4' })
})
afterAll(() => exchange.close())
afterEach(() => network.stop())

const path = '/fhir/metadata?_elements=fhirVersion'

describe('countNetwork', () => {
  const ways: [string, () => Promise<unknown>][] = [
    ['the global fetch', async () => (await fetch(`${exchange.origin}${path}`)).text()],
    ['fetch of undici', async () => (await undiciFetch(`${exchange.origin}${path}`)).text()],
    ['request of undici', async () => (await request(`${exchange.origin}${path}`)).body.text()],
    [
      'a pool of undici',
      async () => {
        const pool = new Pool(exchange.origin)
        await (await pool.request({ path, method: 'GET' })).body.text()
        await pool.close()
      },
    ],
    [
      'a client of undici',
      async () => {
        const client = new Client(exchange.origin)
        await (await client.request({ path, method: 'GET' })).body.text()
        await client.close()
      },
    ],
    [
      'node:http',
      async () => {
        const [response] = await once(get(`${exchange.origin}${path}`), 'response')
        for await (const _ of response);
      },
    ],
  ]

  it.each(ways)('counts what is sent by %s, once', async (_, send) => {
    network = countNetwork()
    expect(network.count).toBe(0)
    await send()
    expect(network.requests).toEqual([{ origin: exchange.origin, method: 'GET', path }])
  })

  it('counts only the origins that it is told, and none of those that it is told to leave out', async () => {
    network = countNetwork({ only: [exchange.origin], except: [] })
    const others = [
      countNetwork({ only: ['http://elsewhere.example'] }),
      countNetwork({ except: [exchange.origin] }),
    ]
    await (await fetch(`${exchange.origin}${path}`)).text()
    expect(network.count).toBe(1)
    expect(others.map(({ count }) => count)).toEqual([0, 0])
    for (const other of others) other.stop()
  })

  it('forgets on reset and stops on stop', async () => {
    network = countNetwork()
    await (await fetch(`${exchange.origin}${path}`)).text()
    network.reset()
    expect(network.count).toBe(0)
    network.stop()
    await (await fetch(`${exchange.origin}${path}`)).text()
    expect(network.count).toBe(0)
  })
})
