import { type CryptoKey, jwtVerify } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { createBackendServices } from '../../../src/exchange/credentials/backend-services.ts'
import { thrownBy } from '../loopback.ts'
import {
  type AskedToken,
  fhirOf,
  frozenClock,
  issued,
  keyPair,
  signal,
  startMs,
  startTokenEndpoint,
  type TokenAnswer,
} from './token-endpoint-double.ts'

const smartPath = '/fhir/.well-known/smart-configuration'
const rejected = { code: 'FHIR_MCP_EXCHANGE_REJECTED' }
const unavailable = { code: 'FHIR_MCP_EXCHANGE_UNAVAILABLE' }
let pem: string
let publicKey: CryptoKey

beforeAll(async () => {
  const pair = await keyPair('ES384')
  pem = pair.pem
  publicKey = pair.publicKey
})

type Answering = (asked: AskedToken, nth: number) => TokenAnswer | Promise<TokenAnswer>

async function serviceOf(
  answer: Answering = (_, nth) => issued(`own-${nth}`),
  tokenUrl?: (url: string) => string,
) {
  const clock = frozenClock()
  const endpoint = await startTokenEndpoint(answer)
  const fhir = fhirOf({
    baseUrl: `${endpoint.origin}/fhir`,
    credentials: 'backend-services',
    client: {
      id: 'our-client',
      key: pem,
      keyId: 'key-1',
      scopes: ['system/Patient.rs', 'system/Observation.rs'],
      ...(tokenUrl === undefined ? {} : { tokenUrl: tokenUrl(endpoint.url) }),
    },
  })
  return { clock, endpoint, authorization: createBackendServices(fhir, clock.now) }
}

const configured = (url: string) => url

describe('backend services', () => {
  it('get a token by client credentials and an assertion, as SMART says', async () => {
    const { endpoint, authorization } = await serviceOf(undefined, configured)
    expect(await authorization(signal)).toBe('Bearer own-1')
    const [asked] = endpoint.asked
    expect(asked?.headers.authorization).toBeUndefined()
    expect([...(asked?.form.keys() ?? [])]).toEqual([
      'grant_type',
      'scope',
      'client_assertion_type',
      'client_assertion',
    ])
    expect(asked?.form.get('grant_type')).toBe('client_credentials')
    expect(asked?.form.get('scope')).toBe('system/Patient.rs system/Observation.rs')
    const { protectedHeader } = await jwtVerify(asked?.form.get('client_assertion') ?? '', publicKey, {
      algorithms: ['ES384'],
      issuer: 'our-client',
      subject: 'our-client',
      audience: endpoint.url,
      currentDate: new Date(startMs),
    })
    expect(protectedHeader.kid).toBe('key-1')
  })

  it('keep the token until shortly before it expires, then get another', async () => {
    const { clock, endpoint, authorization } = await serviceOf(undefined, configured)
    expect(await authorization(signal)).toBe('Bearer own-1')
    clock.advance(269)
    expect(await authorization(signal)).toBe('Bearer own-1')
    clock.advance(1)
    expect(await authorization(signal)).toBe('Bearer own-2')
    const assertions = endpoint.asked.map(({ form }) => form.get('client_assertion'))
    expect(new Set(assertions).size).toBe(2)
  })

  it('count the lifetime from when the token was asked for', async () => {
    const { clock, endpoint, authorization } = await serviceOf((_, nth) => {
      if (nth === 1) clock.advance(200)
      return issued(`own-${nth}`)
    }, configured)
    await authorization(signal)
    clock.advance(70)
    expect(await authorization(signal)).toBe('Bearer own-2')
    expect(endpoint.asked).toHaveLength(2)
  })

  it('are one flight for all who wait', async () => {
    const { endpoint, authorization } = await serviceOf(undefined, configured)
    const all = await Promise.all(Array.from({ length: 40 }, () => authorization(signal)))
    expect(new Set(all)).toEqual(new Set(['Bearer own-1']))
    expect(endpoint.asked).toHaveLength(1)
  })

  it('get another token once, for however many requests that were sent with the refused one', async () => {
    const { endpoint, authorization } = await serviceOf(undefined, configured)
    const old = await authorization(signal)
    const all = await Promise.all(Array.from({ length: 40 }, () => authorization(signal, old)))
    expect(new Set(all)).toEqual(new Set(['Bearer own-2']))
    expect(await authorization(signal, old)).toBe('Bearer own-2')
    expect(endpoint.asked).toHaveLength(2)
  })

  it.each<[string, TokenAnswer, object]>([
    ['refuses the client', { status: 401, body: { error: 'invalid_client' } }, rejected],
    ['refuses the grant', { status: 400, body: { error: 'invalid_grant' } }, rejected],
    ['refuses the scopes', { status: 400, body: { error: 'invalid_scope' } }, rejected],
    ['fails', { status: 500 }, { code: 'FHIR_MCP_ISSUER_UNAVAILABLE' }],
  ])('fail in the plugin’s name where the endpoint %s, and keep no failure', async (_, failure, code) => {
    let fail = true
    const { authorization } = await serviceOf(
      (_asked, nth) => (fail ? failure : issued(`own-${nth}`)),
      configured,
    )
    expect(await thrownBy(authorization(signal))).toMatchObject(code)
    fail = false
    expect(await authorization(signal)).toBe('Bearer own-2')
  })
})

