import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Fault } from '../../src/test-kit/fault.ts'
import type { Called, TestClient } from '../e2e/clients.ts'
import type { Gateway } from '../e2e/gateway.ts'
import { stopTimers } from '../hand-clock.ts'
import { patience } from '../patience.ts'
import { codeOf, connections, type Setting, startSetting } from './setting.ts'

let setting: Setting

beforeEach(async () => {
  setting = await startSetting()
})
afterEach(() => setting.close())

const demographics = (client: TestClient, patient = 'pat-2') =>
  client.call('get_patient_demographics', { patient_id: patient })

/** Something of a patient of the cohort that a failed call must not show. */
function expectNothing({ text, structured }: Called): void {
  expect(`${text}${JSON.stringify(structured)}`).not.toMatch(/birthDate|MRN|"Patient"|127\.0\.0\.1/)
  expect(structured.resourceType).toBe('OperationOutcome')
}

const never = new Promise<never>(() => undefined)

interface Trouble {
  readonly name: string
  readonly code: string
  readonly fault?: Fault
  /** What the client is told of when to come back. */
  readonly comeBack?: string
  /** How long the gateway waits, by a clock that goes on only where the exchange does not answer. */
  readonly timeout?: number
}

const troubles: readonly Trouble[] = [
  { name: 'is down', code: 'EXCHANGE_UNAVAILABLE' },
  {
    name: 'does not answer in time',
    code: 'EXCHANGE_TIMEOUT',
    fault: { kind: 'hold', until: never },
    timeout: 1000,
    // A patient has nothing that could be asked for less.
    comeBack: 'The exchange took too long.\nTry again later.',
  },
  { name: 'resets every connection', code: 'EXCHANGE_UNAVAILABLE', fault: { kind: 'reset' } },
  {
    name: 'answers 429 with Retry-After',
    code: 'RATE_LIMITED',
    fault: { kind: 'status', status: 429, retryAfter: '30' },
    comeBack: 'The exchange says so, not this server.\nTry again in 30 s.',
  },
  { name: 'answers 500', code: 'EXCHANGE_UNAVAILABLE', fault: { kind: 'status', status: 500 } },
  {
    name: 'answers 503 with Retry-After',
    code: 'EXCHANGE_UNAVAILABLE',
    fault: { kind: 'status', status: 503, retryAfter: '120' },
    comeBack: 'Try again in 120 s.',
  },
  { name: 'answers 504 each time', code: 'EXCHANGE_UNAVAILABLE', fault: { kind: 'status', status: 504 } },
  { name: 'gives half answers', code: 'EXCHANGE_UNAVAILABLE', fault: { kind: 'cut' } },
  { name: 'shows the page of another server', code: 'EXCHANGE_REJECTED', fault: { kind: 'html' } },
]

async function begin({ fault, timeout }: Trouble): Promise<void> {
  if (fault === undefined) return setting.toExchange.cut()
  const pass = timeout === undefined ? undefined : stopTimers()
  setting.exchange.misbehave(() => {
    setImmediate(() => pass?.(timeout ?? 0))
    return fault
  })
}

async function end({ fault }: Trouble): Promise<void> {
  if (fault === undefined) await setting.toExchange.mend()
  else setting.exchange.misbehave(undefined)
}

describe.each(troubles)('an exchange that $name', (trouble) => {
  let gateway: Gateway

  beforeEach(async () => {
    gateway = await setting.gateway(trouble)
  })

  it.each(['http', 'http-2026', 'sse'] as const)(
    'over %s, answers with the promised code and nothing else, and as before once it is well',
    async (by) => {
      const client = await gateway.connect(by, await setting.token())
      const before = await demographics(client)
      expect(codeOf(before)).toBeUndefined()

      await begin(trouble)
      const during = await demographics(client)
      expect(codeOf(during)).toBe(trouble.code)
      expect(during.text).toContain(trouble.comeBack ?? '')
      expectNothing(during)
      await end(trouble)

      const after = await demographics(client)
      expect(withoutTime(after)).toEqual(withoutTime(before))
      expect(setting.toExchange.open).toBeLessThanOrEqual(connections)
    },
  )

  it('from the start lets nobody through, and the same gateway answers once it is well', async () => {
    const client = await gateway.connect('http', await setting.token())
    await begin(trouble)
    const allowed = await demographics(client)
    expect(codeOf(allowed)).toBe(trouble.code)
    expectNothing(allowed)
    const foreign = await demographics(client, 'pat-9')
    expect(codeOf(foreign)).toBe(trouble.code)
    expectNothing(foreign)
    const elsewhere = await client.call('get_study_metadata', { study_id: 'study-b' })
    expect(codeOf(elsewhere)).toBe('FORBIDDEN')
    await end(trouble)
    expect(codeOf(await demographics(client))).toBeUndefined()
    expect(codeOf(await demographics(client, 'pat-9'))).toBe('FORBIDDEN')
  })

  it('beneath fifty calls at once keeps no connection beyond its pool, and no work that goes on', async () => {
    const client = await gateway.connect('http', await setting.token())
    await demographics(client)
    await begin(trouble)
    const during = await Promise.all(Array.from({ length: 50 }, () => demographics(client)))
    expect(during.map(codeOf)).toEqual(during.map(() => trouble.code))
    await end(trouble)
    const after = await Promise.all(Array.from({ length: 50 }, () => demographics(client)))
    expect(after.map(codeOf)).toEqual(after.map(() => undefined))
    expect(setting.toExchange.open).toBeLessThanOrEqual(connections)
    await gateway.close()
    await vi.waitFor(() => expect(setting.toExchange.open).toBe(0), patience)
  })
})

