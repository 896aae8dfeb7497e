import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { isAllowedRedirect, redirectIdentity } from '../../src/broker/client-policy.ts'
import { errorModel } from '../../src/broker/failure.ts'
import { createGuardedFetch } from '../../src/broker/guarded-fetch.ts'
import { parseBrokerOptions } from '../../src/broker/options.ts'
import { isPublicAddress } from '../../src/broker/public-address.ts'
import { createQueue } from '../../src/broker/queue.ts'
import { completeScope } from '../../src/broker/scopes.ts'
import { readSigningKeys } from '../../src/broker/signing-keys.ts'
import { createMemoryStorage } from '../../src/broker/storage-memory.ts'
import { errorCatalog, fhirMcpError } from '../../src/errors.ts'
import { cookieIn, cookieLine, withoutCookie } from '../../src/pages/cookies.ts'
import { createSeal } from '../../src/seal.ts'
import { documentOf, startDocumentHost } from './document-host.ts'
import { brokerOptions, signingKey } from './setting.ts'

describe('an address', () => {
  it.each([
    '127.0.0.1',
    '127.255.255.254',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '198.18.0.1',
    '192.0.2.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '64:ff9b::7f00:1',
    'fc00::1',
    'fd12::1',
    'fe80::1',
    'ff02::1',
    '2001:db8::1',
    '2001::1',
    '2002:7f00:1::',
    'localhost',
    '',
  ])('%s is not of the public internet', (address) => {
    expect(isPublicAddress(address)).toBe(false)
  })

  it.each(['8.8.8.8', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '2a00:1450::1'])('%s is', (address) => {
    expect(isPublicAddress(address)).toBe(true)
  })
})

describe('the guarded fetch', () => {
  it('reads what is allowed, and nothing by http, with credentials, too large, or from one address of several', async () => {
    const host = await startDocumentHost()
    const url = `${host.origin}/a`
    host.documents.set('/a', documentOf(url))
    const fetched = createGuardedFetch(host.access, 5120)
    expect(await (await fetched(url)).text()).toBe(documentOf(url))
    expect((await fetched(`${host.origin}/missing`)).status).toBe(502)
    host.redirects.set('/b', url)
    expect((await fetched(`${host.origin}/b`)).status).toBe(502)
    host.documents.set('/c', 'x'.repeat(6000))
    await expect(fetched(`${host.origin}/c`)).rejects.toThrow()
    await expect(fetched(url.replace('https:', 'http:'))).rejects.toThrow(TypeError)
    await expect(fetched(url.replace('//', '//user:password@'))).rejects.toThrow(TypeError)
    const mixed = createGuardedFetch(
      {
        ...host.access,
        resolve: (_, answered) =>
          answered(null, [
            { address: '127.0.0.1', family: 4 },
            { address: '10.0.0.1', family: 4 },
          ]),
      },
      5120,
    )
    await expect(mixed(url)).rejects.toThrow()
    const unknown = createGuardedFetch({ ...host.access, resolve: (_, answered) => answered(null, []) }, 5120)
    await expect(unknown(url)).rejects.toThrow()
    expect(host.requests).toEqual(['/a', '/missing', '/b', '/c'])
    await host.close()
  })
})

describe('a seal', () => {
  const keys = [1, 2].map(() => randomBytes(32).toString('base64url'))

  it('opens what it sealed, at its place alone', async () => {
    const seal = createSeal(keys)
    const sealed = await seal.seal('here', 'a secret')
    expect(sealed).not.toContain('a secret')
    expect(await seal.open('here', sealed)).toBe('a secret')
    expect(await seal.open('there', sealed)).toBeUndefined()
    expect(await seal.open('here', `${sealed.slice(0, -4)}AAAA`)).toBeUndefined()
    expect(await seal.open('here', 'nothing')).toBeUndefined()
  })

  it('opens with older keys, as long as they are given', async () => {
    const [older = '', newer = ''] = keys
    const sealed = await createSeal([older]).seal('here', 'a secret')
    expect(await createSeal([newer, older]).open('here', sealed)).toBe('a secret')
    expect(await createSeal([newer]).open('here', sealed)).toBeUndefined()
  })

  it.each([[[]], [['short']], [['not base64url!']], [[randomBytes(16).toString('base64url')]]])(
    'is not made with the keys %s',
    (wrong) => {
      expect(() => createSeal(wrong)).toThrow(expect.objectContaining({ code: 'FHIR_MCP_CONFIG' }))
    },
  )
})

