import { createServer } from 'node:http'
import Fastify, { type FastifyInstance } from 'fastify'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import fhirMcp, { type FhirMcpOptions } from '../../plugins/index.ts'
import { serve } from '../../src/cli/serve.ts'
import { listenForMetrics } from '../../src/telemetry/metrics-listener.ts'
import {
  permissionsClaim,
  startExchange,
  startIssuer,
  type TestExchange,
  type TestIssuer,
} from '../../src/test-kit/index.ts'
import { connectHttp } from '../e2e/clients.ts'
import { stopTimers } from '../hand-clock.ts'

const audience = 'https://mcp.test/mcp'

let issuer: TestIssuer
let exchange: TestExchange<unknown>
beforeAll(async () => {
  issuer = await startIssuer()
  exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4' })
})
afterAll(async () => {
  await exchange.close()
  await issuer.close()
})

/** A gateway with these metrics, and a way to read them over HTTP or from the registry. */
async function gateway(metrics: FhirMcpOptions['metrics'], more: Partial<FhirMcpOptions> = {}) {
  const lines: string[] = []
  const app = Fastify({ logger: { stream: { write: (line: string) => lines.push(line) } } })
  onTestFinished(() => app.close())
  await app.register(fhirMcp, {
    fhir: { baseUrl: exchange.url, credentials: 'none' },
    auth: { issuer: issuer.url, audience },
    ...more,
    metrics,
  })
  const origin = await app.listen({ port: 0, host: '127.0.0.1' })
  const url = /metrics: (http:\S+)"/.exec(lines.join(''))?.[1]
  return { app, origin, url, scrape: async () => (await fetch(String(url))).text() }
}

async function signedIn(origin: string, studies = ['study-a', 'study-b']) {
  const token = await issuer.token({ sub: 'ada-lovelace', aud: audience, ...permissionsClaim({ studies }) })
  const client = await connectHttp(`${origin}/mcp`, token)
  onTestFinished(() => client.close())
  return client
}