function withoutTime({ structured, text }: Called) {
  const time = /\d{4}-\d\d-\d\dT[\d:.]+Z/g
  return [JSON.stringify(structured).replaceAll(time, 't'), text.replaceAll(time, 't')]
}

describe('an exchange that comes and goes', () => {
  it('gives right answers or none: never a part, never somebody else’s', async () => {
    const gateway = await setting.gateway()
    const clients = [
      await gateway.connect('http', await setting.token()),
      await gateway.connect('http-2026', await setting.token({ sub: 'user-2' })),
    ]
    const right = new Map<string, readonly string[]>()
    const asked = async (client: TestClient, patient: string) => ({
      patient,
      called: await demographics(client, patient),
    })
    for (const patient of ['pat-1', 'pat-2', 'pat-3']) {
      const [client] = clients
      if (client !== undefined) right.set(patient, withoutTime((await asked(client, patient)).called))
    }
    const faults: readonly (Fault | undefined)[] = [
      { kind: 'reset' },
      undefined,
      { kind: 'status', status: 503, retryAfter: '0' },
      { kind: 'cut' },
      undefined,
    ]
    let nth = 0
    setting.exchange.misbehave(() => faults[nth++ % faults.length])
    const calls = Array.from({ length: 120 }, (_, index) => {
      const client = clients[index % clients.length] as TestClient
      if (index % 30 === 29) setting.toExchange.reset()
      return asked(client, `pat-${1 + (index % 3)}`)
    })
    const ends = { right: 0, failed: 0 }
    for (const { patient, called } of await Promise.all(calls)) {
      if (called.isError) {
        expect(codeOf(called)).toBe('EXCHANGE_UNAVAILABLE')
        expectNothing(called)
        ends.failed += 1
      } else {
        expect(withoutTime(called)).toEqual(right.get(patient))
        ends.right += 1
      }
    }
    expect(ends.right).toBeGreaterThan(0)
    expect(ends.failed).toBeGreaterThan(0)
    setting.exchange.misbehave(undefined)
    const after = await Promise.all(clients.map((client) => demographics(client)))
    expect(after.map(codeOf)).toEqual([undefined, undefined])
  })

  it('in the middle of many pages gives no part of them as the whole', async () => {
    const gateway = await setting.gateway()
    const client = await gateway.connect('http', await setting.token())
    const [reading] = setting.exchange.cohort.filter(
      ({ resourceType, subject }) =>
        resourceType === 'Observation' && JSON.stringify(subject)?.includes('"Patient/pat-1"'),
    )
    for (let nth = 0; nth < 1500; nth += 1) {
      setting.exchange.cohort.push({ resourceType: 'Observation', ...reading, id: `more-${nth}` })
    }
    const read = () => client.call('summarize_patient_observations', { patient_id: 'pat-1' })
    await demographics(client, 'pat-1')
    const before = await read()
    expect(codeOf(before)).toBeUndefined()
    let nth = 0
    setting.exchange.reset()
    setting.exchange.misbehave(() => (nth++ === 0 ? undefined : { kind: 'cut' }))
    const during = await read()
    // The control: it does take more than one request.
    expect(setting.exchange.count).toBeGreaterThan(1)
    expect(codeOf(during)).toBe('EXCHANGE_UNAVAILABLE')
    expectNothing(during)
    setting.exchange.misbehave(undefined)
    expect(withoutTime(await read())).toEqual(withoutTime(before))
  })
})