describe('the storage in memory', () => {
  it('keeps for its time, and gives to one who takes', async () => {
    let now = 0
    const storage = createMemoryStorage({ passing: 10, lasting: 10 }, () => now)
    await storage.set('Grant', 'a', 'x', 10)
    expect(await storage.get('Grant', 'a')).toBe('x')
    expect(await storage.get('Holding', 'a')).toBeUndefined()
    now = 10_000
    expect(await storage.get('Grant', 'a')).toBeUndefined()
    await storage.set('SignIn', 'b', 'y', 10)
    expect(await Promise.all([storage.take('SignIn', 'b'), storage.take('SignIn', 'b')])).toEqual([
      'y',
      undefined,
    ])
    await storage.set('Grant', 'c', 'z', 10)
    await storage.remove('Grant', 'c')
    expect(await storage.get('Grant', 'c')).toBeUndefined()
    await storage.close()
  })

  it('is claimed by the first, until the time is over', async () => {
    let now = 0
    const storage = createMemoryStorage({ passing: 10, lasting: 10 }, () => now)
    expect(await storage.claim('Consumed', 'a', 5)).toBe(true)
    expect(await storage.claim('Consumed', 'a', 5)).toBe(false)
    now = 5000
    expect(await storage.claim('Consumed', 'a', 5)).toBe(true)
  })

  it('is bounded for each area, so that sign-ins that were begun push out no grant', async () => {
    const storage = createMemoryStorage({ passing: 3, lasting: 3 }, () => 0)
    await storage.set('Grant', 'a', 'x', 10)
    for (let n = 0; n < 100; n += 1) await storage.set('Interaction', String(n), 'y', 10)
    expect(await storage.get('Grant', 'a')).toBe('x')
    expect(await storage.get('Interaction', '0')).toBeUndefined()
  })

  it('runs work one at a time for each name, also after one has failed', async () => {
    const queue = createQueue()
    const order: string[] = []
    const work = (name: string) => async () => {
      order.push(`${name} begins`)
      await Promise.resolve()
      order.push(`${name} ends`)
      if (name === 'one') throw new Error('one')
    }
    const [one] = await Promise.allSettled([queue('a', work('one')), queue('a', work('two'))])
    expect(one?.status).toBe('rejected')
    expect(order).toEqual(['one begins', 'one ends', 'two begins', 'two ends'])
  })
})

