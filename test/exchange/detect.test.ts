import { describe, expect, it } from 'vitest'
import { fhirMcpError } from '../../src/errors.ts'
import { createCapabilitiesCache } from '../../src/exchange/capabilities-cache.ts'
import { detectDialect, readCapabilities } from '../../src/exchange/detect.ts'
import type { ExchangeCall } from '../../src/exchange/exchange.ts'
import { callOf, clientOf, json, startExchange, thrownBy } from './loopback.ts'

const statement = (fhirVersion: unknown, software?: unknown, rest?: unknown) => ({
  resourceType: 'CapabilityStatement',
  fhirVersion,
  ...(software === undefined ? {} : { software }),
  ...(rest === undefined ? {} : { rest }),
})
const hapi = { name: 'HAPI FHIR Server', version: '8.8.0' }
const now = () => Date.parse('2026-11-23T00:00:00Z')

/** A server that answers `metadata` by what was asked of it: `_elements`, `_summary` or nothing (whole). */
async function serverOf(forms: Partial<Record<'elements' | 'summary' | 'whole', unknown>>) {
  const exchange = await startExchange((response, { url }) => {
    const form = url.includes('_elements') ? 'elements' : url.includes('_summary') ? 'summary' : 'whole'
    const body = forms[form]
    json(response, body ?? {}, body === undefined ? 400 : 200)
  })
  return { exchange, client: clientOf(exchange.baseUrl) }
}

describe('which server this is', () => {
  it.each([
    ['4.0.1', hapi, { dialect: 'hapi', fhirVersion: 'R4', software: 'HAPI FHIR Server' }],
    ['5.0.0', hapi, { dialect: 'hapi', fhirVersion: 'R5', software: 'HAPI FHIR Server' }],
    [
      '5.0.0',
      { name: 'JupyterHealth Exchange' },
      { dialect: 'jupyterhealth', fhirVersion: 'R5', software: 'JupyterHealth Exchange' },
    ],
    ['4.0.0', { name: 'Another' }, { dialect: 'hapi', fhirVersion: 'R4', software: 'Another' }],
  ])('is known of FHIR %s by %o, after one small request', async (version, software, kind) => {
    const { exchange, client } = await serverOf({ elements: statement(version, software) })
    expect(await detectDialect(client, callOf())).toEqual(kind)
    expect(exchange.arrivals.map(({ url }) => decodeURIComponent(url))).toEqual([
      '/fhir/metadata?_elements=CapabilityStatement.fhirVersion,CapabilityStatement.software',
    ])
  })

  it.each([
    ['says nothing there', { resourceType: 'CapabilityStatement' }],
    ['leaves the software out there', statement('4.0.1')],
    ['has no readable software there', statement('4.0.1', { name: 5 })],
    ['does not know that form', undefined],
  ])('is asked by its summary where it %s', async (_, elements) => {
    const { exchange, client } = await serverOf({ elements, summary: statement('4.0.1', hapi) })
    expect(await detectDialect(client, callOf())).toMatchObject({ software: 'HAPI FHIR Server' })
    expect(exchange.arrivals.map(({ url }) => url)[1]).toBe('/fhir/metadata?_summary=true')
  })

  it('is HAPI style where the server does not say its name at all', async () => {
    const { client } = await serverOf({ elements: statement('5.0.0'), summary: statement('5.0.0') })
    expect(await detectDialect(client, callOf())).toEqual({
      dialect: 'hapi',
      fhirVersion: 'R5',
      software: undefined,
    })
  })

  it.each(['3.0.2', '4.3.0', '6.0.0', '5.0.0-ballot', 4, undefined])(
    'is not supported with FHIR version %j',
    async (version) => {
      const { client } = await serverOf({
        elements: statement(version, hapi),
        summary: statement(version, hapi),
      })
      await expect(detectDialect(client, callOf())).rejects.toMatchObject({
        code: 'FHIR_MCP_NOT_SUPPORTED_BY_EXCHANGE',
      })
    },
  )

  it('is not asked any further when the exchange is away', async () => {
    const exchange = await startExchange((response) => response.writeHead(500).end())
    await expect(detectDialect(clientOf(exchange.baseUrl), callOf())).rejects.toMatchObject({
      code: 'FHIR_MCP_EXCHANGE_UNAVAILABLE',
    })
    expect(exchange.arrivals).toHaveLength(1)
  })
})

describe('what the server can do', () => {
  const rest = [
    {
      mode: 'server',
      resource: [
        { type: 'Patient', searchParam: [{ name: '_id' }, { name: 'birthdate' }] },
        { type: 'Binary' },
        { type: '__proto__', searchParam: [{ name: 'x' }] },
        { type: 5, searchParam: [{ name: 'x' }] },
        { type: 'Observation', searchParam: [{ name: 'code' }, { name: 5 }, null] },
      ],
    },
    { mode: 'client', resource: [{ type: 'Device', searchParam: [{ name: 'x' }] }] },
  ]

  it('comes with its search parameters by name, in one request', async () => {
    const { exchange, client } = await serverOf({ elements: statement('4.0.1', hapi, rest) })
    expect(await readCapabilities(client, callOf(), now)).toEqual({
      dialect: 'hapi',
      fhirVersion: 'R4',
      software: 'HAPI FHIR Server',
      searches: { Patient: ['_id', 'birthdate'], Observation: ['code'] },
      asOf: '2026-11-23T00:00:00.000Z',
    })
    expect(exchange.arrivals).toHaveLength(1)
  })

  it.each([
    ['lists none in the small form', statement('4.0.1', hapi)],
    ['does not know the small form', undefined],
  ])('is read from the whole statement where the server %s', async (_, elements) => {
    const { exchange, client } = await serverOf({ elements, whole: statement('4.0.1', hapi, rest) })
    expect((await readCapabilities(client, callOf(), now)).searches).toHaveProperty('Patient')
    expect(exchange.arrivals.map(({ url }) => url)[1]).toBe('/fhir/metadata')
  })

  it('is a statement without search parameters where it has none', async () => {
    const { client } = await serverOf({ elements: statement('4.0.1'), whole: statement('4.0.1', hapi, 'x') })
    expect((await readCapabilities(client, callOf(), now)).searches).toEqual({})
  })
})