/** The samples of one metric, by their labels. */
function samples(text: string, name: string): Record<string, number> {
  const lines = text.split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
  return Object.fromEntries(
    lines.map((line) => {
      const [, labels = '', value] = /^\w+(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
      return [labels, Number(value)]
    }),
  )
}

describe('the metrics', () => {
  it('count calls by tool and outcome, denials by code, requests by status, and what the caches knew', async () => {
    const { origin, scrape } = await gateway({ port: 0 })
    const client = await signedIn(origin)
    await client.call('get_patient_demographics', { patient_id: 'pat-5' })
    await client.call('get_patient_demographics', { patient_id: 'pat-5' })
    await client.call('get_patient_demographics', { patient_id: 'pat-9999' })
    await client.call('get_study_metadata', { study_id: 'study-c' })
    await client.call('get_study_metadata', { study_id: '' })
    const text = await scrape()
    expect(samples(text, 'fhir_mcp_calls_total')).toEqual({
      'kind="tool",name="get_patient_demographics",outcome="allowed"': 2,
      'kind="tool",name="get_patient_demographics",outcome="denied"': 1,
      'kind="tool",name="get_study_metadata",outcome="denied"': 1,
      'kind="tool",name="get_study_metadata",outcome="failed"': 1,
    })
    expect(samples(text, 'fhir_mcp_denials_total')).toEqual({ 'code="FHIR_MCP_FORBIDDEN"': 2 })
    expect(samples(text, 'fhir_mcp_failures_total')).toEqual({ 'code="FHIR_MCP_INVALID_ARGUMENT"': 1 })
    expect(samples(text, 'fhir_mcp_call_duration_seconds_count')).toEqual({
      'kind="tool",name="get_patient_demographics"': 3,
      'kind="tool",name="get_study_metadata"': 2,
    })
    expect(samples(text, 'fhir_mcp_exchange_request_duration_seconds_count')).toEqual({
      'status="2xx"': exchange.requests.length,
    })
    expect(samples(text, 'fhir_mcp_exchange_received_bytes_total')['']).toBeGreaterThan(1000)
    const lookups = samples(text, 'fhir_mcp_cache_lookups_total')
    expect(lookups).toMatchObject({
      'cache="principals",result="miss"': 1,
      'cache="rosters",result="miss"': 2,
      'cache="rosters",result="hit"': 4,
    })
    expect(lookups['cache="principals",result="hit"']).toBeGreaterThanOrEqual(5)
    expect(samples(text, 'fhir_mcp_rosters_kept')).toEqual({ '': 2 })
    expect(samples(text, 'fhir_mcp_roster_patients_kept')['']).toBeGreaterThan(10)
    expect(samples(text, 'fhir_mcp_audit_failing')).toEqual({ '': 0 })
    expect(samples(text, 'process_cpu_seconds_total')['']).toBeGreaterThan(0)
  })

  it('have no id as a label, however it is asked for, and one label for all names that nobody registered', async () => {
    const { origin, scrape } = await gateway({ port: 0 })
    const client = await signedIn(origin)
    for (let n = 0; n < 20; n += 1) {
      await client.call(`tool_${n}`, { patient_id: `pat-${n}` }).catch(() => undefined)
      await client.readResource(`exchange://nothing/${n}`).catch(() => undefined)
      await client.readResource(`exchange://patient/pat-${n}`).catch(() => undefined)
    }
    const text = await scrape()
    const names = Object.keys(samples(text, 'fhir_mcp_calls_total'))
    expect(names).toContain('kind="tool",name="unknown",outcome="denied"')
    expect(names).toContain('kind="resource",name="unknown",outcome="denied"')
    expect(names.length).toBeLessThan(6)
    for (const secret of ['pat-', 'study-a', 'ada-lovelace', issuer.url, 'tool_1'])
      expect(text).not.toContain(secret)
  })

  it('count tokens that are refused, and what each limit refuses', async () => {
    const { app, origin, scrape } = await gateway(
      { port: 0 },
      { limits: { callsPerPrincipal: 2, requestsPerAddress: 12, refusedTokensPerAddress: 2 } },
    )
    const client = await signedIn(origin)
    for (let n = 0; n < 3; n += 1) await client.call('list_studies')
    for (let n = 0; n < 4; n += 1) await refused(app, `bad${n}`)
    const text = await scrape()
    const refusals = samples(text, 'fhir_mcp_tokens_refused_total')
    // Beyond the limit one of them is asked about.
    expect(Object.values(refusals)).toEqual([3])
    const limited = samples(text, 'fhir_mcp_limited_total')
    expect(limited).toMatchObject({ 'limit="principal"': 1, 'limit="tokens"': expect.any(Number) })
    for (let n = 0; n < 8; n += 1) await refused(app, 'bad0')
    expect(samples(await scrape(), 'fhir_mcp_limited_total')['limit="address"']).toBeGreaterThan(0)
    expect(samples(await scrape(), 'fhir_mcp_failures_total')).toEqual({ 'code="FHIR_MCP_RATE_LIMITED"': 1 })
  })

  async function refused(app: FastifyInstance, token: string) {
    await app.inject({ method: 'POST', url: '/mcp', headers: { authorization: `Bearer ${token}` } })
  }

  it('tell an exchange that fails and one that is too slow apart', async () => {
    const { origin, scrape } = await gateway(
      { port: 0 },
      { fhir: { baseUrl: exchange.url, credentials: 'none', dialect: 'hapi', timeout: 50 } },
    )
    const client = await signedIn(origin)
    const pass = stopTimers()
    exchange.misbehave(() => ({ kind: 'status', status: 500, body: 'oops' }))
    await client.call('list_studies')
    let release: () => void = () => undefined
    const until = new Promise<void>((resolve) => {
      release = resolve
    })
    exchange.misbehave(() => {
      setImmediate(() => pass(50))
      return { kind: 'hold', until }
    })
    await client.call('list_studies')
    release()
    exchange.misbehave(() => undefined)
    const ends = samples(await scrape(), 'fhir_mcp_exchange_request_duration_seconds_count')
    expect(Object.keys(ends).sort()).toEqual(['status="5xx"', 'status="timeout"'])
  })
})

describe('the port of the metrics', () => {
  it('is off by default, and then nothing answers and nothing is loaded', async () => {
    const { app, url, origin } = await gateway(undefined)
    expect(url).toBeUndefined()
    expect((await fetch(`${origin}/metrics`)).status).toBe(404)
    expect(app.hasRoute({ method: 'GET', url: '/metrics' })).toBe(false)
  })

  it('is another one than that of the server, answers GET /metrics alone, and closes with the server', async () => {
    const { app, origin, url = '' } = await gateway({ port: 0 })
    expect(new URL(url).port).not.toBe(new URL(origin).port)
    const answer = await fetch(`${url}?a=b`)
    expect(answer.headers.get('content-type')).toContain('text/plain; version=0.0.4')
    expect((await fetch(new URL('/', url))).status).toBe(404)
    expect((await fetch(url, { method: 'POST' })).status).toBe(405)
    expect((await fetch(`${origin}/metrics`)).status).toBe(404)
    await app.close()
    await expect(fetch(url)).rejects.toThrow()
  })

  it('is a CONFIG error at the start where it is taken', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void taken.close())
    const address = taken.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    await expect(gateway({ port })).rejects.toMatchObject({
      code: 'FHIR_MCP_CONFIG',
      detail: `metrics.port ${port} cannot be listened on at 127.0.0.1 (EADDRINUSE): choose another one.`,
    })
    const environment = {
      FHIR_MCP_FHIR_BASE_URL: exchange.url,
      FHIR_MCP_FHIR_CREDENTIALS: 'none',
      FHIR_MCP_AUTH_ISSUER: issuer.url,
      FHIR_MCP_AUTH_AUDIENCE: audience,
      FHIR_MCP_METRICS_PORT: String(port),
      FHIR_MCP_LOG_LEVEL: 'silent',
    }
    await expect(serve(environment, { port: '0' }, process.stderr)).rejects.toMatchObject({
      detail: `FHIR_MCP_METRICS_PORT ${port} cannot be listened on at 127.0.0.1 (EADDRINUSE): choose another one.`,
    })
  })

  it('answers 500 without a word where the metrics cannot be read', async () => {
    const register = new Registry()
    vi.spyOn(register, 'metrics').mockRejectedValue(new Error('secret'))
    const listener = await listenForMetrics(register, { host: '127.0.0.1', port: 0 })
    onTestFinished(() => listener.close())
    const answer = await fetch(listener.url)
    expect([answer.status, await answer.text()]).toEqual([500, ''])
  })
})

