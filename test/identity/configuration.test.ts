import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { AuthOptions } from '../../src/config/auth.ts'
import { createIdentify } from '../../src/identity/create-identify.ts'
import { exchangeApiUrl } from '../../src/identity/exchange-api.ts'
import {
  audience,
  dependencies,
  type Issuer,
  refusal,
  type SigningKey,
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
      /auth\.audience, auth\.clients or auth\.acceptedScopes is required/,
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
  it('is nothing that anybody could set: a forged token is refused', async () => {
    vi.stubEnv('SKIP_JWT_VERIFICATION', 'true')
    vi.stubEnv('NODE_ENV', 'test')
    onTestFinished(() => void vi.unstubAllEnvs())
    const token = await issuer.accessToken()
    const [header, payload] = token.split('.')
    const identify = createIdentify(issuer.options(), dependencies())
    await expect(identify(`${header}.${payload}.Zm9yZ2Vk`, signal)).rejects.toEqual(refusal('TOKEN_INVALID'))
    await expect(identify(token, signal)).resolves.toBeDefined()
  })
})
