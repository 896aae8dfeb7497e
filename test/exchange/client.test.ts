import { describe, expect, it } from 'vitest'
import type { SearchPairs } from '../../src/exchange/search-pairs.ts'
import { callOf, clientOf, emptySearchset, json, patient, startExchange, thrownBy } from './loopback.ts'

const invalidArgument = { code: 'FHIR_MCP_INVALID_ARGUMENT' }
const rejected = { code: 'FHIR_MCP_EXCHANGE_REJECTED' }

describe('what reaches the exchange', () => {
  it('reads a resource by its URL below the base and counts one request', async () => {
    const exchange = await startExchange((response) => json(response, patient))
    const call = callOf()
    expect(await clientOf(`${exchange.baseUrl}/`).read(call, 'Patient', '1')).toEqual(patient)
    expect(exchange.arrivals.map(({ method, url }) => [method, url])).toEqual([['GET', '/fhir/Patient/1']])
    expect(call.requests()).toBe(1)
  })

  it('keeps the order of the pairs, repeated names, chains and special characters', async () => {
    const exchange = await startExchange((response) => json(response, emptySearchset))
    const pairs: SearchPairs = [
      ['patient:Patient._has:ResearchSubject:patient:study', 'ResearchStudy/a,ResearchStudy/b'],
      ['date', 'ge2026-01-01T00:00:00+02:00'],
      ['date', 'lt2026-02-01'],
      ['code', 'http://loinc.org|8867-4&x=1#y'],
      ['_count', '10'],
    ]
    await clientOf(exchange.baseUrl).search(callOf(), 'Observation', pairs)
    const [arrival] = exchange.arrivals
    const url = new URL(arrival?.url ?? '', exchange.origin)
    expect(url.pathname).toBe('/fhir/Observation')
    expect([...url.searchParams]).toEqual(pairs)
  })

  it('sends a search as a form where it is told to, with nothing in the URL', async () => {
    const exchange = await startExchange((response) => json(response, emptySearchset))
    const ids = Array.from({ length: 1000 }, (_, n) => `Patient/${n}`).join(',')
    const pairs: SearchPairs = [
      ['patient', ids],
      ['_count', '10'],
    ]
    await clientOf(exchange.baseUrl).search(callOf(), 'Observation', pairs, { post: true })
    const [arrival] = exchange.arrivals
    expect([arrival?.method, arrival?.url]).toEqual(['POST', '/fhir/Observation/_search'])
    expect(arrival?.headers['content-type']).toBe('application/x-www-form-urlencoded; charset=utf-8')
    expect([...new URLSearchParams(arrival?.body)]).toEqual(pairs)
  })

  it('refuses a URL past 7,500 bytes rather than send it, or send it as a form unasked', async () => {
    const exchange = await startExchange((response) => json(response, emptySearchset))
    const client = clientOf(exchange.baseUrl)
    const call = callOf()
    await expect(client.search(call, 'Observation', [['patient', '1'.repeat(7500)]])).rejects.toMatchObject(
      invalidArgument,
    )
    expect(call.requests()).toBe(0)
    await client.search(call, 'Observation', [['patient', '1'.repeat(7000)]])
    expect(exchange.arrivals).toHaveLength(1)
  })

  it('sends the headers of the shape, asks for gzip and for FHIR JSON', async () => {
    const exchange = await startExchange((response) => json(response, emptySearchset))
    await clientOf(exchange.baseUrl).search(callOf(), 'Patient', [], {
      headers: { 'Cache-Control': 'no-cache' },
    })
    expect(exchange.arrivals[0]?.headers).toMatchObject({
      'cache-control': 'no-cache',
      'accept-encoding': 'gzip',
      accept: 'application/fhir+json',
    })
  })

  it('keeps connections open, and no more of them than configured', async () => {
    const exchange = await startExchange((response) => setImmediate(() => json(response, patient)))
    let connections = 0
    exchange.server.on('connection', () => {
      connections += 1
    })
    const client = clientOf(exchange.baseUrl, { connections: 2 })
    await Promise.all(Array.from({ length: 12 }, () => client.read(callOf(), 'Patient', '1')))
    expect(exchange.arrivals).toHaveLength(12)
    expect(connections).toBe(2)
  })

  it('ends the requests in flight before it closes, and then sends nothing more', async () => {
    let release = () => {}
    const exchange = await startExchange((response) => {
      release = () => json(response, patient)
    })
    const client = clientOf(exchange.baseUrl)
    const call = callOf()
    const reading = client.read(call, 'Patient', '1')
    await expect.poll(() => exchange.arrivals.length).toBe(1)
    const closing = client.close()
    release()
    expect(await reading).toEqual(patient)
    await closing
    await client.close()
    await expect(client.read(call, 'Patient', '1')).rejects.toMatchObject({
      code: 'FHIR_MCP_EXCHANGE_UNAVAILABLE',
    })
    expect(call.requests()).toBe(1)
  })
})

