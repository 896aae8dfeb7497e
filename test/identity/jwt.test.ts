import { exportJWK, exportSPKI, SignJWT, UnsecuredJWT } from 'jose'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { authSchema } from '../../src/config/auth.ts'
import { createIdentify } from '../../src/identity/create-identify.ts'
import {
  audience,
  dependencies,
  frozenClock,
  type Issuer,
  idsOf,
  jwksOf,
  now,
  paths,
  refusal,
  type SigningKey,
  sign,
  signal,
  signingKey,
  signRaw,
  startIssuer,
  startLoopback,
} from './loopback-issuer.ts'

let rsa: SigningKey
let otherRsa: SigningKey
let issuer: Issuer

beforeAll(async () => {
  rsa = await signingKey('RS256', 'key-1')
  otherRsa = await signingKey('RS256', 'key-2')
})
beforeEach(async () => {
  issuer = await startIssuer(rsa)
})
afterEach(async () => {
  vi.useRealTimers()
  await issuer.close()
})

const identifyWith = (...given: Parameters<typeof dependencies>) =>
  createIdentify(issuer.options(), dependencies(...given))

/** Identifies an access token with these changes to a good one. */
async function identify(changes: Record<string, unknown> = {}, header: Record<string, unknown> = {}) {
  return identifyWith()(await issuer.accessToken(changes, header), signal)
}

