import { inspect } from 'node:util'
import { describe, expect, it, vi } from 'vitest'
import { FhirMcpError } from '../../src/errors.ts'
import type { FhirClient } from '../../src/exchange/fhir-client.ts'
import { retryAfterOf } from '../../src/retry-after.ts'
import { callOf, clientOf, emptySearchset, json, patient, startExchange, thrownBy } from './loopback.ts'

/** A searched name, a body and a credential that no error may repeat. */
const name = 'Mustermann'
const body = 'Diagnosis-of-Mustermann'
const token = 'secret-token'

const search = (client: FhirClient, call = callOf()) => client.search(call, 'Patient', [['name', name]])

describe('an answer with an HTTP status', () => {
  it.each([
    [400, 'EXCHANGE_REJECTED', 1],
    [401, 'EXCHANGE_REJECTED', 1],
    [403, 'FORBIDDEN', 1],
    [404, 'FORBIDDEN', 1],
    [405, 'EXCHANGE_REJECTED', 1],
    [410, 'FORBIDDEN', 1],
    [422, 'EXCHANGE_REJECTED', 1],
    [429, 'RATE_LIMITED', 2],
    [500, 'EXCHANGE_UNAVAILABLE', 1],
    [501, 'EXCHANGE_UNAVAILABLE', 1],
    [502, 'EXCHANGE_UNAVAILABLE', 2],
    [503, 'EXCHANGE_UNAVAILABLE', 2],
    [504, 'EXCHANGE_UNAVAILABLE', 2],
  ])('of %i is %s after %i requests', async (status, kind, requests) => {
    const exchange = await startExchange((response) =>
      json(response, { resourceType: 'OperationOutcome' }, status),
    )
    const client = clientOf(exchange.baseUrl)
    const call = callOf()
    await expect(search(client, call)).rejects.toMatchObject({ code: `FHIR_MCP_${kind}` })
    expect([call.requests(), exchange.arrivals.length]).toEqual([requests, requests])
  })

  it('says that the credential was not accepted, apart from other rejections', async () => {
    const exchange = await startExchange((response) => json(response, {}, 401))
    const error = await thrownBy(search(clientOf(exchange.baseUrl)))
    expect(error).toMatchObject({ detail: 'It did not accept the credential.' })
  })

  it('reads the same whether a resource is forbidden or unknown', async () => {
    const exchange = await startExchange((response, _, nth) => json(response, {}, nth === 1 ? 403 : 404))
    const client = clientOf(exchange.baseUrl)
    const forbidden = await thrownBy(client.read(callOf(), 'Patient', '1'))
    const unknown = await thrownBy(client.read(callOf(), 'Patient', '1'))
    expect(JSON.stringify(forbidden)).toBe(JSON.stringify(unknown))
  })
})

