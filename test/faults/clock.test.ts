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

describe('a token about to expire', () => {
  const status = async (origin: string, token: string) => {
    const response = await fetch(`${origin}/mcp`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: 'get_patient_demographics', arguments: { patient_id: 'pat-2' } },
      }),
    })
    const text = await response.text()
    expect(text.includes('TOKEN_EXPIRED')).toBe(response.status === 401)
    return [response.status, response.headers.get('www-authenticate')?.includes('invalid_token')]
  }

  it('is accepted or refused with 401, and never answered with an error that clients do not refresh on', async () => {
    const gateway = await setting.gateway({ auth: { clockTolerance: 5 } })
    const token = await setting.token()
    expect(await status(gateway.origin, token)).toEqual([200, undefined])
    step(600)
    for (const _ of [0, 1, 2, 3, 4]) {
      expect(await status(gateway.origin, token)).toEqual([200, undefined])
      step(1)
    }
    expect(await status(gateway.origin, token)).toEqual([401, true])
  })

  it('is refused with 401 too where only its claims are too old', async () => {
    const gateway = await setting.gateway({ auth: { maxClaimsAge: 60 } })
    const token = await setting.token()
    expect(await status(gateway.origin, token)).toEqual([200, undefined])
    step(61)
    expect(await status(gateway.origin, token)).toEqual([401, true])
  })

  it('has its call run on when it expires while the exchange is asked', async () => {
    const gateway = await setting.gateway()
    const client = await gateway.connect('http', await setting.token())
    let asked = () => {}
    const arrived = new Promise<void>((resolve) => {
      asked = resolve
    })
    let answer = () => {}
    const until = new Promise<void>((resolve) => {
      answer = resolve
    })
    setting.exchange.misbehave(() => {
      asked()
      return { kind: 'hold', until }
    })
    const calling = ask(client)
    await arrived
    step(hour)
    answer()
    expect(codeOf(await calling)).toBeUndefined()
    setting.exchange.misbehave(() => undefined)
    expect(await refusedWith(ask(client))).toBe('TOKEN_EXPIRED')
  })
})

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