describe('a JWT access token', () => {
  it('becomes a principal with what it says', async () => {
    const principal = await identify({ scope: 'openid user/Patient.rs', patient: '40006' })
    expect(principal).toMatchObject({
      issuer: issuer.issuer,
      subject: '10013',
      client: 'gateway',
      patient: '40006',
      expiresAt: now + 3600,
      claimsAt: now - 10,
      source: 'jwt',
    })
    expect(idsOf(principal.permissions.studies)).toEqual(['30006', '30007'])
    expect(principal.permissions.organizations.get('20009')?.roles).toEqual(['member'])
    expect(principal.permissions.superuser).toBe(false)
    expect(idsOf(principal.scopes.clauses)).toEqual(['Patient'])
  })

  it.each(['RS256', 'PS256', 'ES256', 'EdDSA'])('is accepted with a signature by %s', async (alg) => {
    const key = await signingKey(alg, `key-${alg}`)
    issuer.on(paths.keys, { body: await jwksOf(key) })
    const token = await sign(key, issuer.claims(), { typ: 'at+jwt' })
    expect((await identifyWith()(token, signal)).subject).toBe('10013')
  })

  it('is refused with an algorithm that the configuration leaves out', async () => {
    const token = await issuer.accessToken()
    const es256 = issuer.options({ algorithms: ['ES256'] })
    await expect(createIdentify(es256, dependencies())(token, signal)).rejects.toEqual(
      refusal('TOKEN_INVALID'),
    )
  })

  it('cannot be configured to be symmetric or unsigned', () => {
    for (const algorithm of ['HS256', 'none', 'RS1']) {
      const given = { issuer: issuer.issuer, audience, algorithms: [algorithm] }
      expect(authSchema.safeParse(given).success).toBe(false)
    }
  })

  it('is refused without a signature (alg none)', async () => {
    const unsecured = new UnsecuredJWT(issuer.claims()).encode()
    const typed = `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${unsecured.split('.')[1]}.`
    const stripped = (await issuer.accessToken()).replace(/[^.]*$/, '')
    for (const token of [unsecured, typed, stripped]) {
      await expect(identifyWith()(token, signal)).rejects.toEqual(refusal('TOKEN_INVALID'))
    }
  })

  it('is refused when the public key was used as a shared secret (HS256)', async () => {
    const secret = new TextEncoder().encode(await exportSPKI(rsa.publicKey))
    const token = await new SignJWT(issuer.claims())
      .setProtectedHeader({ alg: 'HS256', kid: 'key-1', typ: 'at+jwt' })
      .sign(secret)
    await expect(identifyWith()(token, signal)).rejects.toEqual(refusal('TOKEN_INVALID'))
  })

  it('is refused with a signature of another key, or over other claims', async () => {
    const foreign = await sign({ ...otherRsa, kid: 'key-1' }, issuer.claims(), { typ: 'at+jwt' })
    const [header, , signature] = (await issuer.accessToken()).split('.')
    const forged = Buffer.from(JSON.stringify(issuer.claims({ sub: '10012' }))).toString('base64url')
    for (const token of [foreign, `${header}.${forged}.${signature}`]) {
      await expect(identifyWith()(token, signal)).rejects.toEqual(refusal('TOKEN_INVALID'))
    }
  })

  it('is never verified with keys that it brings or points to', async () => {
    const attacker = await startLoopback()
    const jwks = await jwksOf(otherRsa)
    attacker.on('/keys', { body: jwks })
    const url = `${attacker.origin}/keys`
    for (const header of [{ jku: url }, { x5u: url }, { jwk: jwks.keys[0] }, { jku: url, kid: 'key-1' }]) {
      const token = await sign(otherRsa, issuer.claims(), { typ: 'at+jwt', ...header })
      await expect(identifyWith()(token, signal)).rejects.toEqual(refusal('TOKEN_INVALID'))
    }
    expect(attacker.seen).toHaveLength(0)
    await attacker.close()
  })

  it('is refused with a critical header that is not understood, and with an unencoded payload', async () => {
    const header = { alg: 'RS256', kid: 'key-1', typ: 'at+jwt' }
    const payload = JSON.stringify(issuer.claims())
    const control = signRaw(rsa, header, payload)
    expect((await identifyWith()(control, signal)).subject).toBe('10013')
    for (const extra of [{ crit: ['x-own'], 'x-own': 1 }, { crit: [] }, { crit: ['b64'], b64: false }]) {
      const token = signRaw(rsa, { ...header, ...extra }, payload)
      await expect(identifyWith()(token, signal)).rejects.toEqual(refusal('TOKEN_INVALID'))
    }
  })

  it.each([
    ['of another issuer', { iss: 'https://elsewhere.example' }, 'TOKEN_INVALID'],
    ['without an issuer', { iss: undefined }, 'TOKEN_INVALID'],
    ['for somebody else', { aud: 'https://elsewhere.example' }, 'AUDIENCE'],
    ['for others only', { aud: ['https://a.example', 'https://b.example'] }, 'AUDIENCE'],
    ['for an audience that only begins like ours', { aud: `${audience}/more` }, 'AUDIENCE'],
    ['without an audience', { aud: undefined }, 'AUDIENCE'],
    ['that has expired', { exp: now - 6 }, 'TOKEN_EXPIRED'],
    ['without an expiry', { exp: undefined }, 'TOKEN_INVALID'],
    ['whose expiry is a text', { exp: String(now + 60) }, 'TOKEN_INVALID'],
    ['that is not valid yet', { nbf: now + 6 }, 'TOKEN_INVALID'],
    ['that was issued in the future', { iat: now + 6 }, 'TOKEN_INVALID'],
    ['without a subject', { sub: undefined }, 'TOKEN_INVALID'],
    ['with an empty subject', { sub: '' }, 'TOKEN_INVALID'],
    ['whose subject is a number', { sub: 10013 }, 'TOKEN_INVALID'],
  ])('is refused %s', async (_, changes, code) => {
    await expect(identify(changes)).rejects.toEqual(refusal(code))
  })

  it.each([
    ['just expired', { exp: now - 4 }],
    ['just not valid yet', { nbf: now + 4 }],
    ['just issued in the future', { iat: now + 4 }],
    ['for several audiences, ours among them', { aud: ['https://a.example', audience] }],
    ['with times that have fractions', { iat: now - 0.5, exp: now + 59.5 }],
  ])('is accepted %s, within the clock tolerance', async (_, changes) => {
    expect((await identify(changes)).subject).toBe('10013')
  })

  it('is refused when its expiry is infinite', async () => {
    const endless = JSON.stringify(issuer.claims()).replace(/"exp":\d+/, '"exp":1e999')
    const token = signRaw(rsa, { alg: 'RS256', kid: 'key-1', typ: 'at+jwt' }, endless)
    await expect(identifyWith()(token, signal)).rejects.toEqual(refusal('TOKEN_INVALID'))
  })

  it('has to hold the audience of the exchange too where it is sent on', async () => {
    const exchangeAudience = 'https://fhir.example.org'
    const both = await issuer.accessToken({ aud: [audience, exchangeAudience] })
    const ours = await issuer.accessToken()
    const identifyForwarded = identifyWith({ exchangeAudience })
    expect((await identifyForwarded(both, signal)).subject).toBe('10013')
    await expect(identifyForwarded(ours, signal)).rejects.toEqual(refusal('AUDIENCE'))
  })

  it('is accepted by any one of several configured audiences', async () => {
    const options = issuer.options({ audience: ['https://old.example', audience] })
    expect((await createIdentify(options, dependencies())(await issuer.accessToken(), signal)).subject).toBe(
      '10013',
    )
  })
})

