import type { FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { publicDocuments } from '../../src/broker/guarded-fetch.ts'
import { freePort } from '../../src/demo/gateway.ts'
import { startExchange } from '../../src/test-kit/exchange.ts'
import { jupyterHealthCohort } from '../../src/test-kit/jupyterhealth-cohort.ts'
import { Assistant } from '../broker/assistant.ts'
import { brokerOptions, manager, startGateway } from '../broker/setting.ts'
import { startUpstream, type TestUpstream } from '../broker/upstream.ts'
import { type Line, layLine } from '../faults/line.ts'
import { noRedis, startRedis } from './redis-server.ts'

if (noRedis !== undefined) console.warn(`Skipped: a Redis that goes and comes back, since ${noRedis}.`)

describe.skipIf(noRedis !== undefined)('a broker whose Redis', () => {
  let redis: Awaited<ReturnType<typeof startRedis>>
  let toRedis: Line
  let upstream: TestUpstream
  let exchange: Awaited<ReturnType<typeof startExchange>>
  let app: FastifyInstance
  let assistant: Assistant
  let log: string[]

  beforeEach(async () => {
    redis = await startRedis()
    toRedis = await layLine(redis.url.replace('redis:', 'http:'))
    const port = await freePort()
    const origin = `http://127.0.0.1:${port}`
    upstream = await startUpstream(`${origin}/oauth/callback`)
    upstream.person = manager.id
    upstream.claims.set(manager.id, manager.claim)
    const cohort = jupyterHealthCohort()
    exchange = await startExchange({
      dialect: 'jupyterhealth',
      cohort,
      authorize: (token) =>
        cohort.users.find(({ id }) => String(id) === upstream.accessTokens.get(token))?.name,
    })
    log = []
    const options = {
      ...(await brokerOptions(origin, upstream.issuer)),
      storage: { redis: toRedis.origin.replace('http:', 'redis:') },
    }
    app = await startGateway(options, exchange.url, {
      now: () => Date.now(),
      documents: publicDocuments,
      port,
      log,
    })
    assistant = new Assistant(`${origin}/mcp`)
  })
  afterEach(async () => {
    await app.close()
    for (const end of [toRedis, redis, upstream, exchange]) await end.close()
  })

  const studies = () => assistant.call('list_studies')
  const ended = (asked: Promise<unknown>) => asked.then(String, String)

  it('is out of reach answers nobody, asks the exchange for nothing, and goes on where it was', async () => {
    await assistant.signIn()
    expect(await studies()).toContain('30006')
    const asked = exchange.count
    await toRedis.cut()
    for (let nth = 0; nth < 3; nth += 1) {
      const answer = await ended(studies())
      expect(answer).toContain('FHIR_MCP_STORAGE_UNAVAILABLE')
      expect(answer).not.toContain('30006')
    }
    expect(await ended(assistant.refresh())).not.toBe('AUTHORIZED')
    expect(exchange.count).toBe(asked)
    await toRedis.mend()
    await expect.poll(() => ended(studies()), { timeout: 10_000 }).toContain('30006')
    expect(await assistant.refresh()).toBe('AUTHORIZED')
  })

  it('is killed and comes back empty has everybody sign in again, without a restart', async () => {
    await assistant.signIn()
    expect(await studies()).toContain('30006')
    const { port } = new URL(redis.url)
    await redis.close()
    expect(await ended(studies())).not.toContain('30006')
    redis = await startRedis(Number(port))
    await expect.poll(() => ended(studies()), { timeout: 10_000 }).toContain('FHIR_MCP_TOKEN_INVALID')
    const again = new Assistant(assistant.mcpUrl)
    await again.signIn()
    expect(await again.call('list_studies')).toContain('30006')
  })

  it('is gone closes all the same', async () => {
    await toRedis.cut()
    await app.close()
    expect(log.join('')).not.toMatch(/127\.0\.0\.1:\d+.*ECONNREFUSED/)
  })
})