describe("a gateway's own registry", () => {
  it('takes the metrics in, under a prefix of their own for each registration, and gives them back at the end', async () => {
    const register = new Registry()
    const app = Fastify()
    onTestFinished(() => app.close())
    const options = {
      fhir: { baseUrl: exchange.url, credentials: 'none' },
      auth: { issuer: issuer.url, audience },
    } as const
    await app.register(fhirMcp, { ...options, metrics: { register } })
    const second = { path: '/second/mcp', decoratorName: 'second', health: false, sse: false }
    await app.register(fhirMcp, { ...options, ...second, metrics: { register, prefix: 'second_' } })
    await app.ready()
    const text = await register.metrics()
    expect(samples(text, 'fhir_mcp_rosters_kept')).toEqual({ '': 0 })
    expect(samples(text, 'second_rosters_kept')).toEqual({ '': 0 })
    expect(text).not.toContain('process_cpu')
    await app.close()
    expect(register.getMetricsAsArray()).toEqual([])
  })

  it('is refused beside a port, and where the names are taken', async () => {
    const register = new Registry()
    await expect(gateway({ register, port: 0 })).rejects.toThrow(
      'metrics.port must not be there with a register',
    )
    await gateway({ register })
    await expect(gateway({ register })).rejects.toThrow('metrics.prefix')
    await expect(gateway({ prefix: 'a b' })).rejects.toThrow('metrics.prefix must match')
  })
})
