import type { FastifyInstance } from 'fastify'
import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { publicDocuments } from '../../src/broker/guarded-fetch.ts'
import type { BrokerOptions } from '../../src/broker/options.ts'
import type { Broker } from '../../src/broker/plugin.ts'
import { createRedisStorage } from '../../src/broker/storage-redis.ts'
import { freePort } from '../../src/demo/gateway.ts'
import { startExchange } from '../../src/test-kit/exchange.ts'
import { jupyterHealthCohort } from '../../src/test-kit/jupyterhealth-cohort.ts'
import { Assistant, post } from '../broker/assistant.ts'
import { brokerOptions, manager, startGateway } from '../broker/setting.ts'
import { startUpstream, type TestUpstream } from '../broker/upstream.ts'
import { type PublicProxy, startProxy } from './proxy.ts'
import { noRedis, startRedis } from './redis-server.ts'

if (noRedis !== undefined) console.warn(`Skipped: sign-in over several processes, since ${noRedis}.`)

describe.skipIf(noRedis !== undefined)('two brokers on one Redis', () => {
  let redis: Awaited<ReturnType<typeof startRedis>>
  let looking: ReturnType<typeof createClient>
  let proxy: PublicProxy
  let upstream: TestUpstream
  let exchange: Awaited<ReturnType<typeof startExchange>>
  let first: FastifyInstance
  let second: FastifyInstance
  let options: BrokerOptions
  let ports: [number, number]
  let assistant: Assistant
  const clock = { late: 0 }

  const toFirst = () => {
    proxy.to = ports[0]
  }
  const toSecond = () => {
    proxy.to = ports[1]
  }
  const brokerOf = (app: FastifyInstance) => app.getDecorator<Broker>('fhirMcpBroker')
  const gateway = (port: number) =>
    startGateway(options, exchange.url, {
      now: () => Date.now() + clock.late,
      documents: publicDocuments,
      port,
    })

  beforeAll(async () => {
    redis = await startRedis()
    looking = createClient({ url: redis.url })
    await looking.connect()
  })
  afterAll(async () => {
    await looking?.close()
    await redis?.close()
  })
  beforeEach(async () => {
    clock.late = 0
    await looking.flushAll()
    proxy = await startProxy()
    upstream = await startUpstream(`${proxy.origin}/oauth/callback`)
    upstream.person = manager.id
    upstream.claims.set(manager.id, manager.claim)
    const cohort = jupyterHealthCohort()
    exchange = await startExchange({
      dialect: 'jupyterhealth',
      cohort,
      authorize: (token) =>
        cohort.users.find(({ id }) => String(id) === upstream.accessTokens.get(token))?.name,
    })
    options = {
      ...(await brokerOptions(proxy.origin, upstream.issuer)),
      storage: { redis: redis.url, prefix: 'test:' },
    }
    ports = [await freePort(), await freePort()]
    first = await gateway(ports[0])
    second = await gateway(ports[1])
    toFirst()
    assistant = new Assistant(`${proxy.origin}/mcp`)
  })
  afterEach(async () => {
    await first.close()
    await second.close()
    await proxy.close()
    await upstream.close()
    await exchange.close()
  })

  function principal() {
    const { claims } = assistant
    const [client, grant] = [String(claims.client_id), String(claims.grant_id)]
    return { issuer: claims.iss ?? '', subject: claims.sub ?? '', client, grant }
  }

  const refreshForm = () => ({
    grant_type: 'refresh_token',
    refresh_token: assistant.stored?.refresh_token ?? '',
    client_id: assistant.information?.client_id ?? '',
  })

  it('refresh what is held one at a time, over both', async () => {
    await assistant.signIn()
    clock.late = 1_209_600_000
    const asked = [first, second, first, second].map((app) => brokerOf(app).heldToken(principal()))
    const tokens = await Promise.all(asked)
    expect(new Set(tokens).size).toBe(1)
    expect(upstream.refreshes).toMatchObject({ count: 1, most: 1 })
  })

  it('notice a refresh token that is used on both at the same time, and end the sign-in', async () => {
    await assistant.signIn()
    const answers = await Promise.all(
      ports.map((port) => post(`http://127.0.0.1:${port}/oauth/token`, refreshForm())),
    )
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1)
    const next = answers.find(({ status }) => status === 200)?.body.refresh_token ?? 'none'
    const again = await post(`${proxy.origin}/oauth/token`, { ...refreshForm(), refresh_token: String(next) })
    expect(again.body.error).toBe('invalid_grant')
    expect(upstream.accessTokens.size).toBe(0)
  })

  it('take an authorization code once, over both', async () => {
    const back = await assistant.approve(await assistant.start())
    const form = {
      grant_type: 'authorization_code',
      code: back.searchParams.get('code') ?? '',
      redirect_uri: assistant.redirectUrl,
      client_id: assistant.information?.client_id ?? '',
      code_verifier: assistant.verifier,
    }
    const answers = await Promise.all(ports.map((port) => post(`http://127.0.0.1:${port}/oauth/token`, form)))
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1)
  })

  it('end a sign-in for both when it is revoked on one', async () => {
    const tokens = await assistant.signIn()
    toSecond()
    const client_id = assistant.information?.client_id ?? ''
    await post(`${proxy.origin}/oauth/revoke`, { client_id, token: tokens.refresh_token ?? '' })
    await expect(brokerOf(first).heldToken(principal())).rejects.toMatchObject({
      code: 'FHIR_MCP_TOKEN_INVALID',
    })
  })

  it('count registrations over both', async () => {
    await Promise.all([first.close(), second.close()])
    options = { ...options, registration: { limit: 3 } }
    first = await gateway(ports[0])
    second = await gateway(ports[1])
    const register = (port: number) =>
      fetch(`http://127.0.0.1:${port}/oauth/register`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...assistant.clientMetadata }),
      })
    const statuses: number[] = []
    for (const port of [...ports, ...ports]) statuses.push((await register(port)).status)
    expect(statuses).toEqual([201, 201, 201, 429])
  })

  it('keep no token that anybody could use, and everything for a time alone', async () => {
    const tokens = await assistant.signIn()
    const keys = await looking.keys('*')
    expect(keys.some((key) => key.startsWith('test:Holding:'))).toBe(true)
    for (const key of keys) {
      const kind = await looking.type(key)
      const value = kind === 'string' ? ((await looking.get(key)) ?? '') : ''
      for (const secret of [tokens.refresh_token ?? '-', ...upstream.accessTokens.keys()]) {
        expect(`${key} ${value}`).not.toContain(secret)
      }
      if (kind === 'string') expect(await looking.ttl(key)).toBeGreaterThan(0)
    }
  })

  it('keep a sign-in whose code nobody redeems for minutes, and a redeemed one as long as it lasts', async () => {
    const lifeOf = async () => looking.ttl((await looking.keys('test:Holding:*'))[0] ?? 'none')
    const back = await assistant.approve(await assistant.start())
    expect(await lifeOf()).toBeLessThanOrEqual(120)
    await assistant.redeem(back)
    expect(await lifeOf()).toBeGreaterThan(86_400)
  })

  it('keep nothing of a sign-in whose permissions cannot be computed', async () => {
    upstream.claims.delete(manager.id)
    const back = await assistant.approve(await assistant.start())
    expect(back.searchParams.get('error')).toBe('server_error')
    const keys = await looking.keys('*')
    expect(
      keys.filter((key) => /^test:(Grant|Holding|SignedIn|AuthorizationCode|RefreshToken):/.test(key)),
    ).toEqual([])
    expect(keys.some((key) => key.startsWith('test:Client:'))).toBe(true)
  })

  it('keep a lock as long as the work under it goes on', async () => {
    const life = 600
    const client = { sendCommand: (command: string[]) => looking.sendCommand(command) }
    const [working, waiting] = [1, 2].map(() => createRedisStorage(client, 'test:', async () => {}, life))
    const clockOfRedis = async () => Number((await looking.time())[0]) * 1000
    const order: string[] = []
    const work = working?.alone('one', async () => {
      const since = await clockOfRedis()
      await expect.poll(clockOfRedis, { timeout: 10_000 }).toBeGreaterThan(since + 3 * life)
      order.push('first')
    })
    await expect.poll(() => looking.exists('test:Lock:one')).toBe(1)
    await waiting?.alone('one', async () => void order.push('second'))
    await work
    expect(order).toEqual(['first', 'second'])
    expect(await looking.exists('test:Lock:one')).toBe(0)
  })

  it('do not start without Redis', async () => {
    const port = await freePort()
    options = { ...options, storage: { redis: `redis://127.0.0.1:${await freePort()}` } }
    await expect(gateway(port)).rejects.toMatchObject({ code: 'FHIR_MCP_CONFIG' })
  })
})