describe('options of the broker', () => {
  it.each([
    ['no publicUrl', { publicUrl: undefined }, 'publicUrl is required'],
    [
      'http beyond loopback',
      { publicUrl: 'http://gateway.example' },
      'publicUrl must be an https URL (http on loopback alone)',
    ],
    [
      'an upstream by http',
      { upstream: { issuer: 'http://idp.example', clientId: 'c' } },
      'upstream.issuer must be an https',
    ],
    [
      'an upstream scope without openid',
      { upstream: { issuer: 'https://i.example', clientId: 'c', scope: 'email' } },
      'upstream.scope',
    ],
    [
      'the source introspection alone',
      { claims: { sources: ['introspection' as const] } },
      'claims.introspection is required',
    ],
    [
      'the source exchange alone',
      { claims: { sources: ['exchange' as const] } },
      'claims.apiUrl is required',
    ],
    ['a short cookie secret', { cookieSecrets: ['short'] }, 'cookieSecrets'],
    ['no key', { keys: [] }, 'keys'],
    ['a storage that is none', { storage: 'disk' as never }, 'storage'],
    ['an option that there is not', { colour: 'red' } as object, 'colour is not an option'],
  ])('with %s throw CONFIG that says so', async (_, changes, words) => {
    const options = { ...(await brokerOptions('https://gateway.example', 'https://idp.example')), ...changes }
    const parse = () => parseBrokerOptions(options)
    expect(parse).toThrow(expect.objectContaining({ code: 'FHIR_MCP_CONFIG' }))
    expect(parse).toThrow(words)
    expect(parse).not.toThrow(/the-secret/)
  })

  it('have defaults for the rest', async () => {
    const settings = parseBrokerOptions(await brokerOptions('https://gateway.example', 'https://idp.example'))
    expect(settings).toMatchObject({ path: '/oauth', accessTokenLifetime: 600, storage: 'memory' })
    expect(settings.registration).toMatchObject({ dynamic: true, documents: true })
  })

  it('take keys that can sign, each with a kid of its own', async () => {
    const [one, two] = [await signingKey('ES256', 'one'), await signingKey('RS256', 'two')]
    const { current, published } = await readSigningKeys([one, two])
    expect(current).toEqual({ alg: 'ES256', kid: 'one' })
    expect(published.keys.map(({ kid }) => kid)).toEqual(['one', 'two'])
    expect(JSON.stringify(published)).not.toContain(one.d)
    const config = { code: 'FHIR_MCP_CONFIG' }
    await expect(readSigningKeys([one, { ...two, kid: 'one' }])).rejects.toMatchObject(config)
    await expect(readSigningKeys([{ ...one, d: 'nothing' }])).rejects.toMatchObject(config)
    await expect(readSigningKeys([])).rejects.toMatchObject(config)
  })
})

describe('small parts', () => {
  it('compare loopback redirects without their port', () => {
    expect(redirectIdentity('http://127.0.0.1:1/cb')).toBe(redirectIdentity('http://127.0.0.1:2/cb'))
    expect(redirectIdentity('https://a.example:1/cb')).not.toBe(redirectIdentity('https://a.example:2/cb'))
    expect(isAllowedRedirect('https://a.example/ b')).toBe(false)
  })

  it('read, leave out and write cookies', () => {
    expect(cookieIn('a=1; b=2=3', 'b')).toBe('2=3')
    expect(cookieIn(undefined, 'b')).toBeUndefined()
    expect(withoutCookie('s=1; s.sig=2; t=3', 's')).toBe('t=3')
    const cookie = { name: 'n', value: 'v' }
    expect(cookieLine(cookie, { path: '/p', secure: true, seconds: 5 })).toBe(
      'n=v; Path=/p; Max-Age=5; HttpOnly; SameSite=Lax; Secure',
    )
  })

  it('complete a scope that names no data', () => {
    const all = 'user/Patient.rs user/Observation.rs user/ResearchStudy.rs'
    expect(completeScope(null)).toBe(all)
    expect(completeScope('openid')).toBe(`openid ${all}`)
    expect(completeScope('openid user/Patient.rs')).toBe('openid user/Patient.rs')
  })

  it('tell a person of a failure with a code of the catalog, and with nothing of what was thrown', () => {
    const codes = Object.keys(errorCatalog).map((name) => `FHIR_MCP_${name}`)
    for (const error of ['server_error', 'invalid_client', 'invalid_redirect_uri', 'invalid_request']) {
      const model = errorModel(error, new Error('a secret'))
      expect(codes).toContain(model.code)
      expect(JSON.stringify(model)).not.toContain('a secret')
    }
    expect(errorModel('', fhirMcpError('EXCHANGE_UNAVAILABLE', { detail: 'x' })).code).toBe(
      'FHIR_MCP_EXCHANGE_UNAVAILABLE',
    )
  })
})
