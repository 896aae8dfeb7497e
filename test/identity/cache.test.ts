import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { AuthOptions } from '../../src/config/auth.ts'
import { createIdentify } from '../../src/identity/create-identify.ts'
import {
  claim,
  dependencies,
  frozenClock,
  type Issuer,
  now,
  paths,
  refusal,
  type SigningKey,
  signal,
  signingKey,
  startIssuer,
} from './loopback-issuer.ts'

const token = 'ZrXvW2mJq7oC1hYt9bN5sLk3dGfE4u'
let key: SigningKey
let issuer: Issuer
let clock: ReturnType<typeof frozenClock>

beforeAll(async () => {
  key = await signingKey('ES256', 'key-1')
})
beforeEach(async () => {
  issuer = await startIssuer(key)
  clock = frozenClock()
})
afterEach(() => issuer.close())

const active = { active: true, sub: '10013', client_id: 'gateway', exp: now + 3600, jhe_permissions: claim }

function identifyOpaque(changes: Partial<AuthOptions> = {}) {
  const introspection = {
    url: issuer.origin + paths.introspection,
    clientId: 'gateway',
    clientSecret: 'secret',
  }
  const options: Partial<AuthOptions> = {
    sources: ['introspection'],
    introspection,
    clients: ['gateway'],
    ...changes,
  }
  return createIdentify(issuer.options(options), dependencies(clock))
}

describe('the cache of principals', () => {
  it('keeps what introspection said for a minute', async () => {
    issuer.on(paths.introspection, { body: active })
    const identify = identifyOpaque()
    const first = await identify(token, signal)
    clock.advance(59)
    expect(await identify(token, signal)).toBe(first)
    expect(issuer.count(paths.introspection)).toBe(1)
    clock.advance(1)
    await identify(token, signal)
    expect(issuer.count(paths.introspection)).toBe(2)
  })

  it('keeps it no longer than the token is valid', async () => {
    issuer.on(paths.introspection, { body: { ...active, exp: now + 10 } })
    const identify = identifyOpaque()
    await identify(token, signal)
    clock.advance(10)
    await identify(token, signal)
    expect(issuer.count(paths.introspection)).toBe(2)
  })

  it('keeps a JWT until it expires, with claims that do not age', async () => {
    const identify = createIdentify(issuer.options({ maxClaimsAge: 86_400 }), dependencies(clock))
    const jwt = await issuer.accessToken({ exp: now + 600 })
    const first = await identify(jwt, signal)
    clock.advance(299)
    expect(await identify(jwt, signal)).toBe(first)
    clock.advance(300)
    expect(await identify(jwt, signal)).toEqual(first)
    clock.advance(6)
    await expect(identify(jwt, signal)).rejects.toEqual(refusal('TOKEN_EXPIRED'))
  })

  it('keeps a JWT no longer than its claims may be old', async () => {
    const identify = createIdentify(issuer.options({ maxClaimsAge: 100 }), dependencies(clock))
    const jwt = await issuer.accessToken({ iat: now - 90 })
    const first = await identify(jwt, signal)
    clock.advance(9)
    expect(await identify(jwt, signal)).toBe(first)
    clock.advance(2)
    await expect(identify(jwt, signal)).rejects.toEqual(refusal('TOKEN_EXPIRED'))
  })

  it('keeps a JWT whose claims came from userinfo for a minute', async () => {
    issuer.on(paths.userinfo, { body: { sub: '10013', jhe_permissions: claim } })
    const identify = createIdentify(issuer.options({ sources: ['jwt', 'userinfo'] }), dependencies(clock))
    const jwt = await issuer.accessToken({ jhe_permissions: undefined })
    await identify(jwt, signal)
    clock.advance(59)
    await identify(jwt, signal)
    expect(issuer.count(paths.userinfo)).toBe(1)
    clock.advance(1)
    await identify(jwt, signal)
    expect(issuer.count(paths.userinfo)).toBe(2)
  })

  it('keeps a refusal for five seconds', async () => {
    issuer.on(paths.introspection, { body: { active: false } })
    const identify = identifyOpaque()
    const refused = () => expect(identify(token, signal)).rejects.toEqual(refusal('TOKEN_INVALID'))
    await refused()
    clock.advance(4)
    await refused()
    expect(issuer.count(paths.introspection)).toBe(1)
    clock.advance(1)
    await refused()
    expect(issuer.count(paths.introspection)).toBe(2)
  })

  it('does not keep that a source could not be asked', async () => {
    issuer.on(paths.introspection, { status: 503, body: {} }, { body: active })
    const identify = identifyOpaque()
    await expect(identify(token, signal)).rejects.toEqual(refusal('ISSUER_UNAVAILABLE'))
    expect((await identify(token, signal)).subject).toBe('10013')
  })

  it('tells tokens apart', async () => {
    issuer.on(paths.introspection, { body: active }, { body: { active: false } })
    const identify = identifyOpaque()
    await identify(token, signal)
    await expect(identify(`${token}x`, signal)).rejects.toEqual(refusal('TOKEN_INVALID'))
    expect((await identify(token, signal)).subject).toBe('10013')
  })

  it('is bounded, and bad tokens do not push out good ones', async () => {
    issuer.on(paths.introspection, (response, { body }) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ ...active, active: body.includes('good') }))
    })
    const identify = identifyOpaque({ cacheSize: 2 })
    for (const good of ['good-1', 'good-2']) await identify(good, signal)
    for (const bad of ['bad-1', 'bad-2', 'bad-3']) await identify(bad, signal).catch(() => undefined)
    for (const good of ['good-1', 'good-2']) await identify(good, signal)
    expect(issuer.count(paths.introspection)).toBe(5)
    await identify('good-3', signal)
    await identify('good-1', signal)
    expect(issuer.count(paths.introspection)).toBe(7)
  })

  it('holds no token in what it gives or refuses', async () => {
    issuer.on(
      paths.introspection,
      { body: active },
      { body: { active: false } },
      { status: 500, body: token },
    )
    const identify = identifyOpaque()
    expect(JSON.stringify(await identify(token, signal))).not.toContain(token)
    for (const other of [`${token}-2`, `${token}-3`]) {
      const error: unknown = await identify(other, signal).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(Error)
      expect(`${String(error)} ${JSON.stringify(error)} ${(error as Error).stack}`).not.toContain(token)
    }
  })
})

