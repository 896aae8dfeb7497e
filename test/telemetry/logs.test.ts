import { PassThrough } from 'node:stream'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createLog } from '../../src/cli/log.ts'
import { serve } from '../../src/cli/serve.ts'
import { serverLog } from '../../src/cli/server-log.ts'
import { fhirMcpError } from '../../src/errors.ts'
import { describeFault } from '../../src/mcp/fault.ts'
import { startExchange, startIssuer } from '../../src/test-kit/index.ts'
import { enough, mcpHeaders, pluginOf, rpc } from '../plugins/gateway.ts'
import { createServiceDouble } from '../plugins/service-double.ts'

/** Texts that no line may hold: a token that is opaque, and one that is a JWT. */
const opaque = 'zQ7planted0Secret'
const jwt = `eyJhbGciOiJub25lIn0.eyJzdWIiOiJwbGFudGVkIn0.${opaque}`
const planted = ['planted', 'eyJhbGci', 'eyJzdWIi', 'Skywalker', 'fhir-patient-77']

function lines() {
  const stream = new PassThrough()
  const chunks: string[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk.toString()))
  return { stream, text: () => chunks.join('') }
}

function found(text: string): string[] {
  return planted.filter((one) => text.includes(one))
}

/** An error as a library throws it: with the request in it, and with one more as its cause. */
function leakyError(): Error {
  const cause = Object.assign(
    new Error(`GET https://x.example/Patient/fhir-patient-77?name=Skywalker failed`),
    {
      config: { headers: { authorization: `Bearer ${opaque}` } },
    },
  )
  const error = new Error(`token ${opaque} of Skywalker\n    at ${opaque} (/a/b.js:1:1)`, { cause })
  return Object.assign(error, {
    code: `E ${opaque}`,
    response: { headers: { 'set-cookie': [`session=${opaque}`] }, body: 'Skywalker' },
  })
}

/** A gateway with the plugin and routes that fail; all that it can be sent, it is sent. */
async function attacked(logger: NonNullable<FastifyServerOptions['logger']>): Promise<FastifyInstance> {
  const double = createServiceDouble()
  const app = Fastify({ logger })
  onTestFinished(async () => {
    double.release()
    await app.close()
  })
  await app.register(pluginOf(double), enough)
  app.get('/throws', async () => {
    throw leakyError()
  })
  app.get('/logs', async (request) => {
    request.log
      .child({ authorization: `Bearer ${opaque}`, deep: { deeper: { cookie: opaque } } })
      .info('child')
    request.log.trace({ headers: request.headers, query: request.query, body: 'Skywalker' }, 'all')
    request.log.debug(leakyError())
    request.log.warn({ cause: leakyError() }, leakyError().message)
    request.log.info(`${request.method} ${request.url} with Bearer ${opaque}`)
    request.log.info('for %s', `https://x.example/cb?code=${opaque}&state=${opaque}#id_token=${jwt}`)
    request.log.error({ a: { b: { c: { d: { access_token: opaque, refresh_token: opaque } } } } })
    request.log.info({ raw: request.raw.headers.referer, form: `grant_type=x&refresh_token=${opaque}` })
    return 'ok'
  })
  const headers = {
    authorization: `Bearer ${opaque}`,
    cookie: `sid=${opaque}`,
    referer: `https://x.example/oauth/callback?code=${opaque}&state=${opaque}`,
    dpop: jwt,
  }
  const query = `access_token=${opaque}&code=${opaque}&name=Skywalker`
  for (const path of ['/throws', '/logs', '/sse', '/mcp', '/health', `/nothing/${jwt}`, '/messages']) {
    await app.inject({ method: 'GET', url: `${path}?${query}`, headers })
  }
  for (const payload of [`{"token":"${opaque}"`, `access_token ${opaque}`, JSON.stringify({ token: jwt })]) {
    const type = { 'content-type': 'application/json' }
    await app.inject({ method: 'POST', url: `/mcp?${query}`, headers: { ...headers, ...type }, payload })
    await app.inject({ method: 'POST', url: `/throws?${query}`, headers: { ...headers, ...type }, payload })
  }
  const fails = rpc('tools/call', { name: 'fail', arguments: { token: opaque, patient: 'fhir-patient-77' } })
  await app.inject({ method: 'POST', url: '/mcp', headers: mcpHeaders, payload: fails })
  return app
}