describe('a retry', () => {
  it.each([429, 502, 503, 504])('after %i gets the answer, as a second request', async (status) => {
    const exchange = await startExchange((response, _, nth) => {
      if (nth > 1) return json(response, emptySearchset)
      response.writeHead(status, { 'retry-after': '0' }).end('busy')
    })
    const call = callOf('Bearer a')
    expect(await search(clientOf(exchange.baseUrl), call)).toEqual(emptySearchset)
    expect(call.requests()).toBe(2)
    expect(exchange.arrivals[1]).toEqual(exchange.arrivals[0])
  })

  it('sends a form again as it was', async () => {
    const exchange = await startExchange((response, _, nth) =>
      nth > 1 ? json(response, emptySearchset) : response.writeHead(503).end(),
    )
    await clientOf(exchange.baseUrl).search(callOf(), 'Patient', [['name', name]], { post: true })
    expect(exchange.arrivals.map(({ method, body: form }) => [method, form])).toEqual([
      ['POST', `name=${name}`],
      ['POST', `name=${name}`],
    ])
  })

  it('is made after a connection that broke before the answer', async () => {
    const exchange = await startExchange((response, _, nth) =>
      nth > 1 ? json(response, emptySearchset) : response.socket?.resetAndDestroy(),
    )
    const call = callOf()
    expect(await search(clientOf(exchange.baseUrl), call)).toEqual(emptySearchset)
    expect(call.requests()).toBe(2)
  })

  it('is made from the beginning after a body that broke in the middle', async () => {
    const whole = JSON.stringify(emptySearchset)
    const exchange = await startExchange((response, _, nth) => {
      if (nth > 1) return json(response, { ...emptySearchset, total: 2 })
      response.writeHead(200, { 'content-length': whole.length, etag: '"1"' })
      response.write(whole.slice(0, -3), () => response.socket?.destroy())
    })
    const call = callOf()
    expect(await search(clientOf(exchange.baseUrl), call)).toMatchObject({ total: 2 })
    expect(call.requests()).toBe(2)
    expect(exchange.arrivals[1]?.headers.range).toBeUndefined()
  })

  it('is made once only', async () => {
    const exchange = await startExchange((response) => response.socket?.destroy())
    const call = callOf()
    await expect(search(clientOf(exchange.baseUrl), call)).rejects.toMatchObject({
      code: 'FHIR_MCP_EXCHANGE_UNAVAILABLE',
    })
    expect([call.requests(), exchange.arrivals.length]).toEqual([2, 2])
  })

  it('is not made where Retry-After asks for too long, and the caller is told how long', async () => {
    const exchange = await startExchange((response) => response.writeHead(429, { 'retry-after': '6' }).end())
    const call = callOf()
    await expect(search(clientOf(exchange.baseUrl), call)).rejects.toMatchObject({
      code: 'FHIR_MCP_RATE_LIMITED',
      retryAfter: 6,
    })
    expect(call.requests()).toBe(1)
  })

  it('is not made where Retry-After outlasts the timeout', async () => {
    const exchange = await startExchange((response) => response.writeHead(503, { 'retry-after': '4' }).end())
    const call = callOf()
    const client = clientOf(exchange.baseUrl, { timeout: 3000 })
    await expect(search(client, call)).rejects.toMatchObject({
      code: 'FHIR_MCP_EXCHANGE_UNAVAILABLE',
      retryAfter: 4,
    })
    expect(call.requests()).toBe(1)
  })

  it('is given up when the caller aborts while it waits', async () => {
    const exchange = await startExchange((response) => response.writeHead(503, { 'retry-after': '5' }).end())
    const caller = new AbortController()
    const call = callOf(undefined, caller.signal)
    const reason = new Error('gone')
    exchange.server.on('request', (_, response) =>
      response.on('close', () => setImmediate(() => caller.abort(reason))),
    )
    expect(await thrownBy(search(clientOf(exchange.baseUrl), call))).toBe(reason)
    expect(call.requests()).toBe(1)
  })

  it('reads Retry-After in seconds and as a date, and nothing else', () => {
    const now = Date.parse('2026-01-01T00:00:00Z')
    expect(retryAfterOf('120', now)).toBe(120)
    expect(retryAfterOf('Thu, 01 Jan 2026 00:00:30 GMT', now)).toBe(30)
    expect(retryAfterOf('Wed, 31 Dec 2025 00:00:30 GMT', now)).toBe(0)
    expect(retryAfterOf('soon', now)).toBeUndefined()
    expect(retryAfterOf(null, now)).toBeUndefined()
  })
})

describe('an exchange that is not there', () => {
  it('is unavailable, with no request counted', async () => {
    const exchange = await startExchange((response) => json(response, emptySearchset))
    await new Promise((resolve) => exchange.server.close(resolve))
    const call = callOf()
    await expect(search(clientOf(exchange.baseUrl), call)).rejects.toMatchObject({
      code: 'FHIR_MCP_EXCHANGE_UNAVAILABLE',
    })
    expect(call.requests()).toBe(0)
  })
})