describe('one flight', () => {
  /** A promise that is kept from outside. */
  function deferred<T>() {
    let resolve: (value: T) => void = () => undefined
    const promise = new Promise<T>((keep) => {
      resolve = keep
    })
    return { promise, resolve: (value: T) => resolve(value) }
  }

  /** An introspection endpoint that waits until it is let go, and says when somebody has come. */
  function gate() {
    const arrived = deferred<void>()
    const open = deferred<Record<string, unknown>>()
    issuer.on(paths.introspection, async (response) => {
      arrived.resolve()
      const body = await open.promise
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
    return { arrived: arrived.promise, open: open.resolve }
  }

  it('serves all who come while it is under way', async () => {
    const { arrived, open } = gate()
    const identify = identifyOpaque()
    const waiting = [1, 2, 3].map(() => identify(token, signal))
    await arrived
    open(active)
    const [first, ...others] = await Promise.all(waiting)
    for (const other of others) expect(other).toBe(first)
    expect(issuer.count(paths.introspection)).toBe(1)
  })

  it('goes on when one caller leaves, the first one too', async () => {
    const { arrived, open } = gate()
    const identify = identifyOpaque()
    const leaving = new AbortController()
    const first = identify(token, leaving.signal)
    const second = identify(token, signal)
    await arrived
    leaving.abort(new Error('gone'))
    await expect(first).rejects.toThrow('gone')
    open(active)
    expect((await second).subject).toBe('10013')
    expect(issuer.count(paths.introspection)).toBe(1)
  })

  it('refuses all alike, even when everybody has left', async () => {
    const { arrived, open } = gate()
    const identify = identifyOpaque()
    const leaving = new AbortController()
    const first = identify(token, leaving.signal)
    await arrived
    leaving.abort(new Error('gone'))
    await expect(first).rejects.toThrow('gone')
    const late = identify(token, signal)
    open({ active: false })
    await expect(late).rejects.toEqual(refusal('TOKEN_INVALID'))
    expect(issuer.count(paths.introspection)).toBe(1)
  })

  it('does not start for a caller who has already left', async () => {
    const identify = identifyOpaque()
    await expect(identify(token, AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone')
    expect(issuer.seen).toHaveLength(0)
  })
})
