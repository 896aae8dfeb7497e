import { createHmac, createSecretKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import fc from 'fast-check'
import { CompactEncrypt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type ErrorName, errorCatalog } from '../../src/errors.ts'
import {
  permissionsClaim,
  startExchange,
  startIssuer,
  type TestExchange,
  type TestIssuer,
} from '../../src/test-kit/index.ts'
import { type Loopback, startLoopback } from '../identity/loopback-issuer.ts'
import { claimOffByOne, idIn, validClaim } from './claims.ts'
import { stopClock } from './clock.ts'
import { type AttackedGateway, startAttacked } from './gateway.ts'
import { attack, comesThrough } from './seed.ts'
import { audience, type Signer, startSigner } from './signer.ts'

let clock: ReturnType<typeof stopClock>
let signer: Signer
let stranger: Signer
let rsa: { readonly publicKey: KeyObject; readonly privateKey: KeyObject }
/** Where headers of tokens point to. */
let trap: Loopback
let exchange: TestExchange<unknown>
let gateway: AttackedGateway

const permitted = permissionsClaim({ studies: ['study-a'] })
const asked = { study_id: 'study-a' }

beforeAll(async () => {
  clock = stopClock()
  signer = await startSigner()
  stranger = await startSigner()
  rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  trap = await startLoopback()
  trap.on('/keys', { body: { keys: [stranger.publicKey.export({ format: 'jwk' })] } })
  exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4' })
  gateway = await startAttacked(signer, { fhir: { baseUrl: exchange.url, credentials: 'none' } })
})
afterAll(async () => {
  clock.release()
  await Promise.all([gateway.close(), exchange.close(), signer.close(), stranger.close(), trap.close()])
})

/** A token is refused by this code, and the exchange, the trap and the issuer (but for its keys) hear nothing of it. */
async function isRefused(token: string, ...expected: ErrorName[]): Promise<void> {
  exchange.reset()
  const answer = await gateway.call(token, 'get_study_metadata', asked)
  expect(expected).toContain(answer.code)
  expect(answer.status).toBe(errorCatalog[expected[0] ?? 'CONFIG'].status)
  expect(answer.body.length).toBeLessThan(600)
  expect(exchange.requests).toEqual([])
  expect(trap.seen).toEqual([])
  expect(signer.seen.every(({ path }) => path === '/jwks')).toBe(true)
  // Many unknown keys must not become many questions: the clock stands, so there is one and five more.
  expect(signer.seen.length).toBeLessThanOrEqual(6)
  expect(Object.keys(Object.prototype)).toEqual([])
}

const access = z.object({ studies: z.array(z.unknown()), organizations: z.array(z.unknown()) })
const good = (changes: Record<string, unknown> = {}) => signer.claims({ ...permitted, ...changes })
const json = (value: unknown) => JSON.stringify(value)
const encoded = (text: string | Buffer) => Buffer.from(text).toString('base64url')

describe('a token', () => {
  it('that is good lets its bearer in (control)', async () => {
    const answer = await gateway.call(signer.token(good()), 'get_study_metadata', asked)
    expect(answer.isError).toBe(false)
    expect(exchange.count).toBeGreaterThan(0)
    exchange.reset()
  })

  it('that is good is found to be so, where an attack is expected: the harness can fail', async () => {
    expect(
      await comesThrough(fc.constant(signer.token(good())), (token) => isRefused(token, 'TOKEN_INVALID'), 1),
    ).toBe(true)
    exchange.reset()
  })

  it('is worth what its valid claims say, in every way of writing them', async () => {
    await attack('tokens: control', validClaim, async (claim) => {
      const answer = await gateway.call(signer.token(good({ jhe_permissions: claim })), 'get_my_access')
      expect(answer.isError, answer.text).toBe(false)
      const { studies, organizations } = access.parse(answer.structured)
      expect(new Set(studies.map(idIn))).toEqual(new Set(claim.studies.map(idIn)))
      expect(new Set(organizations.map(idIn))).toEqual(new Set(claim.organizations.map(idIn)))
    })
  })

  it('is never verified by what its header says', async () => {
    const url = `${trap.origin}/keys`
    const injected = fc.record(
      {
        kid: fc.oneof(
          fc.constantFrom<unknown>(
            'key-1',
            url,
            '../../../dev/null',
            "' OR 1=1 --",
            '__proto__',
            '',
            5,
            null,
            ['key-1'],
          ),
          fc.string(),
        ),
        jku: fc.constantFrom<unknown>(
          url,
          [url],
          `${signer.jwksUri}#${url}`,
          `${signer.jwksUri}@${trap.origin}`,
        ),
        x5u: fc.constant(url),
        x5c: fc.constant([encoded('certificate')]),
        x5t: fc.constant('x'),
        jwk: fc.constantFrom<unknown>(
          stranger.publicKey.export({ format: 'jwk' }),
          { kty: 'oct', k: '' },
          null,
        ),
        crit: fc.constantFrom<unknown>([], ['x'], ['b64'], 'b64', null, ['alg']),
        b64: fc.boolean(),
        zip: fc.constant('DEF'),
        cty: fc.constantFrom('JWT', 'at+jwt'),
        iss: fc.constant(trap.origin),
        __proto__: fc.constant({ alg: 'none' }),
      },
      { requiredKeys: [] },
    )
    const algorithms = fc.constantFrom<unknown>(
      'EdDSA',
      'Ed25519',
      'RS256',
      'ES256',
      'PS256',
      'none',
      'None',
      '',
      null,
      0,
    )
    const forged = fc.tuple(injected, algorithms).map(([header, alg]) => {
      const head = { ...stranger.header, alg, ...header }
      return stranger.raw(json(head), json(good()))
    })
    const secrets = [
      signer.publicKey.export({ format: 'pem', type: 'spki' }),
      signer.publicKey.export({ format: 'der', type: 'spki' }),
      json(signer.publicKey.export({ format: 'jwk' })),
      Buffer.from(signer.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url'),
      'key-1',
      '',
    ]
    const shared = fc
      .tuple(fc.constantFrom('256', '384', '512'), fc.constantFrom(...secrets), injected)
      .map(([bits, secret, header]) => {
        const input = `${encoded(json({ ...signer.header, ...header, alg: `HS${bits}` }))}.${encoded(json(good()))}`
        const key = createSecretKey(Buffer.from(secret))
        return `${input}.${createHmac(`sha${bits}`, key).update(input).digest('base64url')}`
      })
    const unsigned = fc
      .tuple(
        injected,
        fc.constantFrom<unknown>('none', 'None', 'NONE', 'nOnE', '', null),
        fc.constantFrom('', 'AA', encoded('none')),
      )
      .map(
        ([header, alg, end]) =>
          `${encoded(json({ typ: 'at+jwt', ...header, alg }))}.${encoded(json(good()))}.${end}`,
      )
    const otherAlgorithm = injected.map((header) => {
      const input = `${encoded(json({ ...signer.header, ...header, alg: 'RS256' }))}.${encoded(json(good()))}`
      return `${input}.${sign('RSA-SHA256', Buffer.from(input), rsa.privateKey).toString('base64url')}`
    })
    /** By the right key, but with what nobody understands, or not as an access token. */
    const misread = fc
      .oneof(
        fc.record({
          crit: fc.constantFrom<unknown>([], ['x'], ['b64'], ['exp'], 'b64', {}),
          x: fc.constant(1),
        }),
        fc.record({ crit: fc.constant(['b64']), b64: fc.constant(false) }),
        fc.record({
          typ: fc.constantFrom<unknown>(
            'JWT',
            'jwt',
            'at',
            'at+jwt ',
            'at+jwt;x',
            'id+jwt',
            null,
            5,
            ['at+jwt'],
            '',
          ),
        }),
        fc.record({ alg: fc.constantFrom<unknown>('Ed25519', 'eddsa', 'ES256', ['EdDSA']) }),
      )
      .map((header) => signer.token(good(), header))
    await attack('tokens: headers', fc.oneof(forged, shared, unsigned, otherAlgorithm, misread), (token) =>
      isRefused(token, 'TOKEN_INVALID'),
    )
  })

  it('is refused when a bit of it is another, a part is missing, or belongs to another token', async () => {
    const token = signer.token(good())
    const other = signer.token(good({ sub: 'bob' }))
    const [header = '', payload = '', signature = ''] = token.split('.')
    const bytes = Buffer.from(signature, 'base64url')
    const flipped = (from: Buffer, bit: number) => {
      const changed = Buffer.from(from)
      const at = bit % (from.length * 8)
      changed.writeUInt8(changed.readUInt8(at >> 3) ^ (1 << (at & 7)), at >> 3)
      return encoded(changed)
    }
    const broken = fc.oneof(
      fc.nat().map((bit) => `${header}.${payload}.${flipped(bytes, bit)}`),
      fc.nat().map((bit) => `${header}.${flipped(Buffer.from(payload, 'base64url'), bit)}.${signature}`),
      fc.integer({ min: 1, max: token.length - 1 }).map((end) => token.slice(0, end)),
      fc.constantFrom(
        `${header}.${other.split('.')[1]}.${signature}`,
        `${header}.${payload}.${other.split('.')[2]}`,
        `${header}.${payload}.`,
        `.${payload}.${signature}`,
        `${token}.${signature}`,
        `${token}${signature}`,
        `${header}.${payload}.${encoded(Buffer.alloc(64))}`,
      ),
    )
    await attack('tokens: signatures', broken, (one) => isRefused(one, 'TOKEN_INVALID'))
  })

  it('is refused by each registered claim that is not as it has to be', async () => {
    const now = Math.floor(Date.now() / 1000)
    const like = (text: string) =>
      fc.constantFrom<unknown>(
        `${text}/`,
        `${text}/more`,
        ` ${text}`,
        `${text} `,
        text.toUpperCase(),
        text.slice(0, -1),
        `x${text}`,
        text.startsWith('https:') ? text.replace('https:', 'http:') : text.replace('http:', 'https:'),
        `${text}#`,
        `${text}?`,
        text.replace('.', '。'),
        `${text}\u0000`,
        [[text]],
        { [text]: true },
        '',
        '*',
        'null',
        null,
        true,
        5,
        {},
        [],
        [null],
      )
    const notNumbers = fc.constantFrom<unknown>(
      String(now + 60),
      '',
      true,
      [],
      [now + 60],
      {},
      { valueOf: now },
    )
    const wrong = fc.oneof(
      like(signer.origin).map((iss) => ({ claims: { iss }, code: 'TOKEN_INVALID' as const })),
      fc
        .constantFrom([signer.origin], [signer.origin, 'x'])
        .map((iss) => ({ claims: { iss }, code: 'TOKEN_INVALID' as const })),
      like(audience).map((aud) => ({ claims: { aud }, code: 'AUDIENCE' as const })),
      fc
        .array(like(audience), { minLength: 1, maxLength: 4 })
        .map((aud) => ({ claims: { aud }, code: 'AUDIENCE' as const })),
      fc
        .integer({ min: -(2 ** 40), max: now - 5 })
        .map((exp) => ({ claims: { exp }, code: 'TOKEN_EXPIRED' as const })),
      fc
        .oneof(notNumbers, fc.constant(null), fc.constant(undefined))
        .map((exp) => ({ claims: { exp }, code: 'TOKEN_INVALID' as const })),
      fc
        .integer({ min: now + 6, max: 2 ** 40 })
        .map((nbf) => ({ claims: { nbf }, code: 'TOKEN_INVALID' as const })),
      notNumbers.map((nbf) => ({ claims: { nbf }, code: 'TOKEN_INVALID' as const })),
      fc
        .integer({ min: now + 6, max: 2 ** 40 })
        .map((iat) => ({ claims: { iat }, code: 'TOKEN_INVALID' as const })),
      notNumbers.map((iat) => ({ claims: { iat }, code: 'TOKEN_INVALID' as const })),
      fc
        .integer({ min: -(2 ** 40), max: now - 901 })
        .map((iat) => ({ claims: { iat }, code: 'TOKEN_EXPIRED' as const })),
      fc
        .constantFrom<unknown>('', null, undefined, 5, true, [], ['ada'], {})
        .map((sub) => ({ claims: { sub }, code: 'TOKEN_INVALID' as const })),
      fc
        .constantFrom<unknown>(5, true, {}, [5], [['user/*.rs']], [{}])
        .map((scope) => ({ claims: { scope }, code: 'TOKEN_INVALID' as const })),
      fc
        .constantFrom<unknown>('', '..', 'a/b', 'Patient/pat-1', 'pat-1,pat-2', 5, true, [], ['pat-1'], {})
        .map((patient) => ({ claims: { patient }, code: 'NO_PERMISSIONS' as const })),
    )
    await attack('tokens: registered claims', wrong, ({ claims, code }) =>
      isRefused(signer.token(good(claims)), code),
    )
  })

  it('is refused when one node of its permissions is of another shape', async () => {
    await attack('tokens: permissions off by one shape', claimOffByOne, (claim) =>
      isRefused(signer.token(good({ jhe_permissions: claim })), 'NO_PERMISSIONS'),
    )
  })

  it('gets nothing out of members that are double, of prototypes, or of what is no JSON', async () => {
    const members = Object.entries(good()).map(([name, value]) => [name, json(value)] as const)
    const text = (list: readonly (readonly [string, string])[]) =>
      `{${list.map(([name, value]) => `${json(name)}:${value}`).join(',')}}`
    const without = (...names: string[]) => members.filter(([name]) => !names.includes(name))
    const hidden = fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString')
    const inherited = (name: string, inner: string) =>
      name === 'constructor' ? `{"prototype":${inner}}` : inner
    const all = json(permitted.jhe_permissions)
    const payloads = fc.oneof(
      // RFC 7519 §4: of members that are double the last one counts, and no other.
      fc.constantFrom('[]', '"x"', '{"studies":["study-a"]}', 'null').map((last) => ({
        payload: text([...members, ['jhe_permissions', last]]),
        codes: ['NO_PERMISSIONS' as const],
      })),
      fc
        .constantFrom(
          ['iss', '"http://x"', 'TOKEN_INVALID'],
          ['aud', '"x"', 'AUDIENCE'],
          ['exp', '1', 'TOKEN_EXPIRED'],
          ['sub', '5', 'TOKEN_INVALID'],
        )
        .map(([name = '', last = '', code]) => ({
          payload: text([...members, [name, last]]),
          codes: [code as ErrorName],
        })),
      fc
        .tuple(hidden, fc.constantFrom('aud', 'sub', 'iss', 'exp', 'jhe_permissions'))
        .map(([name, claim]) => {
          const value = members.find(([one]) => one === claim)?.[1] ?? all
          const inner = inherited(name, `{${json(claim)}:${value}}`)
          const codes: Record<string, ErrorName> = { aud: 'AUDIENCE', jhe_permissions: 'NO_PERMISSIONS' }
          return {
            payload: text([...without(claim), [name, inner]]),
            codes: [codes[claim] ?? 'TOKEN_INVALID'],
          }
        }),
      hidden.map((name) => ({
        payload: text([
          ...without('jhe_permissions'),
          ['jhe_permissions', `{"studies":[],${json(name)}:${inherited(name, all)}}`],
        ]),
        codes: ['NO_PERMISSIONS' as const],
      })),
      hidden.map((name) => ({
        payload: text([
          ...without('jhe_permissions'),
          [
            'jhe_permissions',
            `{"organizations":[],"studies":[{${json(name)}:${inherited(name, '{"id":"study-a"}')}}]}`,
          ],
        ]),
        codes: ['NO_PERMISSIONS' as const],
      })),
      fc
        .constantFrom(
          '',
          'null',
          '[]',
          '5',
          '"x"',
          '{',
          `[${text(members)}]`,
          `${text(members)}x`,
          text(members).slice(0, -1),
          `${'['.repeat(3000)}`,
        )
        .map((payload) => ({ payload, codes: ['TOKEN_INVALID' as const] })),
      fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => ({
        payload: Buffer.concat([Buffer.from(bytes), Buffer.from('{')]),
        codes: ['TOKEN_INVALID' as const],
      })),
    )
    await attack('tokens: payloads', payloads, ({ payload, codes }) =>
      isRefused(signer.raw(json(signer.header), payload), ...codes),
    )
  })

  it('of another form is none', async () => {
    const token = signer.token(good())
    const jwe = await new CompactEncrypt(Buffer.from(token))
      .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'JWT' })
      .encrypt(rsa.publicKey)
    const nested = signer.raw(json({ ...signer.header, cty: 'JWT' }), token)
    const [header, payload, signature] = token.split('.')
    const words = 'abcXYZ019-._~+/'
    const forms = fc.oneof(
      fc.constantFrom(
        jwe,
        nested,
        signer.raw(json({ ...signer.header, cty: 'JWT' }), json(token)),
        json({ payload, signatures: [{ protected: header, signature }] }),
        json({ payload, protected: header, signature }),
        `${token} ${token}`,
        `${token},${token}`,
        encoded(token),
        token.replaceAll('.', '..'),
      ),
      fc.string({ unit: fc.constantFrom(...words), minLength: 1, maxLength: 200 }),
      fc.integer({ min: 16_385, max: 40_000 }).map((size) => 'a'.repeat(size)),
      fc.integer({ min: 1200, max: 2000 }).map((size) =>
        signer.token(
          good({
            jhe_permissions: {
              studies: Array.from({ length: size }, (_, index) => `study-number-${index}`),
              organizations: [],
            },
          }),
        ),
      ),
      fc.integer({ min: 2, max: 5 }).map((depth) => {
        let inner = token
        for (let at = 0; at < depth; at++)
          inner = signer.token({ jwt: inner, ...(at % 2 === 0 ? {} : permitted) })
        return inner
      }),
    )
    await attack('tokens: forms', forms, (one) => isRefused(one, 'TOKEN_INVALID'))
  })

  it('with a megabyte of studies is refused before it is looked at', async () => {
    const studies = Array.from({ length: 40_000 }, (_, index) => `study-with-a-long-name-${index}`)
    const token = signer.token(good({ jhe_permissions: { studies, organizations: [] } }))
    expect(token.length).toBeGreaterThan(1_048_576)
    await isRefused(token, 'TOKEN_INVALID')
  })
})

