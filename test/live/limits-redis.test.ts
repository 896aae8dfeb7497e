import Fastify, { type FastifyInstance } from 'fastify'
import { createClient } from 'redis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { OptionsInput } from '../../src/config/options.ts'
import { freePort } from '../../src/demo/gateway.ts'
import { enough, mcpHeaders, pluginOf, rpc } from '../plugins/gateway.ts'
import { createServiceDouble } from '../plugins/service-double.ts'
import { noRedis, startRedis } from './redis-server.ts'

if (noRedis !== undefined) console.warn(`Skipped: limits over several processes, since ${noRedis}.`)

describe.skipIf(noRedis !== undefined)('two gateways on one Redis', () => {
  let redis: Awaited<ReturnType<typeof startRedis>>
  let apps: FastifyInstance[]
  let lines: string[]

  async function gateway(limits: OptionsInput['limits']): Promise<FastifyInstance> {
    const app = Fastify({ logger: { level: 'info', stream: { write: (line) => void lines.push(line) } } })
    apps.push(app)
    await app.register(pluginOf(createServiceDouble()), { ...enough, limits })
    await app.ready()
    return app
  }

  const call = (app: FastifyInstance) =>
    app.inject({
      method: 'POST',
      url: '/mcp',
      headers: mcpHeaders,
      payload: rpc('tools/call', { name: 'echo', arguments: { text: 'hi' } }),
    })
  const isRefused = async (app: FastifyInstance) => (await call(app)).json().result.isError === true
  const said = (words: string) => lines.filter((line) => line.includes(words)).length

  beforeEach(async () => {
    apps = []
    lines = []
    redis = await startRedis()
  })
  afterEach(async () => {
    for (const app of apps) await app.close()
    await redis.close()
  })

  it('count calls and requests together, and nobody can be read there', async () => {
    const limits = { redis: redis.url, callsPerPrincipal: 3, requestsPerAddress: 5 }
    const [first, second] = [await gateway(limits), await gateway(limits)]
    const looking = createClient({ url: redis.url })
    await looking.connect()
    const refused: boolean[] = []
    for (const app of [first, second, first, second]) refused.push(await isRefused(app))
    expect(refused).toEqual([false, false, false, true])
    expect((await call(first)).statusCode).toBe(200)
    const answer = await call(second)
    expect(answer.statusCode).toBe(429)
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(50)
    const keys = await looking.keys('*')
    expect(keys.length).toBe(2)
    for (const key of keys) {
      expect(key).toMatch(/^fhir-mcp:limits:[\w-]{43}$/)
      expect(await looking.pTTL(key)).toBeGreaterThan(0)
    }
    await looking.close()
  })

  it('go on by themselves while it is gone, said once, and together when it is back', async () => {
    const limits = { redis: redis.url, callsPerPrincipal: 1000 }
    const app = await gateway(limits)
    const looking = createClient({ url: redis.url })
    await looking.connect()
    await call(app)
    expect((await looking.keys('*')).length).toBe(2)
    looking.destroy()
    const port = Number(new URL(redis.url).port)
    await redis.close()
    lines = []
    for (let n = 0; n < 20; n += 1) expect(await isRefused(app)).toBe(false)
    expect(said('limits.redis does not answer')).toBe(1)
    redis = await startRedis(port)
    await expect
      .poll(async () => (await call(app)) && said('limits.redis answers again'), { timeout: 10_000 })
      .toBe(1)
    expect(said('limits.redis does not answer')).toBe(1)
  })

  it('start without it, and limit by themselves', async () => {
    const app = await gateway({ redis: `redis://127.0.0.1:${await freePort()}`, callsPerPrincipal: 1 })
    expect([await isRefused(app), await isRefused(app)]).toEqual([false, true])
  })

  it('take a connected client, which stays its owner’s', async () => {
    const own = createClient({ url: redis.url })
    await own.connect()
    const app = await gateway({
      redis: { sendCommand: (command) => own.sendCommand(command) },
      callsPerPrincipal: 1,
    })
    expect([await isRefused(app), await isRefused(app)]).toEqual([false, true])
    await app.close()
    expect(await own.ping()).toBe('PONG')
    await own.close()
  })
})