describe('what never reaches the exchange', () => {
  it.each([
    ['Patient', '../Observation?code=x'],
    ['Patient', '1/../../admin'],
    ['Patient', '..'],
    ['Patient', ''],
    ['Patient', '1?_format=xml'],
    ['Patient', 'a'.repeat(65)],
    ['../admin', '1'],
    ['patient', '1'],
    ['http://elsewhere.example/Patient', '1'],
  ])('refuses to read %s/%s', async (type, id) => {
    const exchange = await startExchange((response) => json(response, patient))
    const call = callOf('Bearer secret')
    await expect(clientOf(exchange.baseUrl).read(call, type, id)).rejects.toMatchObject(invalidArgument)
    expect(call.requests()).toBe(0)
    expect(exchange.arrivals).toEqual([])
  })

  it.each(['', ' ', ',', 'Patient/1,', ',Patient/1', 'a,,b', '|', '_', '-', '\\,', '\u0301', 'a\\\\,'])(
    'refuses the search value %j, which a server takes for no condition',
    async (value) => {
      const exchange = await startExchange((response) => json(response, emptySearchset))
      const call = callOf()
      const client = clientOf(exchange.baseUrl)
      await expect(client.search(call, 'Observation', [['patient', value]])).rejects.toMatchObject(
        invalidArgument,
      )
      await expect(
        client.search(call, 'Observation', [['patient', value]], { post: true }),
      ).rejects.toMatchObject(invalidArgument)
      expect(call.requests()).toBe(0)
      expect(exchange.arrivals).toEqual([])
    },
  )

  it('takes an escaped comma for a part of its value', async () => {
    const exchange = await startExchange((response) => json(response, emptySearchset))
    await clientOf(exchange.baseUrl).search(callOf(), 'Patient', [['name', 'Ødegård\\,']])
    expect(exchange.arrivals).toHaveLength(1)
  })

  it.each(['', 'patient&_id', 'a=b', 'a b', '../x'])('refuses the parameter name %j', async (name) => {
    const exchange = await startExchange((response) => json(response, emptySearchset))
    const call = callOf()
    await expect(clientOf(exchange.baseUrl).search(call, 'Observation', [[name, '1']])).rejects.toMatchObject(
      invalidArgument,
    )
    expect(call.requests()).toBe(0)
  })

  it('refuses a search of what is no type', async () => {
    const exchange = await startExchange((response) => json(response, emptySearchset))
    await expect(clientOf(exchange.baseUrl).search(callOf(), 'a/b', [])).rejects.toMatchObject(
      invalidArgument,
    )
    expect(exchange.arrivals).toEqual([])
  })

  it.each(['http://user:pass@127.0.0.1/fhir', 'http://127.0.0.1/fhir?x=1', 'http://127.0.0.1/fhir#x'])(
    'does not start on the base URL %s',
    (baseUrl) => {
      expect(() => clientOf(baseUrl)).toThrow(expect.objectContaining({ code: 'FHIR_MCP_CONFIG' }))
    },
  )
})

