import { describe, expect, it } from 'vitest'
import { fhirMcpError } from '../../../src/errors.ts'
import type { Credential, ExchangeCall } from '../../../src/exchange/exchange.ts'
import { createApiReader } from '../../../src/exchange/jupyterhealth/api.ts'
import { callOf, clientOf, json, patient, startExchange, thrownBy } from '../loopback.ts'
import { fhirOf } from './token-endpoint-double.ts'

const rejected = { code: 'FHIR_MCP_EXCHANGE_REJECTED', detail: 'It did not accept the credential.' }

/** A call whose credential comes from `authorization`; what it was asked with is kept. */
function callWith(authorization: (refused: string | undefined, nth: number) => Promise<string | undefined>) {
  const refusals: (string | undefined)[] = []
  const credential: Credential = {
    identity: 'test',
    authorization: (_, refused) => authorization(refused, refusals.push(refused)),
  }
  const call: ExchangeCall & { readonly requests: () => number } = { ...callOf(), credential }
  return { call, refusals }
}

/** An exchange that takes only these credentials. */
const taking = (...taken: string[]) =>
  startExchange((response, { headers }) => {
    const known = taken.includes(headers.authorization ?? '')
    json(response, known ? patient : {}, known ? 200 : 401)
  })

const sentTo = ({ arrivals }: Awaited<ReturnType<typeof startExchange>>) =>
  arrivals.map(({ headers }) => headers.authorization)

describe('a credential that the exchange does not take', () => {
  it('is replaced once, and the request sent again', async () => {
    const exchange = await taking('Bearer new')
    const { call, refusals } = callWith(async (refused) =>
      refused === undefined ? 'Bearer old' : 'Bearer new',
    )
    expect(await clientOf(exchange.baseUrl).read(call, 'Patient', '1')).toEqual(patient)
    expect(sentTo(exchange)).toEqual(['Bearer old', 'Bearer new'])
    expect(refusals).toEqual([undefined, 'Bearer old'])
  })

  it('is replaced for a form as well, which arrives whole', async () => {
    const exchange = await startExchange((response, { headers }) => {
      const known = headers.authorization === 'Bearer new'
      json(response, { resourceType: 'Bundle', type: 'searchset' }, known ? 200 : 401)
    })
    const { call } = callWith(async (refused) => (refused === undefined ? 'Bearer old' : 'Bearer new'))
    await clientOf(exchange.baseUrl).search(call, 'Patient', [['_id', '1,2']], { post: true })
    expect(exchange.arrivals.map(({ body }) => body)).toEqual(Array(2).fill('_id=1%2C2'))
  })

  it('is replaced no second time', async () => {
    const exchange = await taking()
    const { call, refusals } = callWith(async (_, nth) => `Bearer ${nth}`)
    expect(await thrownBy(clientOf(exchange.baseUrl).read(call, 'Patient', '1'))).toMatchObject(rejected)
    expect(sentTo(exchange)).toEqual(['Bearer 1', 'Bearer 2'])
    expect(refusals).toEqual([undefined, 'Bearer 1'])
  })

  it.each(['Bearer same', undefined])('is sent once where there is no other: %s', async (only) => {
    const exchange = await taking()
    const { call } = callWith(async () => only)
    expect(await thrownBy(clientOf(exchange.baseUrl).read(call, 'Patient', '1'))).toMatchObject(rejected)
    expect(sentTo(exchange)).toEqual([only])
  })

  it('is not replaced for another failure', async () => {
    for (const status of [400, 403, 404, 500]) {
      const exchange = await startExchange((response) => json(response, {}, status))
      const { call, refusals } = callWith(async (_, nth) => `Bearer ${nth}`)
      await thrownBy(clientOf(exchange.baseUrl).read(call, 'Patient', '1'))
      expect([status, refusals, sentTo(exchange)]).toEqual([status, [undefined], ['Bearer 1']])
    }
  })

  it('stays the same over a retry for another reason', async () => {
    const exchange = await startExchange((response, _, nth) =>
      nth === 1 ? response.destroy() : json(response, patient),
    )
    const { call } = callWith(async (_, nth) => `Bearer ${nth}`)
    await clientOf(exchange.baseUrl).read(call, 'Patient', '1')
    expect(sentTo(exchange)).toEqual(['Bearer 1', 'Bearer 1'])
  })
})

describe('a credential that is not to be had', () => {
  it('ends the question with its own error before anything is sent', async () => {
    const exchange = await taking()
    const { call } = callWith(async () => {
      throw fhirMcpError('TOKEN_INVALID')
    })
    const invalid = { code: 'FHIR_MCP_TOKEN_INVALID' }
    expect(await thrownBy(clientOf(exchange.baseUrl).read(call, 'Patient', '1'))).toMatchObject(invalid)
    const api = createApiReader(fhirOf({ baseUrl: exchange.baseUrl, credentials: 'none' }))
    expect(await thrownBy(api.get(call, 'studies'))).toMatchObject(invalid)
    await api.close()
    expect(exchange.arrivals).toEqual([])
  })

  it('ends the question the second time too', async () => {
    const exchange = await taking()
    const { call } = callWith(async (refused) => {
      if (refused !== undefined) throw fhirMcpError('ISSUER_UNAVAILABLE')
      return 'Bearer old'
    })
    expect(await thrownBy(clientOf(exchange.baseUrl).read(call, 'Patient', '1'))).toMatchObject({
      code: 'FHIR_MCP_ISSUER_UNAVAILABLE',
    })
    expect(sentTo(exchange)).toEqual(['Bearer old'])
  })

  it('is waited for no longer than for the exchange itself, and not at all for a caller who has gone', async () => {
    const exchange = await taking()
    const never: Credential = {
      identity: 'test',
      authorization: (signal) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    }
    const client = clientOf(exchange.baseUrl, { timeout: 30 })
    const late = client.read({ ...callOf(), credential: never }, 'Patient', '1')
    expect(await thrownBy(late)).toMatchObject({ code: 'FHIR_MCP_EXCHANGE_TIMEOUT' })
    const gone = new AbortController()
    const left = client.read({ ...callOf(undefined, gone.signal), credential: never }, 'Patient', '1')
    gone.abort(new Error('gone'))
    expect(await thrownBy(left)).toMatchObject({ message: 'gone' })
    expect(exchange.arrivals).toEqual([])
  })
})