describe('the kind of token', () => {
  it.each(['application/at+jwt', 'AT+JWT'])('is an access token by the typ %s', async (typ) => {
    expect((await identify({}, { typ })).subject).toBe('10013')
  })

  it.each([undefined, 'JWT', 'logout+jwt', 5])('is not an access token by the typ %s', async (typ) => {
    await expect(identify({}, { typ })).rejects.toEqual(refusal('TOKEN_INVALID'))
  })

  it('is configuration, but an ID token is never a bearer, whatever its audience', async () => {
    const options = issuer.options({ tokenTypes: ['JWT'], audience: 'gateway' })
    const lenient = createIdentify(options, dependencies())
    const marks = [
      { at_hash: 'x' },
      { c_hash: 'x' },
      { s_hash: 'x' },
      { nonce: 'x' },
      { token_use: 'id' },
      { typ: 'ID' },
    ]
    for (const mark of marks) {
      await expect(lenient(await issuer.idToken(mark), signal)).rejects.toEqual(refusal('TOKEN_INVALID'))
    }
    for (const access of [{}, { nonce: 'x', scope: 'openid' }, { nonce: 'x', client_id: 'gateway' }]) {
      expect((await lenient(await issuer.idToken(access), signal)).subject).toBe('10013')
    }
  })

  it('lets no ID token in, with its own typ and audience', async () => {
    await expect(identifyWith()(await issuer.idToken(), signal)).rejects.toEqual(refusal('TOKEN_INVALID'))
  })

  it.each([
    ['empty', ''],
    ['huge', 'a'.repeat(16_385)],
    ['of characters that no token has', 'abc def'],
    ['with a line break', 'abc\n'],
    ['an opaque one where none is accepted', 'ZrXvW2mJq7oC1hYt9bN5sLk3dGfE4u'],
    ['an encrypted one', 'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..aaaa.bbbb.cccc'],
    ['a header alone', 'eyJhbGciOiJSUzI1NiJ9'],
    ['something with dots', 'v2.local.token'],
  ])('is none when it is %s', async (_, token) => {
    await expect(identifyWith()(token, signal)).rejects.toEqual(refusal('TOKEN_INVALID'))
    expect(issuer.seen).toHaveLength(0)
  })

  it('is broken when a part of it is missing', async () => {
    const token = await issuer.accessToken()
    const parts = token.split('.')
    const broken = [`${parts[0]}.`, `${parts[0]}.${parts[1]}`, token.slice(0, -3), `${token}.x`]
    for (const part of broken) {
      await expect(identifyWith()(part, signal)).rejects.toEqual(refusal('TOKEN_INVALID'))
    }
  })
})