describe('credentials', () => {
  it('sends the credential of each call with its own request, and none where there is none', async () => {
    const exchange = await startExchange((response, { url, headers }) => {
      const id = url.split('/').at(-1)
      setImmediate(() =>
        json(response, { resourceType: 'Patient', id, asked: headers.authorization ?? null }),
      )
    })
    const client = clientOf(exchange.baseUrl, { connections: 3 })
    const callers = Array.from({ length: 30 }, (_, n) => (n % 3 === 0 ? undefined : `Bearer token-${n}`))
    const answers = await Promise.all(
      callers.map((authorization, n) => client.read(callOf(authorization), 'Patient', String(n))),
    )
    expect(answers.map((answer) => answer.asked)).toEqual(callers.map((one) => one ?? null))
  })

  it('takes no credential from the headers of a shape', async () => {
    const exchange = await startExchange((response) => json(response, patient))
    await clientOf(exchange.baseUrl).read(callOf(), 'Patient', '1', {
      headers: { Authorization: 'Bearer of-somebody-else' },
    })
    expect(exchange.arrivals[0]?.headers.authorization).toBeUndefined()
  })

  it.each([301, 302, 303, 307, 308])('follows no redirect %i, even one to itself', async (status) => {
    const elsewhere = await startExchange((response) => json(response, patient))
    const exchange = await startExchange((response, _, nth) => {
      const location = nth === 1 ? `${elsewhere.origin}/fhir/Patient/1` : '/fhir/Patient/2'
      response.writeHead(status, { location }).end()
    })
    const client = clientOf(exchange.baseUrl)
    for (const nth of [1, 2]) {
      const call = callOf('Bearer secret')
      await expect(client.read(call, 'Patient', '1')).rejects.toMatchObject(rejected)
      expect([nth, call.requests()]).toEqual([nth, 1])
    }
    expect(exchange.arrivals).toHaveLength(2)
    expect(elsewhere.arrivals).toEqual([])
  })
})