describe('an opaque token', () => {
  let issuer: TestIssuer
  let other: AttackedGateway

  beforeAll(async () => {
    issuer = await startIssuer()
    const { url, introspectionUrl, client } = issuer
    other = await startAttacked(signer, {
      fhir: { baseUrl: exchange.url, credentials: 'none' },
      auth: {
        issuer: url,
        sources: ['introspection'],
        introspection: { url: introspectionUrl, clientId: client.id, clientSecret: client.secret },
      },
    })
  })
  afterAll(async () => {
    await other.close()
    await issuer.close()
  })

  const answered = (studies: readonly string[]) =>
    issuer.opaque({
      introspection: {
        sub: 'ada',
        aud: audience,
        exp: Math.floor(Date.now() / 1000) + 60,
        ...permissionsClaim({ studies }),
      },
    })

  it('is refused when what is said of it is over a megabyte, and taken below (control)', async () => {
    const studies = Array.from({ length: 60_000 }, (_, index) => `study-with-a-long-name-${index}`)
    expect(await other.call(answered(studies), 'get_study_count')).toMatchObject({
      status: 503,
      code: 'ISSUER_UNAVAILABLE',
    })
    expect((await other.call(answered(studies.slice(0, 20_000)), 'get_study_count')).text).toContain('20000')
    expect(exchange.requests).toEqual([])
  })
})
