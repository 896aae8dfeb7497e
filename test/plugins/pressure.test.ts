import underPressure from '@fastify/under-pressure'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { OptionsInput } from '../../src/config/options.ts'
import { gateway, mcpHeaders, rpc } from './gateway.ts'
import { createServiceDouble } from './service-double.ts'

type Pressure = NonNullable<NonNullable<OptionsInput['limits']>['pressure']>

afterEach(() => void vi.useRealTimers())

/** A gateway whose process holds as much memory as `heap` says, in bytes. */
async function pressed(pressure: Pressure, heap: { used: number }) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const { memoryUsage } = process
  const usage = Object.assign(() => ({ ...memoryUsage(), heapUsed: heap.used }), { rss: memoryUsage.rss })
  vi.spyOn(process, 'memoryUsage').mockImplementation(usage)
  const double = createServiceDouble()
  let identified = 0
  const { identify } = double.service
  Object.assign(double.service, {
    identify: (...given: Parameters<typeof identify>) => {
      identified += 1
      return identify(...given)
    },
  })
  const options = { limits: { pressure: { eventLoopDelay: 0, ...pressure } } }
  const { app } = await gateway(options, {
    double,
    prepare: (app) => void app.get('/own', () => 'own'),
  })
  await app.ready()
  const call = (url = '/mcp') =>
    app.inject({
      method: 'POST',
      url,
      headers: mcpHeaders,
      payload: rpc('tools/call', { name: 'echo', arguments: { text: 'hi' } }),
    })
  return { app, call, identified: () => identified, sample: () => vi.advanceTimersByTime(1000) }
}

describe('under pressure', () => {
  it('requests are refused with a time to come back, and served again when it is over', async () => {
    const heap = { used: 1 }
    const { app, call, identified, sample } = await pressed({}, heap)
    sample()
    expect([(await call()).statusCode, (await app.inject('/ready')).statusCode]).toEqual([200, 200])
    const before = identified()
    heap.used = Number.MAX_SAFE_INTEGER
    sample()
    for (const url of ['/mcp', '/messages?sessionId=none']) {
      const answer = await call(url)
      expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '10'])
      expect(answer.json()).toMatchObject({
        jsonrpc: '2.0',
        id: null,
        error: { data: { code: 'FHIR_MCP_RATE_LIMITED', retryAfter: 10 } },
      })
      expect(answer.json().error.message).toContain('overloaded')
    }
    expect(identified()).toBe(before)
    heap.used = 1
    sample()
    expect([(await call()).statusCode, (await app.inject('/ready')).statusCode]).toEqual([200, 200])
  })

  it('health is answered, ready says no, and routes of the gateway go on', async () => {
    const { app, sample } = await pressed({}, { used: Number.MAX_SAFE_INTEGER })
    sample()
    const ready = await app.inject('/ready')
    expect([ready.statusCode, ready.json()]).toEqual([
      503,
      { status: 'not ready', code: 'FHIR_MCP_RATE_LIMITED' },
    ])
    for (const url of ['/health', '/own', '/.well-known/oauth-protected-resource/mcp']) {
      expect([url, (await app.inject(url)).statusCode]).toEqual([url, 200])
    }
    expect(app.hasDecorator('isUnderPressure')).toBe(false)
  })

  it('nothing is refused where the limits are 0', async () => {
    const { call, sample } = await pressed({ heapUsed: 0 }, { used: Number.MAX_SAFE_INTEGER })
    sample()
    expect((await call()).statusCode).toBe(200)
  })

  it('of the event loop, too: it counts as stuck where nothing could be measured', async () => {
    vi.stubGlobal('measuresEventLoop', true)
    onTestFinished(() => void vi.unstubAllGlobals())
    const { call, sample } = await pressed({ eventLoopDelay: 500 }, { used: 1 })
    expect((await call()).statusCode).toBe(200)
    sample()
    sample()
    expect((await call()).statusCode).toBe(503)
  })

  it('as a gateway sees it by itself, the answer is the same', async () => {
    const { app } = await gateway(
      { limits: { pressure: { eventLoopDelay: 0, heapUsed: 0 } } },
      {
        prepare: async (app) => {
          const healthCheck = async () => false
          await app.register(underPressure, { healthCheck, healthCheckInterval: 60_000, retryAfter: 7 })
        },
      },
    )
    const answer = await app.inject({
      method: 'POST',
      url: '/mcp',
      headers: mcpHeaders,
      payload: rpc('ping'),
    })
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '7'])
    expect(answer.json().error.data).toMatchObject({ code: 'FHIR_MCP_RATE_LIMITED', retryAfter: 7 })
  })
})