describe('an answer that breaks', () => {
  const half = JSON.stringify({ ...emptySearchset, entry: [{ resource: patient }] })

  it.each([
    ['a length', { 'content-length': '10000' }],
    ['chunks', {}],
    ['neither', { connection: 'close', 'transfer-encoding': 'identity' }],
  ])('in the middle of a body with %s is an error, never a part of the answer', async (_, headers) => {
    const exchange = await startExchange((response) => {
      response.writeHead(200, headers)
      response.write(half.slice(0, -4), () => response.socket?.destroy())
    })
    const error = await thrownBy(search(clientOf(exchange.baseUrl)))
    expect(error).toBeInstanceOf(FhirMcpError)
  })

  it('a whole body of the same kind is taken', async () => {
    const exchange = await startExchange((response) => response.end(half))
    expect(await search(clientOf(exchange.baseUrl))).toEqual(JSON.parse(half))
  })
})

describe('errors', () => {
  const quoting = `{"resourceType":"OperationOutcome","issue":[{"diagnostics":"${body}"}]}`

  it.each<[string, Parameters<typeof startExchange>[0]]>([
    ...[302, 400, 401, 403, 404, 410, 422, 429, 500, 503].map(
      (status): [string, Parameters<typeof startExchange>[0]] => [
        `for status ${status}`,
        (response) => response.writeHead(status, { location: `/${body}`, 'retry-after': '60' }).end(quoting),
      ],
    ),
    ['for HTML', (response) => response.end(`<html>${body}</html>`)],
    ['for an error in HTML', (response) => response.writeHead(500).end(`<html>${body}</html>`)],
    ['for another resource', (response) => response.end(quoting)],
    ['for a broken connection', (response) => response.socket?.destroy()],
    ['for a broken body', (response) => response.write(body, () => response.socket?.destroy())],
    [
      'for packing that was not asked for',
      (response) => response.writeHead(200, { 'content-encoding': 'br' }).end(body),
    ],
    ['for a timeout', () => {}],
  ])('%s hold nothing of the request or the answer', async (_, answer) => {
    const exchange = await startExchange(answer)
    const client = clientOf(exchange.baseUrl, { timeout: 300 })
    const { port } = new URL(exchange.origin)
    const error = await thrownBy(search(client, callOf(`Bearer ${token}`)))
    expect(error).toBeInstanceOf(FhirMcpError)
    expect(error).not.toHaveProperty('cause')
    const shown = `${JSON.stringify(error)} ${inspect(error, { depth: 10, showHidden: true })}`
    for (const secret of [name, body, token, port, 'http:', '/fhir/']) expect(shown).not.toContain(secret)
  })

  it('of the FHIR library underneath do hold them: the control', async () => {
    const exchange = await startExchange((response) => response.writeHead(400).end(quoting))
    const { Client } = await import('fhir-kit-client')
    const url = `Patient?name=${name}`
    const error = await thrownBy(new Client({ baseUrl: exchange.baseUrl }).request(url))
    const shown = inspect(error, { depth: 10 })
    expect([shown.includes(name), shown.includes(body), shown.includes('http:')]).toEqual([true, true, true])
  })
})

describe('where fetch is replaced', () => {
  it('an answer counts as a request all the same', async () => {
    const exchange = await startExchange((response) => json(response, emptySearchset))
    const client = clientOf(exchange.baseUrl)
    const call = callOf()
    const replaced = vi.spyOn(globalThis, 'fetch')
    replaced.mockImplementationOnce(async () => Response.json(emptySearchset))
    replaced.mockImplementationOnce(async () => Response.json({}, { status: 404 }))
    await search(client, call)
    await expect(search(client, call)).rejects.toMatchObject({ code: 'FHIR_MCP_FORBIDDEN' })
    expect([call.requests(), exchange.arrivals.length]).toEqual([2, 0])
  })
})
