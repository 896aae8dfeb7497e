import { createHash } from 'node:crypto'
import { jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { createTokenExchange } from '../../../src/exchange/credentials/token-exchange.ts'
import { thrownBy } from '../loopback.ts'
import {
  fhirOf,
  frozenClock,
  issued,
  keyPair,
  signal,
  startMs,
  startTokenEndpoint,
  type TokenAnswer,
} from './token-endpoint-double.ts'

const audience = 'https://fhir.example.org/fhir'

/** A token exchange with an endpoint; by default each answer's token names the caller's and its number. */
async function exchangeOf({
  answer = (token: string, nth: number): TokenAnswer | Promise<TokenAnswer> => issued(`for-${token}-${nth}`),
  client = {},
  audience: wanted = audience,
}: {
  answer?: (token: string, nth: number) => TokenAnswer | Promise<TokenAnswer>
  client?: object
  audience?: string
} = {}) {
  const clock = frozenClock()
  const endpoint = await startTokenEndpoint(({ form }, nth) => answer(form.get('subject_token') ?? '', nth))
  const fhir = fhirOf({
    credentials: 'token-exchange',
    audience: wanted,
    client: { tokenUrl: endpoint.url, id: 'our:client', secret: 'our secret', ...client },
  })
  return { clock, endpoint, exchanged: createTokenExchange(fhir, clock.now) }
}

describe('a token exchange', () => {
  it('asks for a token for the exchange with the caller’s, as RFC 8693 says, by client_secret_basic', async () => {
    const { endpoint, exchanged } = await exchangeOf({
      client: { scopes: ['user/Patient.rs', 'user/Observation.rs'] },
    })
    expect(await exchanged('callers-token')(signal)).toBe('Bearer for-callers-token-1')
    const [asked] = endpoint.asked
    expect(Object.fromEntries(asked?.form ?? [])).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: 'callers-token',
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      audience,
      resource: audience,
      scope: 'user/Patient.rs user/Observation.rs',
    })
    const basic = Buffer.from('our%3Aclient:our+secret').toString('base64')
    expect(asked?.headers.authorization).toBe(`Basic ${basic}`)
    expect(asked?.path).toBe('/token')
  })

  it.each(['exchange', 'urn:example:fhir', 'https://', 'https://fhir.example.org/#fragment'])(
    'names the audience %s as an audience alone, for it is no resource',
    async (name) => {
      const { endpoint, exchanged } = await exchangeOf({ audience: name })
      await exchanged('a')(signal)
      expect(endpoint.asked[0]?.form.get('audience')).toBe(name)
      expect(endpoint.asked[0]?.form.has('resource')).toBe(false)
      expect(endpoint.asked[0]?.form.has('scope')).toBe(false)
    },
  )

  it('shows who we are by private_key_jwt where there is a key, and no secret then', async () => {
    const { pem, publicKey } = await keyPair('ES384')
    const { endpoint, exchanged } = await exchangeOf({ client: { secret: undefined, key: pem } })
    await exchanged('a')(signal)
    const { headers, form } = endpoint.asked[0] ?? {}
    expect(headers?.authorization).toBeUndefined()
    expect(form?.get('client_assertion_type')).toBe('urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
    const { payload } = await jwtVerify(form?.get('client_assertion') ?? '', publicKey, {
      audience: endpoint.url,
      currentDate: new Date(startMs),
    })
    expect(payload.iss).toBe('our:client')
  })

  it('is made once for a caller’s token until shortly before the new one expires', async () => {
    const { clock, endpoint, exchanged } = await exchangeOf()
    const first = await exchanged('a')(signal)
    clock.advance(269)
    expect(await exchanged('a')(signal)).toBe(first)
    expect(endpoint.asked).toHaveLength(1)
    clock.advance(1)
    expect(await exchanged('a')(signal)).toBe('Bearer for-a-2')
    expect(endpoint.asked).toHaveLength(2)
  })

  it('keeps a token of a short life for half of it', async () => {
    const { clock, endpoint, exchanged } = await exchangeOf({
      answer: (token, nth) => issued(`${token}${nth}`, 20),
    })
    await exchanged('a')(signal)
    clock.advance(9.9)
    await exchanged('a')(signal)
    expect(endpoint.asked).toHaveLength(1)
    clock.advance(0.1)
    await exchanged('a')(signal)
    expect(endpoint.asked).toHaveLength(2)
  })

  it('is one flight for all who wait with the same token', async () => {
    const { endpoint, exchanged } = await exchangeOf()
    const authorizations = await Promise.all(Array.from({ length: 25 }, () => exchanged('a')(signal)))
    expect(new Set(authorizations)).toEqual(new Set(['Bearer for-a-1']))
    expect(endpoint.asked).toHaveLength(1)
  })

  it('never gives one caller what was made for another, however they mix', async () => {
    const { endpoint, exchanged } = await exchangeOf({
      answer: async (token) => {
        await new Promise((resolve) => setImmediate(resolve))
        return issued(`for-${token}`)
      },
    })
    const callers = Array.from({ length: 200 }, (_, n) => `caller-${n % 20}`)
    const authorizations = await Promise.all(callers.map((token) => exchanged(token)(signal)))
    expect(authorizations).toEqual(callers.map((token) => `Bearer for-${token}`))
    expect(endpoint.asked).toHaveLength(20)
  })

  it('forgets a token that the exchange did not take, and that one only', async () => {
    const { endpoint, exchanged } = await exchangeOf()
    const [a, b] = [await exchanged('a')(signal), await exchanged('b')(signal)]
    expect(await exchanged('a')(signal, a)).toBe('Bearer for-a-3')
    expect(await exchanged('b')(signal)).toBe(b)
    // Another request that was sent with the old one comes late: the new one stays.
    expect(await exchanged('a')(signal, a)).toBe('Bearer for-a-3')
    expect(endpoint.asked).toHaveLength(3)
  })

  it('says that the caller’s token was not taken, keeps no refusal, and no other caller is hurt by it', async () => {
    let refuse = true
    const { exchanged } = await exchangeOf({
      answer: (token) =>
        token === 'revoked' && refuse
          ? { status: 400, body: { error: 'invalid_grant' } }
          : issued(`for-${token}`),
    })
    const [refused, good] = await Promise.all([
      thrownBy(exchanged('revoked')(signal)),
      exchanged('good')(signal),
    ])
    expect(refused).toMatchObject({ code: 'FHIR_MCP_TOKEN_INVALID' })
    expect(good).toBe('Bearer for-good')
    refuse = false
    expect(await exchanged('revoked')(signal)).toBe('Bearer for-revoked')
  })

  it('goes on for the others when the first caller goes away', async () => {
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const { endpoint, exchanged } = await exchangeOf({
      answer: async (token) => {
        await held
        return issued(`for-${token}`)
      },
    })
    const gone = new AbortController()
    const leaves = thrownBy(exchanged('a')(gone.signal))
    const stays = exchanged('a')(signal)
    await expect.poll(() => endpoint.asked.length).toBe(1)
    gone.abort(new Error('gone'))
    expect(await leaves).toMatchObject({ message: 'gone' })
    release()
    expect(await stays).toBe('Bearer for-a')
    expect(endpoint.asked).toHaveLength(1)
  })

  it('keeps a bounded number of tokens, each under a digest', async () => {
    const { endpoint, exchanged } = await exchangeOf({
      // 1,100 of these are more than is kept in all.
      answer: (token) => issued(`${createHash('sha256').update(token).digest('hex')}${'a'.repeat(16_000)}`),
    })
    await exchanged('first')(signal)
    for (let n = 0; n < 1100; n++) await exchanged(`later-${n}`)(signal)
    await exchanged('later-1099')(signal)
    expect(endpoint.asked).toHaveLength(1101)
    await exchanged('first')(signal)
    expect(endpoint.asked).toHaveLength(1102)
  })
})
