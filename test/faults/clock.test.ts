import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { AnyResource } from '../../src/fhir/types.ts'
import { permissionsClaim } from '../../src/test-kit/index.ts'
import type { TestClient } from '../e2e/clients.ts'
import { audience, codeOf, refusedWith, type Setting, startSetting } from './setting.ts'

let setting: Setting
const beginning = Date.UTC(2026, 10, 23, 12)
const hour = 3600
const step = (seconds: number) => void vi.setSystemTime(Date.now() + seconds * 1000)

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: beginning })
  setting = await startSetting()
})
afterEach(async () => {
  vi.useRealTimers()
  await setting.close()
})

const ask = (client: TestClient, patient = 'pat-2') =>
  client.call('get_patient_demographics', { patient_id: patient })

function withdraw(patient: string): void {
  const isOf = ({ resourceType, individual }: AnyResource) =>
    resourceType === 'ResearchSubject' && JSON.stringify(individual)?.includes(`"Patient/${patient}"`)
  for (const subject of setting.exchange.cohort.filter(isOf)) Object.assign(subject, { status: 'withdrawn' })
}

describe('a clock that is set forward', () => {
  it('ends tokens, and a new one is good at once', async () => {
    const gateway = await setting.gateway()
    const client = await gateway.connect('http', await setting.token())
    step(hour)
    expect(await refusedWith(ask(client))).toBe('TOKEN_EXPIRED')
    const again = await gateway.connect('http', await setting.token())
    expect(codeOf(await ask(again))).toBeUndefined()
  })

  it('has rosters read again', async () => {
    const gateway = await setting.gateway()
    const token = await setting.issuer.token(
      { aud: audience, ...permissionsClaim({ studies: ['study-a'] }) },
      { expiresIn: 2 * hour },
    )
    const client = await gateway.connect('http', token)
    expect(codeOf(await ask(client))).toBeUndefined()
    withdraw('pat-2')
    expect(codeOf(await ask(client))).toBeUndefined()
    step(61)
    expect(codeOf(await ask(client))).toBe('FORBIDDEN')
  })

  it('while the exchange is down lets nobody through on what was known', async () => {
    const gateway = await setting.gateway()
    const client = await gateway.connect('http', await setting.token())
    await ask(client)
    step(61)
    await setting.toExchange.cut()
    expect(codeOf(await ask(client))).toBe('EXCHANGE_UNAVAILABLE')
    await setting.toExchange.mend()
    expect(codeOf(await ask(client))).toBeUndefined()
  })
})

describe('a clock that is set back', () => {
  it.each([[['study-a']], [['study-a', 'study-c']]])(
    'does not make a withdrawn right work longer (%j)',
    async (studies) => {
      const gateway = await setting.gateway()
      const client = await gateway.connect('http', await setting.token(permissionsClaim({ studies })))
      expect(codeOf(await ask(client))).toBeUndefined()
      withdraw('pat-2')
      // The control: within its minute the roster is not read again.
      step(1)
      expect(codeOf(await ask(client))).toBeUndefined()
      step(-hour)
      // What was issued in the future is not valid yet, and a token of the new time sees the new roster.
      const again = await gateway.connect('http', await setting.token(permissionsClaim({ studies })))
      expect(codeOf(await ask(again))).toBe('FORBIDDEN')
      expect(codeOf(await ask(again, 'pat-1'))).toBeUndefined()
      // From then on a roster lasts its minute again.
      setting.exchange.reset()
      expect(codeOf(await ask(again, 'pat-1'))).toBeUndefined()
      expect(setting.exchange.count).toBe(1)
    },
  )

  it('does not make what introspection said last longer', async () => {
    const { issuer, toIssuer } = setting
    const { id: clientId, secret: clientSecret } = issuer.client
    const url = toIssuer.origin + new URL(issuer.introspectionUrl).pathname
    const gateway = await setting.gateway({
      auth: { sources: ['introspection'], introspection: { url, clientId, clientSecret } },
    })
    const introspection: Record<string, unknown> = {
      sub: 'user-1',
      aud: audience,
      client_id: 'somebody',
      ...permissionsClaim({ studies: ['study-a'] }),
    }
    const client = await gateway.connect('http', issuer.opaque({ introspection }))
    expect(codeOf(await ask(client))).toBeUndefined()
    introspection.active = false
    expect(codeOf(await ask(client))).toBeUndefined()
    step(-hour)
    expect(await refusedWith(ask(client))).toBe('TOKEN_INVALID')
    // Nor what was refused.
    introspection.active = true
    step(-hour)
    expect(codeOf(await ask(client))).toBeUndefined()
  })

  it('does not keep keys, nor out those who sign with new ones, for longer', async () => {
    const gateway = await setting.gateway()
    const client = await gateway.connect('http', await setting.token())
    expect(codeOf(await ask(client))).toBeUndefined()
    const old = await setting.token({ sub: 'user-2', iat: beginning / 1000 - hour - 60 })
    await setting.issuer.rotate()
    step(-hour)
    const again = await gateway.connect('http', await setting.token({ sub: 'user-3' }))
    expect(codeOf(await ask(again))).toBeUndefined()
    expect(await refusedWith(gateway.connect('http', old))).toBe('TOKEN_INVALID')
  })
})
