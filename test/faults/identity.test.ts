import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { permissionsClaim } from '../../src/test-kit/index.ts'
import type { TestClient } from '../e2e/clients.ts'
import { patience } from '../patience.ts'
import { audience, codeOf, refusedWith, type Setting, startSetting } from './setting.ts'

let setting: Setting

/** The clock of the gateway and of the issuer stands still, until it is set; timers go on. */
const beginning = Date.UTC(2026, 10, 23, 12)
const step = (seconds: number) => void vi.setSystemTime(Date.now() + seconds * 1000)

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: beginning })
  setting = await startSetting()
})
afterEach(async () => {
  vi.useRealTimers()
  await setting.close()
})

const ask = (client: TestClient) => client.call('get_patient_demographics', { patient_id: 'pat-2' })

describe('keys of the issuer that cannot be read', () => {
  it.each([
    ['http', 'ISSUER_UNAVAILABLE'],
    // These clients read the status of their first answer alone.
    ['http-2026', 'HTTP 503'],
    ['sse', '(503)'],
  ] as const)(
    'at the start let nobody in over %s, and are read without a restart once they are there',
    async (by, said) => {
      await setting.toIssuer.cut()
      const gateway = await setting.gateway()
      const token = await setting.token()
      expect(await refusedWith(gateway.connect(by, token))).toContain(said)
      expect(setting.exchange.count).toBe(0)
      await setting.toIssuer.mend()
      expect(codeOf(await ask(await gateway.connect(by, token)))).toBeUndefined()
    },
  )

  it('at the start make the gateway not ready, and it is healthy all the same', async () => {
    await setting.toIssuer.cut()
    const { app } = await setting.gateway()
    const status = async (url: string) => (await app.inject({ url })).statusCode
    expect([await status('/health'), await status('/ready')]).toEqual([200, 503])
    await setting.toIssuer.mend()
    step(11)
    expect(await status('/ready')).toBe(200)
  })

  it('in the middle change nothing for five minutes; then nobody new is let in', async () => {
    const gateway = await setting.gateway()
    const known = await gateway.connect('http', await setting.token())
    await setting.toIssuer.cut()
    step(290)
    const later = await gateway.connect('http', await setting.token({ sub: 'user-2' }))
    expect([codeOf(await ask(known)), codeOf(await ask(later))]).toEqual([undefined, undefined])
    step(20)
    const late = await setting.token({ sub: 'user-3' })
    expect(await refusedWith(gateway.connect('http', late))).toBe('ISSUER_UNAVAILABLE')
    // Who was known stays so until the token expires, and no longer.
    expect(codeOf(await ask(known))).toBeUndefined()
    step(300)
    // It has expired; without keys not even that can be believed of it.
    expect(await refusedWith(ask(known))).toBe('ISSUER_UNAVAILABLE')
    await setting.toIssuer.mend()
    expect(await refusedWith(ask(known))).toBe('TOKEN_EXPIRED')
    const back = await gateway.connect('http', await setting.token({ sub: 'user-3' }))
    expect(codeOf(await ask(back))).toBeUndefined()
  })

  it('do not let in what another key has signed, down or not', async () => {
    const gateway = await setting.gateway()
    await gateway.connect('http', await setting.token())
    await setting.issuer.rotate()
    const forged = await setting.token({ sub: 'user-2' })
    await setting.toIssuer.cut()
    step(40)
    expect(await refusedWith(gateway.connect('http', forged))).toBe('ISSUER_UNAVAILABLE')
    await setting.toIssuer.mend()
    expect(codeOf(await ask(await gateway.connect('http', forged)))).toBeUndefined()
  })
})

describe('introspection that cannot be asked', () => {
  const claims = {
    sub: 'user-1',
    aud: audience,
    client_id: 'somebody',
    ...permissionsClaim({ studies: ['study-a'] }),
  }

  function introspecting() {
    const { issuer, toIssuer } = setting
    const { pathname } = new URL(issuer.introspectionUrl)
    const { id: clientId, secret: clientSecret } = issuer.client
    const introspection = { url: toIssuer.origin + pathname, clientId, clientSecret }
    return setting.gateway({ auth: { sources: ['introspection'], introspection } })
  }

  it('at the start lets nobody in, and is asked again without a restart', async () => {
    await setting.toIssuer.cut()
    const gateway = await introspecting()
    const token = setting.issuer.opaque({ introspection: claims })
    expect(await refusedWith(gateway.connect('http', token))).toBe('ISSUER_UNAVAILABLE')
    await setting.toIssuer.mend()
    expect(codeOf(await ask(await gateway.connect('http', token)))).toBeUndefined()
  })

  it('in the middle changes nothing for a minute, and lets nobody in after that', async () => {
    const gateway = await introspecting()
    const client = await gateway.connect('http', setting.issuer.opaque({ introspection: claims }))
    await setting.toIssuer.cut()
    step(59)
    expect(codeOf(await ask(client))).toBeUndefined()
    step(1)
    expect(await refusedWith(ask(client))).toBe('ISSUER_UNAVAILABLE')
    expect(await refusedWith(ask(client))).toBe('ISSUER_UNAVAILABLE')
    await setting.toIssuer.mend()
    expect(codeOf(await ask(client))).toBeUndefined()
  })
})

describe('connections to the issuer', () => {
  it('do not stay behind, whatever became of them', async () => {
    const gateway = await setting.gateway()
    for (let nth = 0; nth < 5; nth += 1) {
      await gateway.connect('http', await setting.token({ sub: `user-${nth}` }))
      await setting.issuer.rotate()
      step(31)
      setting.toIssuer.reset()
    }
    expect(setting.toIssuer.opened).toBeGreaterThan(3)
    await vi.waitFor(() => expect(setting.toIssuer.open).toBe(0), patience)
  })
})