describe('the log of the server', () => {
  it('holds no token, no query, no body and no message of an error, by whatever logger it came', async () => {
    const { stream, text } = lines()
    await attacked(serverLog('trace', stream))
    expect(found(text())).toEqual([])
    expect(text()).toContain('"route":"/throws"')
    expect(text()).toContain('"msg":"child"')
    expect(text()).toContain('"statusCode":500')
    for (const line of text().trim().split('\n')) expect(() => JSON.parse(line)).not.toThrow()
  })

  it('is what keeps them out: a log without it has them all', async () => {
    const { stream, text } = lines()
    await attacked({ level: 'trace', stream })
    expect(found(text())).toEqual(planted)
  })

  it('keeps what an operator needs: kind, code and place of an error, and the words of our own', () => {
    const { stream, text } = lines()
    const { log } = Fastify({ logger: serverLog('info', stream) })
    log.error({ err: Object.assign(new TypeError('of Skywalker'), { code: 'ECONNRESET' }) }, 'it broke')
    log.fatal(fhirMcpError('CONFIG', { detail: 'publicUrl is required.' }))
    expect(text()).toContain('"type":"TypeError"')
    expect(text()).toContain('"code":"ECONNRESET"')
    expect(text()).toContain('logs.test.ts')
    expect(text()).toContain('"msg":"it broke"')
    expect(text()).toContain('publicUrl is required.')
    expect(found(text())).toEqual([])
  })

  it('is that of the command serve', async () => {
    const issuer = await startIssuer()
    const exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4' })
    const { stream, text } = lines()
    const environment = {
      FHIR_MCP_FHIR_BASE_URL: exchange.url,
      FHIR_MCP_FHIR_CREDENTIALS: 'none',
      FHIR_MCP_AUTH_ISSUER: issuer.url,
      FHIR_MCP_AUTH_AUDIENCE: 'https://mcp.test/mcp',
      FHIR_MCP_LOG_LEVEL: 'trace',
    }
    const app = await serve(environment, { port: '0' }, stream)
    onTestFinished(async () => {
      await app.close()
      await issuer.close()
      await exchange.close()
    })
    const headers = { authorization: `Bearer ${jwt}`, referer: `https://x.example/?code=${opaque}` }
    for (const url of [
      `/mcp?token=${opaque}`,
      `/planted/${opaque}`,
      `/sse?access_token=${opaque}`,
      '/%planted',
    ]) {
      const { body } = await app.inject({ url, headers })
      expect(body).not.toContain(opaque)
    }
    expect(text()).toContain('"route":"none"')
    expect(found(text())).toEqual([])
  })
})

describe('what the plugin itself says in a gateway', () => {
  /** A gateway whose own lines say nothing of a request; what is left is the plugin's. */
  const quiet = { req: () => ({}), err: () => ({ type: 'Error', message: '', stack: '' }) }

  it('is no token, no argument and no message, at level trace', async () => {
    const { stream, text } = lines()
    const double = createServiceDouble()
    const app = Fastify({ logger: { level: 'trace', stream, serializers: quiet } })
    onTestFinished(() => app.close())
    await app.register(pluginOf(double), enough)
    for (const name of ['fail', 'echo']) {
      const payload = rpc('tools/call', { name, arguments: { text: opaque, token: jwt } })
      await app.inject({ method: 'POST', url: `/mcp?access_token=${opaque}`, headers: mcpHeaders, payload })
    }
    const authorization = `Bearer ${jwt}`
    await app.inject({
      method: 'POST',
      url: '/mcp',
      headers: { ...mcpHeaders, authorization },
      payload: rpc('ping'),
    })
    expect(text()).toContain('call failed')
    expect(found(text())).toEqual([])
  })

  it('describes a fault by its kind and place, whatever its message, its name and its stack say', () => {
    const error = leakyError()
    error.name = `Error of ${opaque}`
    const { name, at } = describeFault(error)
    expect(found(JSON.stringify({ name, at }))).toEqual([])
    expect(at.join()).toContain('logs.test.ts')
    const changed = leakyError()
    changed.message = 'another'
    expect(found(JSON.stringify(describeFault(changed)))).toEqual([])
    expect(describeFault(opaque)).toEqual({ name: 'string', at: [] })
  })
})

describe('the log over stdio', () => {
  it('is redacted as well', () => {
    const { stream, text } = lines()
    createLog(stream, 'trace')('info', `at https://x.example/a?code=${opaque}`, {
      token: opaque,
      deep: { cookie: [opaque] },
    })
    expect(JSON.parse(text())).toMatchObject({
      token: '[redacted]',
      msg: 'at https://x.example/a?[redacted]',
    })
    expect(found(text())).toEqual([])
  })
})
