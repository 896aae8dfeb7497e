import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { type AnswerBytes, type CallBytes, createBytesInFlight } from '../../src/exchange/bytes-in-flight.ts'
import { stopTimers } from '../hand-clock.ts'
import { callOf, clientOf, json, patient, startExchange, thrownBy } from './loopback.ts'

const mebibyte = 1_048_576
const never = () => undefined

/** Large patients as `Patient/large`, others small; packed where the id says so. */
function exchangeOfLarge(bytes: number) {
  return startExchange((response, { url }) => {
    const id = url.split('/').at(-1) ?? ''
    if (id === 'small') return json(response, { ...patient, id })
    const body = JSON.stringify({ ...patient, id, text: 'x'.repeat(bytes) })
    if (id === 'large') return json(response, JSON.parse(body))
    const headers = { 'content-type': 'application/fhir+json', 'content-encoding': 'gzip' }
    const half = Math.floor(body.length / 2)
    const members = [gzipSync(body.slice(0, half)), gzipSync(body.slice(half))]
    response.writeHead(200, headers).end(id === 'members' ? Buffer.concat(members) : gzipSync(body))
  })
}

/** The share of a call, and whether one of its answers waits. */
function watched(bytes: CallBytes) {
  const answers: AnswerBytes[] = []
  const answer = () => {
    const one = bytes.answer()
    answers.push(one)
    return one
  }
  return { ...bytes, answer, isWaiting: () => answers.some((one) => one.isWaiting()) }
}

describe('large answers of the exchange', () => {
  it.each(['large', 'packed', 'members'])(
    'wait for one that another call still holds, and small ones do not: %s',
    async (id) => {
      const exchange = await exchangeOfLarge(3 * mebibyte)
      const client = clientOf(exchange.baseUrl)
      const inFlight = createBytesInFlight(2 * mebibyte)
      const [first, second] = [watched(inFlight.open('ada')), watched(inFlight.open('bob'))]
      await client.read({ ...callOf(), bytes: first }, 'Patient', id)
      let isThere = false
      const reading = client.read({ ...callOf(), bytes: second }, 'Patient', id).then((read) => {
        isThere = true
        return read
      })
      await expect.poll(second.isWaiting).toBe(true)
      await client.read({ ...callOf(), bytes: inFlight.open('eve') }, 'Patient', 'small')
      expect(isThere).toBe(false)
      first.end()
      expect(await reading).toMatchObject({ id })
      second.end()
    },
  )

  it('do not wait where there is no bound', async () => {
    const exchange = await exchangeOfLarge(3 * mebibyte)
    const client = clientOf(exchange.baseUrl)
    const inFlight = createBytesInFlight(0)
    for (const person of ['ada', 'bob']) {
      const bytes = inFlight.open(person)
      expect(await client.read({ ...callOf(), bytes }, 'Patient', 'packed')).toMatchObject({ id: 'packed' })
    }
  })

  it('that waited until their time was over are told so, and not that the exchange is slow', async () => {
    const exchange = await exchangeOfLarge(3 * mebibyte)
    const inFlight = createBytesInFlight(mebibyte)
    const first = clientOf(exchange.baseUrl)
    await first.read({ ...callOf(), bytes: inFlight.open('ada') }, 'Patient', 'large')
    const pass = stopTimers()
    const bytes = watched(inFlight.open('bob'))
    const reading = thrownBy(
      clientOf(exchange.baseUrl, { timeout: 100 }).read({ ...callOf(), bytes }, 'Patient', 'large'),
    )
    while (!bytes.isWaiting()) await new Promise(setImmediate)
    pass(100)
    expect(await reading).toMatchObject({ code: 'FHIR_MCP_RATE_LIMITED', retryAfter: 10 })
    expect(bytes.isWaiting()).toBe(false)
  })

  it('are let go of where the answer is none', async () => {
    const exchange = await startExchange((response) =>
      json(response, { resourceType: 'Bundle', text: 'x'.repeat(3 * mebibyte) }),
    )
    const inFlight = createBytesInFlight(mebibyte)
    const client = clientOf(exchange.baseUrl)
    for (const person of ['ada', 'bob']) {
      const bytes = inFlight.open(person)
      await expect(client.read({ ...callOf(), bytes }, 'Patient', '1')).rejects.toMatchObject({
        code: 'FHIR_MCP_EXCHANGE_REJECTED',
      })
      bytes.end()
    }
  })
})

describe('the line of those that wait', () => {
  const takes = (bytes: CallBytes, size: number, name: string, order: string[]) => {
    const answer = bytes.answer()
    if (answer.take(size * mebibyte, () => order.push(name))) order.push(name)
    return answer
  }

  it('lets a person in who holds nothing before the second call of another', () => {
    const order: string[] = []
    const inFlight = createBytesInFlight(4 * mebibyte)
    const [one, two, three] = [inFlight.open('ada'), inFlight.open('ada'), inFlight.open('ada')]
    const bob = inFlight.open('bob')
    const held = takes(one, 4, 'ada 1', order)
    const alsoHeld = takes(two, 4, 'ada 2', order)
    takes(three, 4, 'ada 3', order)
    const bobs = takes(bob, 4, 'bob', order)
    // One call may be ahead of the bound, so that there is always one that comes to its end.
    expect(order).toEqual(['ada 1', 'ada 2'])
    alsoHeld.drop()
    two.end()
    expect(order).toEqual(['ada 1', 'ada 2', 'bob'])
    held.keep()
    one.end()
    bobs.keep()
    bob.end()
    expect(order).toEqual(['ada 1', 'ada 2', 'bob', 'ada 3'])
  })

  it('never stands still: of answers that grow into each other one comes to its end', () => {
    const inFlight = createBytesInFlight(4 * mebibyte)
    const order: string[] = []
    const calls = [inFlight.open('ada'), inFlight.open('bob')]
    const answers = calls.map((call) => call.answer())
    for (const answer of answers) expect(answer.take(2 * mebibyte, never)).toBe(true)
    const [ada, bob] = answers
    expect(ada?.take(60 * mebibyte, never)).toBe(true)
    expect(bob?.take(60 * mebibyte, () => order.push('bob'))).toBe(false)
    ada?.keep()
    expect(order).toEqual([])
    calls[0]?.end()
    expect(order).toEqual(['bob'])
  })

  it('counts what a call holds until it ends, and its second large answer goes ahead with it', () => {
    const inFlight = createBytesInFlight(4 * mebibyte)
    const call = inFlight.open('ada')
    for (const _ of [1, 2]) {
      const answer = call.answer()
      expect(answer.take(60 * mebibyte, never)).toBe(true)
      answer.keep()
    }
    const other = inFlight.open('bob').answer()
    expect(other.take(2 * mebibyte, never)).toBe(false)
    call.end()
    expect(other.isWaiting()).toBe(false)
  })

  it('goes on after an answer that others share outlives the call that began it', () => {
    const inFlight = createBytesInFlight(4 * mebibyte)
    const call = inFlight.open('ada')
    const shared = call.answer()
    expect(shared.take(60 * mebibyte, never)).toBe(true)
    call.end()
    const other = inFlight.open('bob').answer()
    expect(other.take(2 * mebibyte, never)).toBe(false)
    shared.keep()
    shared.drop()
    expect(other.isWaiting()).toBe(false)
  })
})