describe('the cache of what is known', () => {
  /** An exchange whose answers are given by hand. */
  function asked() {
    const questions: {
      call: ExchangeCall
      answer: (value: string) => void
      fail: (reason: unknown) => void
    }[] = []
    const ask = (call: ExchangeCall) =>
      new Promise<string>((answer, fail) => {
        call.signal.addEventListener('abort', () => fail(new Error('the request was aborted')))
        questions.push({ call, answer, fail })
      })
    return { questions, ask }
  }

  it('asks once in five minutes, and remembers what it knew longer', async () => {
    let time = 0
    let answers = 0
    const cache = createCapabilitiesCache(async () => `answer ${++answers}`, { now: () => time })
    expect(cache.known()).toBeUndefined()
    expect(await cache.get(callOf())).toBe('answer 1')
    time = 299_999
    expect(await cache.get(callOf())).toBe('answer 1')
    time = 300_000
    expect(cache.known()).toBe('answer 1')
    expect(await cache.get(callOf())).toBe('answer 2')
    expect(cache.known()).toBe('answer 2')
  })

  it('asks once for all who wait', async () => {
    const { questions, ask } = asked()
    const cache = createCapabilitiesCache(ask, { now })
    const answers = Array.from({ length: 5 }, () => cache.get(callOf()))
    questions[0]?.answer('known')
    expect(await Promise.all(answers)).toEqual(Array(5).fill('known'))
    expect(questions).toHaveLength(1)
  })

  it("does not end the others' wait when the first caller aborts", async () => {
    const { questions, ask } = asked()
    const cache = createCapabilitiesCache(ask, { now })
    const first = new AbortController()
    const leaves = cache.get(callOf(undefined, first.signal))
    const stays = cache.get(callOf())
    first.abort('gone')
    expect(await thrownBy(leaves)).toBe('gone')
    expect(questions[0]?.call.signal.aborted).toBe(false)
    questions[0]?.answer('known')
    expect(await stays).toBe('known')
  })

  it('ends a request that nobody waits for any more, and asks anew', async () => {
    const { questions, ask } = asked()
    const cache = createCapabilitiesCache(ask, { now })
    const callers = [new AbortController(), new AbortController()]
    const leave = callers.map(({ signal }) => cache.get(callOf(undefined, signal)))
    for (const caller of callers) caller.abort('gone')
    expect(await Promise.all(leave.map(thrownBy))).toEqual(['gone', 'gone'])
    expect(questions[0]?.call.signal.aborted).toBe(true)
    const again = cache.get(callOf())
    questions[1]?.answer('known')
    expect(await again).toBe('known')
  })

  it("does not give one caller's failure to another, who asks once with its own credential", async () => {
    const { questions, ask } = asked()
    const cache = createCapabilitiesCache(ask, { now })
    const fails = cache.get(callOf('Bearer expired'))
    const others = [cache.get(callOf('Bearer good')), cache.get(callOf('Bearer fine'))]
    const rejection = fhirMcpError('EXCHANGE_REJECTED')
    questions[0]?.fail(rejection)
    expect(await thrownBy(fails)).toBe(rejection)
    await expect.poll(() => questions.length).toBe(2)
    expect(await questions[1]?.call.credential.authorization(new AbortController().signal)).toBe(
      'Bearer good',
    )
    questions[1]?.answer('known')
    expect(await Promise.all(others)).toEqual(['known', 'known'])
  })

  it('gives up after that second time', async () => {
    let asks = 0
    const cache = createCapabilitiesCache(
      async () => {
        asks += 1
        throw fhirMcpError('EXCHANGE_UNAVAILABLE')
      },
      { now },
    )
    const both = [thrownBy(cache.get(callOf())), thrownBy(cache.get(callOf()))]
    for (const error of await Promise.all(both)) {
      expect(error).toMatchObject({ code: 'FHIR_MCP_EXCHANGE_UNAVAILABLE' })
    }
    expect(asks).toBe(2)
    expect(cache.known()).toBeUndefined()
  })

  it('lets a caller go who joined and aborted', async () => {
    const { questions, ask } = asked()
    const cache = createCapabilitiesCache(ask, { now })
    const stays = cache.get(callOf())
    const joined = new AbortController()
    const leaves = cache.get(callOf(undefined, joined.signal))
    joined.abort('gone')
    expect(await thrownBy(leaves)).toBe('gone')
    questions[0]?.answer('known')
    expect(await stays).toBe('known')
    expect(questions).toHaveLength(1)
  })

  it('asks nothing for a caller who has gone already', async () => {
    const { questions, ask } = asked()
    const cache = createCapabilitiesCache(ask, { now })
    expect(await thrownBy(cache.get(callOf(undefined, AbortSignal.abort('gone'))))).toBe('gone')
    expect(questions).toEqual([])
  })
})