describe('answers that are not what was asked for', () => {
  it.each([
    ['HTML', '<html><body>Maria Muster</body></html>'],
    ['JSON that is cut off', '{"resourceType":"Patient","id":"1"'],
    ['nothing', ''],
    ['null', 'null'],
    ['a number', '5'],
    ['a list', '[]'],
    ['an object that is no resource', '{"id":"1"}'],
    ['another type', '{"resourceType":"Observation","id":"1"}'],
    ['no id', '{"resourceType":"Patient"}'],
    ['an OperationOutcome', '{"resourceType":"OperationOutcome","issue":[]}'],
    ['a poisoned key', '{"resourceType":"Patient","id":"1","contact":[{"__proto__":{"x":1}}]}'],
    ['a poisoned root', '{"resourceType":"Patient","id":"1","__proto__":{"x":1}}'],
    ['endless nesting', `{"resourceType":"Patient","id":"1","x":${'['.repeat(5000)}${']'.repeat(5000)}}`],
  ])('rejects %s for a patient', async (_, body) => {
    const exchange = await startExchange((response) => response.end(body))
    const call = callOf()
    await expect(clientOf(exchange.baseUrl).read(call, 'Patient', '1')).rejects.toMatchObject(rejected)
    expect(call.requests()).toBe(1)
  })

  it('takes another patient in the place of the one that was asked for as a leak', async () => {
    const exchange = await startExchange((response) => json(response, { ...patient, id: 'another' }))
    const read = (id: string) => clientOf(exchange.baseUrl).read(callOf(), 'Patient', id)
    await expect(read('1')).rejects.toMatchObject({ code: 'FHIR_MCP_EXCHANGE_LEAK' })
    // The control: the one that was asked for.
    expect(await read('another')).toMatchObject({ id: 'another' })
  })

  it.each([
    ['a resource', patient],
    ['a Bundle of another kind', { resourceType: 'Bundle', type: 'batch-response' }],
    ['entries that are no list', { ...emptySearchset, entry: {} }],
    ['entries that are no objects', { ...emptySearchset, entry: [null] }],
    ['links that are no objects', { ...emptySearchset, link: ['x'] }],
    ['a total below zero', { ...emptySearchset, total: -1 }],
    ['a total that is no whole number', { ...emptySearchset, total: 1.5 }],
    ['a total in words', { ...emptySearchset, total: '7' }],
  ])('rejects %s for a search', async (_, body) => {
    const exchange = await startExchange((response) => json(response, body))
    const client = clientOf(exchange.baseUrl)
    await expect(client.search(callOf(), 'Patient', [])).rejects.toMatchObject(rejected)
    await expect(client.page(callOf(), '?_getpages=1')).rejects.toMatchObject(rejected)
  })

  it('takes a searchset with entries, links and a total', async () => {
    const body = {
      ...emptySearchset,
      total: 1,
      link: [{ relation: 'self', url: 'x' }],
      entry: [{ resource: patient }],
    }
    const exchange = await startExchange((response) => json(response, body))
    expect(await clientOf(exchange.baseUrl).search(callOf(), 'Patient', [])).toEqual(body)
  })

  it('leaves nothing of the request, and so no credential, on the answer', async () => {
    const exchange = await startExchange((response) => json(response, patient))
    const answer = await clientOf(exchange.baseUrl).read(callOf('Bearer secret'), 'Patient', '1')
    expect(Object.getOwnPropertyNames(answer).sort()).toEqual(['id', 'resourceType'])
  })

  it('takes metadata for nothing but a CapabilityStatement', async () => {
    const exchange = await startExchange((response, _, nth) =>
      json(response, nth === 1 ? patient : { resourceType: 'CapabilityStatement' }),
    )
    const client = clientOf(exchange.baseUrl)
    await expect(client.metadata(callOf(), [['_summary', 'true']])).rejects.toMatchObject(rejected)
    expect(await client.metadata(callOf(), [['_summary', 'true']])).toMatchObject({
      resourceType: 'CapabilityStatement',
    })
    expect(exchange.arrivals[1]?.url).toBe('/fhir/metadata?_summary=true')
  })
})

describe('pages', () => {
  it('reads a page that a Bundle named, and says when the exchange has forgotten it', async () => {
    const exchange = await startExchange((response, { url }, nth) => {
      if (nth === 3) return json(response, { resourceType: 'OperationOutcome' }, 410)
      json(response, {
        ...emptySearchset,
        link: [{ relation: 'next', url: `${exchange.origin}${url}&n=${nth}` }],
      })
    })
    const client = clientOf(exchange.baseUrl)
    const first = await client.search(callOf(), 'Patient', [['name', 'a']])
    const link = client.nextLink(first) ?? ''
    const second = await client.page(callOf(), link, { headers: { 'cache-control': 'no-cache' } })
    await expect(client.page(callOf(), client.nextLink(second) ?? '')).rejects.toMatchObject({
      code: 'FHIR_MCP_EXCHANGE_UNAVAILABLE',
    })
    expect(exchange.arrivals.map(({ url }) => url)).toEqual([
      '/fhir/Patient?name=a',
      '/fhir/Patient?name=a&n=1',
      '/fhir/Patient?name=a&n=1&n=2',
    ])
    expect(exchange.arrivals[1]?.headers['cache-control']).toBe('no-cache')
  })

  it('says that a deleted resource is not there, unlike a forgotten page', async () => {
    const exchange = await startExchange((response) => json(response, {}, 410))
    expect(await thrownBy(clientOf(exchange.baseUrl).read(callOf(), 'Patient', '1'))).toMatchObject({
      code: 'FHIR_MCP_FORBIDDEN',
    })
  })
})