describe("the issuer's keys", () => {
  it('are read once for many tokens', async () => {
    const identify = identifyWith()
    for (const sub of ['1', '2', '3']) await identify(await issuer.accessToken({ sub }), signal)
    expect(issuer.count(paths.keys)).toBe(1)
    expect(issuer.count(paths.discovery)).toBe(1)
  })

  it('are read at a configured place without discovery', async () => {
    issuer.on('/keys', { body: await jwksOf(rsa) })
    const options = issuer.options({ jwksUri: `${issuer.origin}/keys` })
    await createIdentify(options, dependencies())(await issuer.accessToken(), signal)
    expect(issuer.seen.map(({ path }) => path)).toEqual(['/keys'])
  })

  it('are read again at once for an unknown kid, but not for a flood of them', async () => {
    const clock = frozenClock()
    const identify = identifyWith(clock)
    await identify(await issuer.accessToken(), signal)
    const unknown = async (sub: string) => sign(otherRsa, issuer.claims({ sub }), { typ: 'at+jwt' })
    for (const sub of ['1', '2', '3', '4', '5', '6', '7', '8']) {
      await expect(identify(await unknown(sub), signal)).rejects.toEqual(refusal('TOKEN_INVALID'))
    }
    expect(issuer.count(paths.keys)).toBe(6)
    clock.advance(31)
    await expect(identify(await unknown('9'), signal)).rejects.toEqual(refusal('TOKEN_INVALID'))
    expect(issuer.count(paths.keys)).toBe(7)
  })

  it('are found at once after a rotation', async () => {
    const identify = identifyWith()
    await identify(await issuer.accessToken(), signal)
    issuer.on(paths.keys, { body: await jwksOf(rsa, otherRsa) })
    const rotated = await sign(otherRsa, issuer.claims(), { typ: 'at+jwt' })
    expect((await identify(rotated, signal)).subject).toBe('10013')
  })

  it('are read again after five minutes, and a withdrawn key is refused then', async () => {
    const clock = frozenClock()
    const identify = identifyWith(clock)
    const seen = await issuer.accessToken({ sub: '1' })
    await identify(seen, signal)
    issuer.on(paths.keys, { body: await jwksOf(otherRsa) })
    clock.advance(299)
    expect((await identify(await issuer.accessToken({ sub: '2' }), signal)).subject).toBe('2')
    expect((await identify(seen, signal)).subject).toBe('1')
    clock.advance(2)
    const token = await issuer.accessToken({ sub: '3' })
    await expect(identify(token, signal)).rejects.toEqual(refusal('TOKEN_INVALID'))
    await expect(identify(seen, signal)).rejects.toEqual(refusal('TOKEN_INVALID'))
  })

  it('end a token that was seen with a key of before, as soon as others are known', async () => {
    const identify = identifyWith()
    const seen = await issuer.accessToken({ sub: '1' })
    await identify(seen, signal)
    issuer.on(paths.keys, { body: await jwksOf(otherRsa) })
    await identify(await sign(otherRsa, issuer.claims({ sub: '2' }), { typ: 'at+jwt' }), signal)
    await expect(identify(seen, signal)).rejects.toEqual(refusal('TOKEN_INVALID'))
  })

  it('that stay the same, or gain one, end no token that was seen', async () => {
    const clock = frozenClock()
    const identify = identifyWith(clock)
    const seen = await issuer.accessToken({ sub: '1' })
    const first = await identify(seen, signal)
    clock.advance(301)
    expect((await identify(seen, signal)).subject).toBe('1')
    issuer.on(paths.keys, { body: await jwksOf(rsa, otherRsa) })
    await identify(await sign(otherRsa, issuer.claims({ sub: '2' }), { typ: 'at+jwt' }), signal)
    expect((await identify(seen, signal)).permissions).toEqual(first.permissions)
  })

  it('that cannot be read again end no token that is known, until its claims are old', async () => {
    const clock = frozenClock()
    const identify = identifyWith(clock)
    const seen = await issuer.accessToken({ sub: '1' })
    await identify(seen, signal)
    issuer.on(paths.keys, { status: 500, body: {} })
    clock.advance(301)
    expect((await identify(seen, signal)).subject).toBe('1')
    expect((await identify(seen, signal)).subject).toBe('1')
    expect(issuer.count(paths.keys)).toBe(2)
    const token = await issuer.accessToken({ sub: '2' })
    await expect(identify(token, signal)).rejects.toEqual(refusal('ISSUER_UNAVAILABLE'))
    clock.advance(600)
    await expect(identify(seen, signal)).rejects.toEqual(refusal('ISSUER_UNAVAILABLE'))
  })

  it.each(['RS384', 'RS512', 'PS384', 'PS512', 'ES384', 'ES512'])(
    'may be for %s, where it is allowed, and is refused where it is not',
    async (algorithm) => {
      const key = await signingKey(algorithm, 'key-3')
      issuer.on(paths.keys, { body: await jwksOf(key) })
      const token = await sign(key, issuer.claims(), { typ: 'at+jwt' })
      await expect(identifyWith()(token, signal)).rejects.toEqual(refusal('TOKEN_INVALID'))
      const { algorithms } = authSchema.parse({ issuer: issuer.issuer, algorithms: [algorithm] })
      const allowing = createIdentify(issuer.options({ algorithms }), dependencies())
      expect((await allowing(token, signal)).subject).toBe('10013')
    },
  )

  it('are all tried where an id is double, or there are none', async () => {
    const [one, other, third] = [rsa, otherRsa, await signingKey('RS256', 'key-4')]
    const sets = [
      { kid: 'same', published: [one, other].map((key) => ({ ...key, kid: 'same' })) },
      { kid: undefined, published: [one, other].map((key) => ({ ...key, kid: undefined })) },
    ]
    for (const { kid, published } of sets) {
      const { keys } = await jwksOf(...(published as SigningKey[]))
      issuer.on(paths.keys, { body: { keys: keys.map((key) => JSON.parse(JSON.stringify(key))) } })
      const identify = identifyWith()
      for (const key of [one, other]) {
        const token = await sign(key, issuer.claims(), { typ: 'at+jwt', kid })
        expect((await identify(token, signal)).subject).toBe('10013')
      }
      const foreign = await sign(third, issuer.claims(), { typ: 'at+jwt', kid })
      await expect(identify(foreign, signal)).rejects.toEqual(refusal('TOKEN_INVALID'))
      const late = await sign(other, issuer.claims({ exp: now - 60 }), { typ: 'at+jwt', kid })
      await expect(identify(late, signal)).rejects.toEqual(refusal('TOKEN_EXPIRED'))
    }
  })

  it.each([
    ['cannot be found', { status: 404, body: {} }],
    ['are not given', { status: 500, body: {} }],
    ['are not keys', { body: { keys: 'none' } }],
    ['are not JSON', { body: '<html>', headers: { 'content-type': 'text/html' } }],
  ])('refuse every token while they %s, without naming where', async (_, answer) => {
    issuer.on(paths.keys, answer)
    await expect(identify()).rejects.toEqual(refusal('ISSUER_UNAVAILABLE'))
    await expect(identify()).rejects.toThrow("The issuer's keys could not be read.")
  })

  it('refuse every token when discovery names none', async () => {
    issuer.on(paths.discovery, { body: { issuer: issuer.issuer } })
    await expect(identify()).rejects.toEqual(refusal('ISSUER_UNAVAILABLE'))
  })

  it('are never private ones: an issuer that publishes them is not to be trusted', async () => {
    const jwk = { ...(await exportJWK(rsa.privateKey)), kid: 'key-1', alg: 'RS256' }
    issuer.on(paths.keys, { body: { keys: [jwk] } })
    await expect(identify()).rejects.toEqual(refusal('ISSUER_UNAVAILABLE'))
  })

  it('are never shared ones', async () => {
    issuer.on(paths.keys, { body: { keys: [{ kty: 'oct', k: 'c2VjcmV0', kid: 'key-1', alg: 'HS256' }] } })
    const token = await new SignJWT(issuer.claims())
      .setProtectedHeader({ alg: 'HS256', kid: 'key-1', typ: 'at+jwt' })
      .sign(new TextEncoder().encode('secret'))
    await expect(identifyWith()(token, signal)).rejects.toEqual(refusal('TOKEN_INVALID'))
  })
})
