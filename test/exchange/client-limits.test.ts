import { brotliCompressSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { stopTimers } from '../hand-clock.ts'
import { callOf, clientOf, json, patient, startExchange, thrownBy } from './loopback.ts'

const timeout = { code: 'FHIR_MCP_EXCHANGE_TIMEOUT' }
const rejected = { code: 'FHIR_MCP_EXCHANGE_REJECTED' }
const tooLarge = { ...rejected, detail: 'Its answer is larger than fhir.maxResponseBytes.' }

/** A patient of this many bytes as JSON. */
function patientOf(bytes: number): string {
  const frame = JSON.stringify({ ...patient, text: '' })
  return JSON.stringify({ ...patient, text: 'x'.repeat(bytes - frame.length) })
}

describe('the timeout', () => {
  it('ends a request without an answer, once, and closes its connection', async () => {
    let closed = false
    const pass = stopTimers()
    const exchange = await startExchange((response) => {
      response.on('close', () => {
        closed = true
      })
      pass(100)
    })
    const call = callOf()
    const client = clientOf(exchange.baseUrl, { timeout: 100 })
    await expect(client.read(call, 'Patient', '1')).rejects.toMatchObject(timeout)
    expect(call.requests()).toBe(1)
    await expect.poll(() => closed).toBe(true)
  })

  it('ends an answer whose body never ends', async () => {
    const pass = stopTimers()
    const exchange = await startExchange((response) => {
      response.write('{"resourceType":"Patient",')
      const drip = setInterval(() => {
        response.write(' ')
        pass(50)
      }, 10)
      response.on('close', () => clearInterval(drip))
    })
    const client = clientOf(exchange.baseUrl, { timeout: 150 })
    await expect(client.read(callOf(), 'Patient', '1')).rejects.toMatchObject(timeout)
  })

  it('counts the wait for a connection, and a request that never got one is not counted', async () => {
    const pass = stopTimers()
    const exchange = await startExchange(() => pass(100))
    const client = clientOf(exchange.baseUrl, { timeout: 100, connections: 1 })
    const calls = [callOf(), callOf()]
    const errors = await Promise.all(calls.map((call) => thrownBy(client.read(call, 'Patient', '1'))))
    for (const error of errors) expect(error).toMatchObject(timeout)
    expect(calls.map((call) => call.requests())).toEqual([1, 0])
  })
})

describe("the caller's abort", () => {
  it('throws its own reason and closes the connection to the exchange', async () => {
    const caller = new AbortController()
    const reason = new Error('the client went away')
    let closed = false
    const exchange = await startExchange((response) => {
      response.on('close', () => {
        closed = true
      })
      caller.abort(reason)
    })
    const call = callOf(undefined, caller.signal)
    expect(await thrownBy(clientOf(exchange.baseUrl).read(call, 'Patient', '1'))).toBe(reason)
    await expect.poll(() => closed).toBe(true)
    expect(call.requests()).toBe(1)
  })

  it('ends a body in the middle', async () => {
    const caller = new AbortController()
    const reason = new Error('the client went away')
    let closed = false
    const exchange = await startExchange((response) => {
      response.on('close', () => {
        closed = true
      })
      response.write('{"resourceType":', () => caller.abort(reason))
    })
    const call = callOf(undefined, caller.signal)
    expect(await thrownBy(clientOf(exchange.baseUrl).read(call, 'Patient', '1'))).toBe(reason)
    await expect.poll(() => closed).toBe(true)
  })

  it('before the call sends nothing', async () => {
    const exchange = await startExchange((response) => json(response, patient))
    const call = callOf(undefined, AbortSignal.abort('gone'))
    expect(await thrownBy(clientOf(exchange.baseUrl).read(call, 'Patient', '1'))).toBe('gone')
    expect([call.requests(), exchange.arrivals.length]).toEqual([0, 0])
  })

  it('leaves other calls alone', async () => {
    const caller = new AbortController()
    const exchange = await startExchange((response, { url }) => {
      if (url.endsWith('/2')) caller.abort(new Error('gone'))
      else setTimeout(() => json(response, patient), 20)
    })
    const client = clientOf(exchange.baseUrl)
    const stays = client.read(callOf(), 'Patient', '1')
    await thrownBy(client.read(callOf(undefined, caller.signal), 'Patient', '2'))
    expect(await stays).toEqual(patient)
  })
})

describe('the size limit', () => {
  const maxResponseBytes = 20_000

  it.each([
    ['with its length', true],
    ['in chunks', false],
  ])('takes an answer %s up to the limit and rejects one byte more', async (_, withLength) => {
    const exchange = await startExchange((response, { url }) => {
      const body = patientOf(url.endsWith('?over=1') ? maxResponseBytes + 1 : maxResponseBytes)
      if (withLength) response.setHeader('content-length', body.length)
      response.write(body)
      response.end()
    })
    const client = clientOf(exchange.baseUrl, { maxResponseBytes })
    expect(await client.read(callOf(), 'Patient', '1')).toMatchObject(patient)
    const call = callOf()
    await expect(client.page(call, 'Patient?over=1')).rejects.toMatchObject(tooLarge)
    expect(call.requests()).toBe(1)
  })

  it('holds for errors of the exchange too', async () => {
    const exchange = await startExchange((response) =>
      response.writeHead(400, { 'content-encoding': 'gzip' }).end(gzipSync(patientOf(maxResponseBytes + 1))),
    )
    const client = clientOf(exchange.baseUrl, { maxResponseBytes })
    await expect(client.read(callOf(), 'Patient', '1')).rejects.toMatchObject(tooLarge)
  })

  it('takes a packed answer up to the limit, unpacked', async () => {
    const exchange = await startExchange((response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(patientOf(maxResponseBytes))),
    )
    const client = clientOf(exchange.baseUrl, { maxResponseBytes })
    expect(await client.read(callOf(), 'Patient', '1')).toMatchObject(patient)
  })

  it.each([1, 200_000_000])(
    'rejects a packed answer that unpacks to %i bytes past the limit',
    async (over) => {
      const bomb = gzipSync(Buffer.alloc(maxResponseBytes + over, ' '))
      const exchange = await startExchange((response) =>
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
      )
      const client = clientOf(exchange.baseUrl, { maxResponseBytes: Math.max(maxResponseBytes, bomb.length) })
      const before = process.memoryUsage().arrayBuffers
      await expect(client.read(callOf(), 'Patient', '1')).rejects.toMatchObject(tooLarge)
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50_000_000)
    },
  )

  it.each([
    ['a gzip body that is cut off', 'gzip', gzipSync(patientOf(5000)).subarray(0, -12)],
    ['a gzip body that is none', 'gzip', Buffer.from(patientOf(5000))],
    ['Brotli', 'br', brotliCompressSync(patientOf(5000))],
    ['several packings', 'gzip, gzip', gzipSync(gzipSync(patientOf(5000)))],
  ])('rejects %s', async (_, encoding, body) => {
    const exchange = await startExchange((response) =>
      response.writeHead(200, { 'content-encoding': encoding }).end(body),
    )
    const call = callOf()
    await expect(clientOf(exchange.baseUrl).read(call, 'Patient', '1')).rejects.toMatchObject(rejected)
  })

  it.each(['identity', ''])('takes an answer that is packed as %j', async (encoding) => {
    const exchange = await startExchange((response) =>
      response.writeHead(200, { 'content-encoding': encoding }).end(patientOf(100)),
    )
    expect(await clientOf(exchange.baseUrl).read(callOf(), 'Patient', '1')).toMatchObject(patient)
  })

  it('takes an older name of gzip, and no body at all for what it is', async () => {
    const exchange = await startExchange((response, _, nth) =>
      response
        .writeHead(200, { 'content-encoding': 'x-gzip' })
        .end(nth === 1 ? gzipSync(patientOf(100)) : ''),
    )
    const client = clientOf(exchange.baseUrl)
    expect(await client.read(callOf(), 'Patient', '1')).toMatchObject(patient)
    await expect(client.read(callOf(), 'Patient', '1')).rejects.toMatchObject(rejected)
  })

  it('drops what is unpacked after the caller has gone', async () => {
    const caller = new AbortController()
    const exchange = await startExchange((response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' })
      response.end(gzipSync(patientOf(5_000_000)))
      response.on('finish', () => caller.abort(new Error('gone')))
    })
    const reading = clientOf(exchange.baseUrl).read(callOf(undefined, caller.signal), 'Patient', '1')
    expect(await thrownBy(reading)).toMatchObject({ message: 'gone' })
  })
})
