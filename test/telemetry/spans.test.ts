import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { FastifyOtelInstrumentation } from '@fastify/otel'
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import Fastify from 'fastify'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import fhirMcp from '../../plugins/index.ts'
import {
  permissionsClaim,
  startExchange,
  startIssuer,
  type TestExchange,
  type TestIssuer,
} from '../../src/test-kit/index.ts'
import { connectHttp, connectModern, connectSse, type TestClient } from '../e2e/clients.ts'
import { pathOf, startTracing } from './tracing.ts'

const audience = 'https://mcp.test/mcp'
const tracing = startTracing()

/** What instrumentation of fetch does: a span for each request of this process, with its URL. */
function traceFetch(message: unknown): void {
  if (typeof message !== 'object' || message === null || !('request' in message)) return
  const { request } = message
  const url = typeof request === 'object' && request !== null && 'path' in request ? String(request.path) : ''
  trace
    .getTracer('fetch')
    .startSpan('fetch', { attributes: { 'url.full': url } })
    .end()
}

describe.each(['hapi', 'jupyterhealth'] as const)('the spans of a call on %s', (dialect) => {
  const isHapi = dialect === 'hapi'
  const known = isHapi
    ? { study: 'study-a', patient: 'pat-5', foreign: 'study-c', family: 'Fam1' }
    : { study: '30006', patient: '40006', foreign: '30009', family: 'Novak' }
  let issuer: TestIssuer
  let exchange: TestExchange<unknown>
  let origin: string
  let token: string
  let client: TestClient
  let close: () => Promise<void>

  beforeAll(async () => {
    issuer = await startIssuer()
    exchange = isHapi
      ? await startExchange({ dialect: 'hapi', fhirVersion: 'R4' })
      : await startExchange({ dialect: 'jupyterhealth', authorize: () => 'northlake_member' })
    const app = Fastify()
    const otel = new FastifyOtelInstrumentation()
    otel.setTracerProvider(tracing.provider)
    await app.register(otel.plugin())
    await app.register(fhirMcp, {
      fhir: {
        baseUrl: exchange.url,
        credentials: isHapi ? 'none' : 'forward',
        ...(isHapi ? {} : { audience: 'https://exchange.test' }),
      },
      auth: { issuer: issuer.url, audience },
    })
    origin = await app.listen({ port: 0, host: '127.0.0.1' })
    const aud = isHapi ? audience : [audience, 'https://exchange.test']
    token = await issuer.token({ sub: 'ada', aud, ...permissionsClaim({ studies: [known.study] }) })
    client = await connectHttp(`${origin}/mcp`, token)
    close = async () => {
      await client.close()
      await app.close()
      await exchange.close()
      await issuer.close()
    }
  })
  afterAll(() => close())
  beforeEach(() => tracing.clear())

  const named = (name: string | RegExp) =>
    tracing.spans().filter((span) => (typeof name === 'string' ? span.name === name : name.test(span.name)))
  const pathsOf = (name: string | RegExp) => named(name).map((span) => pathOf(span, tracing.spans()))
  const ours = () =>
    tracing.spans().filter(({ instrumentationScope }) => instrumentationScope.name === 'fastify-fhir-mcp')

  it('are below the request of the gateway, in every transport', async () => {
    for (const connect of [
      () => connectHttp(`${origin}/mcp`, token),
      () => connectModern(`${origin}/mcp`, token),
      () => connectSse(`${origin}/sse`, token),
    ]) {
      const one = await connect()
      tracing.clear()
      const { isError } = await one.call('get_study_metadata', { study_id: known.study })
      expect(isError).toBe(false)
      await one.close()
      const [identify] = pathsOf('identify')
      expect(identify?.[0]).toBe('request')
      const call = 'tools/call get_study_metadata'
      const [decide] = pathsOf('decide')
      expect(decide?.[0]).toBe('request')
      expect(decide?.slice(-2)).toEqual([call, 'decide'])
      expect(pathsOf('answer')[0]?.slice(-2)).toEqual([call, 'answer'])
      expect(pathsOf(/^GET /)[0]?.slice(-2)[0]).toBe(call)
    }
  })

  it('say tool, outcome, counts, status and server, and of the request what the conventions for HTTP clients say', async () => {
    const { isError } = await client.call('get_patient_observations', { patient_id: known.patient, limit: 5 })
    expect(isError).toBe(false)
    const [call] = named('tools/call get_patient_observations')
    expect(call?.attributes).toMatchObject({
      'mcp.method.name': 'tools/call',
      'gen_ai.tool.name': 'get_patient_observations',
      'fhir_mcp.outcome': 'allowed',
      'fhir_mcp.exchange.requests': exchangeSpans().length,
    })
    const [observations] = named('GET /Observation')
    expect(observations?.kind).toBe(SpanKind.CLIENT)
    expect(observations?.attributes).toMatchObject({
      'http.request.method': 'GET',
      'url.template': '/Observation',
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(exchange.url).port),
      'http.response.status_code': 200,
    })
    expect(named('decide')[0]?.attributes).toEqual({ 'fhir_mcp.target': 'patient', 'fhir_mcp.fresh': false })
    expect(named('decode page').at(-1)?.attributes['fhir_mcp.resources']).toBeGreaterThan(1)
    const decoded = named('decode Open mHealth').map(({ attributes }) => attributes['fhir_mcp.observations'])
    expect(decoded).toEqual(isHapi ? [] : [5])
    expect(named('answer')[0]?.attributes).toMatchObject({ 'fhir_mcp.answer.patients': 1 })
    expect(named('identify')[0]?.attributes).toEqual({ 'fhir_mcp.cache': 'hit' })
  })

  function exchangeSpans(): ReadableSpan[] {
    return ours().filter(({ kind }) => kind === SpanKind.CLIENT)
  }

  it('hold no id, no name, no URL and no token, whatever is asked and however it ends', async () => {
    const asked: [string, Record<string, unknown>][] = [
      ['get_patient_demographics', { patient_id: known.patient }],
      ['search_patients', { study_id: known.study, family: known.family }],
      ['get_study_metadata', { study_id: known.foreign }],
      ['get_study_metadata', { study_id: `title=${known.family}` }],
      ['get_patient_demographics', { patient_id: 'Skywalker', study_id: known.study }],
      [known.patient, {}],
      ['count_study_observations', { study_id: known.study, by: 'patient' }],
    ]
    for (const [tool, args] of asked) await client.call(tool, args).catch(() => undefined)
    await client.readResource(`exchange://study/${known.study}`).catch(() => undefined)
    await client.readResource(`exchange://patient/${known.patient}`).catch(() => undefined)
    await client.complete('exchange://study/{id}', 'id', known.study.slice(0, 2)).catch(() => undefined)
    await connectHttp(`${origin}/mcp`, `${token}x`).catch(() => undefined)
    const said = JSON.stringify(
      ours().map(({ name, attributes, status, events }) => ({ name, attributes, status, events })),
    )
    const secrets = [
      known.study,
      known.patient,
      known.foreign,
      known.family,
      'Skywalker',
      token.slice(-20),
      '?',
      'ada"',
    ]
    expect(secrets.filter((secret) => said.includes(secret))).toEqual([])
    expect(said).toContain('tools/call unknown')
    expect(said).toContain('resources/read')
  })

  it('give a denial the status of its code, and nothing of what was asked', async () => {
    const { isError } = await client.call('get_study_metadata', { study_id: known.foreign })
    expect(isError).toBe(true)
    for (const name of ['tools/call get_study_metadata', 'decide']) {
      expect(named(name)[0]?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'FHIR_MCP_FORBIDDEN' })
      expect(named(name)[0]?.attributes['error.type']).toBe('FHIR_MCP_FORBIDDEN')
    }
    expect(named('tools/call get_study_metadata')[0]?.attributes['fhir_mcp.outcome']).toBe('denied')
    expect(exchangeSpans()).toEqual([])
  })

  it('tell a failing exchange by status and code, a second attempt by its number, and none of its words', async () => {
    exchange.misbehave(({ path }) =>
      path.includes('Observation')
        ? { kind: 'status', status: 503, body: { secret: 'Skywalker' } }
        : undefined,
    )
    const { isError } = await client.call('get_patient_observations', { patient_id: known.patient })
    exchange.misbehave(() => undefined)
    expect(isError).toBe(true)
    const failed = named('GET /Observation')
    expect(failed.map(({ attributes }) => attributes['http.request.resend_count'])).toEqual([undefined, 1])
    for (const span of failed) {
      expect(span.attributes).toMatchObject({ 'http.response.status_code': 503, 'error.type': '503' })
      expect(span.status.message).toBe('FHIR_MCP_EXCHANGE_UNAVAILABLE')
      expect(span.events).toEqual([])
    }
  })

  it('keep instrumentation of fetch from tracing requests to the exchange, whose URLs hold ids', async () => {
    subscribe('undici:request:create', traceFetch)
    try {
      await client.call('get_patient_demographics', { patient_id: known.patient })
      await fetch(`${origin}/health?control`)
    } finally {
      unsubscribe('undici:request:create', traceFetch)
    }
    expect(exchangeSpans().length).toBeGreaterThan(0)
    const urls = named('fetch').map(({ attributes }) => String(attributes['url.full']))
    expect(urls).toContain('/health?control')
    expect(urls.filter((url) => url.includes(known.patient) || url.includes('Patient'))).toEqual([])
  })
})
