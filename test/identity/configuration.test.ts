import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AuthOptions } from '../../src/config/auth.ts'
import { createIdentify } from '../../src/identity/create-identify.ts'
import { exchangeApiUrl } from '../../src/identity/exchange-api.ts'
import {
  audience,
  claim,
  dependencies,
  type Issuer,
  idsOf,
  now,
  refusal,
  type SigningKey,
  sign,
  signal,
  signingKey,
  startIssuer,
} from './loopback-issuer.ts'

let key: SigningKey
let issuer: Issuer

beforeAll(async () => {
  key = await signingKey('ES256', 'key-1')
  issuer = await startIssuer(key)
})
afterAll(() => issuer.close())

const introspection = { url: 'http://127.0.0.1:1/introspect', clientId: 'gateway', clientSecret: 'secret' }

describe('the configuration of identification', () => {
  it.each<[string, Partial<AuthOptions>, RegExp]>([
    ['no audience for JWTs', { audience: undefined }, /auth\.audience is required with the source jwt/],
    ['an empty audience', { audience: '' }, /auth\.audience must not be empty/],
    ['an empty audience in a list', { audience: [audience, ''] }, /auth\.audience must not be empty/],
    [
      'neither audience nor clients',
      { audience: undefined, sources: ['introspection'], introspection },
      /auth\.audience or auth\.clients is required/,
    ],
    [
      'introspection without its settings',
      { sources: ['jwt', 'introspection'] },
      /auth\.introspection is required/,
    ],
    ['derivation without a JupyterHealth Exchange', { sources: ['exchange'] }, /JupyterHealth Exchange/],
  ])('fails at creation with %s', (_, changes, message) => {
    const create = () => createIdentify(issuer.options(changes), dependencies())
    expect(create).toThrow(refusal('CONFIG'))
    expect(create).toThrow(message)
  })

  it.each<[string, Partial<AuthOptions>]>([
    ['clients for opaque tokens', { clients: ['gateway'] }],
    ['the explicit wish to do without', { allowTokensWithoutAudience: true }],
  ])('needs no audience with %s', (_, changes) => {
    const options = issuer.options({
      audience: undefined,
      sources: ['introspection'],
      introspection,
      ...changes,
    })
    expect(() => createIdentify(options, dependencies())).not.toThrow()
  })

  it.each([
    ['http://127.0.0.1:8000/FHIR/R5', undefined, 'http://127.0.0.1:8000/api/v1'],
    ['https://example.org/jhe/FHIR', undefined, 'https://example.org/jhe/api/v1'],
    ['https://example.org/jhe/FHIR/R5/', undefined, 'https://example.org/jhe/api/v1'],
    ['https://example.org/FHIR/R5', 'https://api.example.org/v1/', 'https://api.example.org/v1'],
  ])('finds the API of the exchange beside %s', (baseUrl, apiUrl, found) => {
    expect(exchangeApiUrl({ baseUrl, apiUrl })).toBe(found)
  })
})

describe('SKIP_JWT_VERIFICATION', () => {
  const environment = { SKIP_JWT_VERIFICATION: 'true', NODE_ENV: 'test' }
  const forged = async (changes: Record<string, unknown> = {}) => {
    const [header, payload] = (await issuer.accessToken(changes)).split('.')
    return `${header}.${payload}.Zm9yZ2Vk`
  }

  it.each([undefined, 'production', 'development', 'TEST'])(
    'refuses to start when NODE_ENV is %s, and says why',
    (NODE_ENV) => {
      const create = () =>
        createIdentify(
          issuer.options(),
          dependencies({ environment: { SKIP_JWT_VERIFICATION: 'true', NODE_ENV } }),
        )
      expect(create).toThrow(refusal('CONFIG'))
      expect(create).toThrow(/honoured only when NODE_ENV=test/)
    },
  )

  it('reads a token without a look at its signature in a test, and asks nobody', async () => {
    const identify = createIdentify(issuer.options(), dependencies({ environment }))
    const before = issuer.seen.length
    const principal = await identify(await forged(), signal)
    expect(idsOf(principal.permissions.studies)).toEqual(claim.studies)
    expect(issuer.seen.length).toBe(before)
  })

  it.each([undefined, '1', 'false', 'TRUE'])('changes nothing when it is %s', async (value) => {
    const control = dependencies({ environment: { SKIP_JWT_VERIFICATION: value, NODE_ENV: 'test' } })
    const identify = createIdentify(issuer.options(), control)
    await expect(identify(await forged(), signal)).rejects.toEqual(refusal('TOKEN_INVALID'))
  })

  it.each([
    [{ exp: now - 60 }, 'TOKEN_EXPIRED'],
    [{ exp: undefined }, 'TOKEN_INVALID'],
    [{ aud: 'https://elsewhere.example' }, 'AUDIENCE'],
    [{ iss: 'https://elsewhere.example' }, 'TOKEN_INVALID'],
    [{ jhe_permissions: undefined }, 'NO_PERMISSIONS'],
    [{ jhe_permissions: { studies: ['a b'], organizations: [] } }, 'NO_PERMISSIONS'],
  ])('still refuses claims like %j', async (changes, code) => {
    const identify = createIdentify(issuer.options(), dependencies({ environment }))
    await expect(identify(await forged(changes), signal)).rejects.toEqual(refusal(code))
  })

  it('still refuses another typ', async () => {
    const identify = createIdentify(issuer.options(), dependencies({ environment }))
    const token = await sign(key, issuer.claims(), { typ: 'JWT' })
    await expect(identify(token, signal)).rejects.toEqual(refusal('TOKEN_INVALID'))
  })
})