describe('the token endpoint of backend services', () => {
  it('is what the exchange names, asked for without a credential, each time a token is needed', async () => {
    let endpointPath = '/oauth/token'
    const { clock, endpoint, authorization } = await serviceOf(({ path, headers }, nth) =>
      path === smartPath
        ? { body: { token_endpoint: `http://${headers.host}${endpointPath}` } }
        : issued(`own-${nth}`),
    )
    expect(await authorization(signal)).toBe('Bearer own-2')
    expect(await authorization(signal)).toBe('Bearer own-2')
    endpointPath = '/moved/token'
    clock.advance(300)
    expect(await authorization(signal)).toBe('Bearer own-4')
    expect(endpoint.asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `GET ${smartPath}`,
      'POST /oauth/token',
      `GET ${smartPath}`,
      'POST /moved/token',
    ])
    for (const { path, headers, form } of endpoint.asked) {
      expect(headers.authorization).toBeUndefined()
      if (path === smartPath) continue
      await jwtVerify(form.get('client_assertion') ?? '', publicKey, {
        audience: `${endpoint.origin}${path}`,
        currentDate: new Date(startMs),
      })
    }
  })

  it.each<[string, TokenAnswer]>([
    ['says nothing', { status: 404 }],
    ['says no endpoint', { body: { issuer: 'https://login.example.org' } }],
    ['says something else than a URL', { body: { token_endpoint: 'login' } }],
    ['names one without TLS', { body: { token_endpoint: 'http://login.example.org/token' } }],
    ['names a file', { body: { token_endpoint: 'file:///etc/passwd' } }],
    ['names one with a password', { body: { token_endpoint: 'https://a:b@login.example.org/token' } }],
    ['sends us on', { status: 302, headers: { location: '/elsewhere' } }],
    ['answers with a page', { body: '<html>', headers: { 'content-type': 'text/html' } }],
    ['refuses', { status: 403 }],
  ])('is not found where the exchange %s: nothing is sent', async (_, answer) => {
    const { endpoint, authorization } = await serviceOf(() => answer)
    expect(await thrownBy(authorization(signal))).toMatchObject(unavailable)
    expect(endpoint.asked.map(({ path }) => path)).toEqual([smartPath])
  })

  it('is not on this machine’s loopback when an exchange elsewhere says so', async () => {
    const asked: string[] = []
    const fhir = fhirOf({
      baseUrl: 'https://fhir.example.org/fhir/',
      credentials: 'backend-services',
      client: { id: 'our-client', key: pem, scopes: ['system/*.rs'] },
    })
    const said = (token_endpoint: string) =>
      createBackendServices(fhir, () => startMs, {
        ask: async ({ url }) => ({ token: url, lifetime: 300 }),
        askJson: async ({ url }) => {
          asked.push(url)
          return { status: 200, body: { token_endpoint } }
        },
      })
    expect(await thrownBy(said('http://127.0.0.1:6379/')(signal))).toMatchObject(unavailable)
    const elsewhere = 'https://login.example.org/token'
    expect(await said(elsewhere)(signal)).toBe(`Bearer ${elsewhere}`)
    expect(new Set(asked)).toEqual(new Set(['https://fhir.example.org/fhir/.well-known/smart-configuration']))
  })

  it('lets a caller go who goes away while it is looked for', async () => {
    const gone = new AbortController()
    const { authorization } = await serviceOf(({ headers }) => {
      gone.abort(new Error('gone'))
      return { body: { token_endpoint: `http://${headers.host}/token` } }
    })
    expect(await thrownBy(authorization(gone.signal))).toMatchObject({ message: 'gone' })
  })
})
