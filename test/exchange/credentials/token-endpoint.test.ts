import { describe, expect, it } from 'vitest'
import { isFhirMcpError } from '../../../src/errors.ts'
import { createAskToken, type TokenRequest } from '../../../src/exchange/credentials/token-endpoint.ts'
import { startExchange, thrownBy } from '../loopback.ts'
import { issued, signal, startTokenEndpoint, type TokenAnswer } from './token-endpoint-double.ts'

const secrets = ['caller-token-secret', 'client-secret', 'upstream-words']

function requestOf(url: string, changes: Partial<TokenRequest> = {}): TokenRequest {
  return {
    url,
    form: { grant_type: 'client_credentials', subject_token: 'caller-token-secret' },
    headers: { authorization: 'Basic client-secret' },
    invalidGrant: 'TOKEN_INVALID',
    ...changes,
  }
}

/** What asking ends with, where the endpoint answers so. */
async function outcomeOf(answer: TokenAnswer, changes: Partial<TokenRequest> = {}) {
  const endpoint = await startTokenEndpoint(() => answer)
  const thrown = await thrownBy(createAskToken()(requestOf(endpoint.url, changes), signal))
  if (!isFhirMcpError(thrown)) throw thrown
  for (const secret of secrets) expect(`${thrown.stack} ${JSON.stringify(thrown)}`).not.toContain(secret)
  return thrown.code.replace('FHIR_MCP_', '')
}

const token = { access_token: 'good', token_type: 'Bearer', expires_in: 300 }

describe('a token endpoint', () => {
  it('is asked by POST with a form, and its token is taken with its lifetime', async () => {
    const endpoint = await startTokenEndpoint(() => issued('abc.DEF-_~+/==', 300))
    const answer = await createAskToken()(requestOf(endpoint.url), signal)
    expect(answer).toEqual({ token: 'abc.DEF-_~+/==', lifetime: 300 })
    expect(endpoint.asked).toMatchObject([
      {
        method: 'POST',
        path: '/token',
        headers: {
          accept: 'application/json',
          'content-type': 'application/x-www-form-urlencoded',
          authorization: 'Basic client-secret',
        },
      },
    ])
    expect(Object.fromEntries(endpoint.asked[0]?.form ?? [])).toEqual(requestOf('').form)
  })

  it.each<[string, object, number]>([
    ['lifetime as a text', { expires_in: '90' }, 90],
    ['no lifetime', { expires_in: undefined }, 60],
    ['null for its lifetime', { expires_in: null }, 60],
    ['a type in small letters', { token_type: 'bearer' }, 300],
    [
      'an access token by RFC 8693',
      { issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' },
      300,
    ],
    ['a JWT by RFC 8693', { issued_token_type: 'urn:ietf:params:oauth:token-type:jwt' }, 300],
    ['members that nobody asked for', { refresh_token: 'x', __proto__x: 1 }, 300],
  ])('may answer with %s', async (_, changes, lifetime) => {
    const endpoint = await startTokenEndpoint(() => ({ body: { ...token, ...changes } }))
    expect(await createAskToken()(requestOf(endpoint.url), signal)).toEqual({ token: 'good', lifetime })
  })

  it.each<[string, object]>([
    ['no token', { access_token: undefined }],
    ['an empty token', { access_token: '' }],
    ['a token that is no text', { access_token: ['good'] }],
    ['a token that would be two headers', { access_token: 'good\r\nx-admin: 1' }],
    ['a token with a space in it', { access_token: 'good or bad' }],
    ['a token without end', { access_token: 'a'.repeat(20_000) }],
    ['no type', { token_type: undefined }],
    ['a type that is not Bearer', { token_type: 'N_A' }],
    ['a token bound to a key', { token_type: 'DPoP' }],
    ['a lifetime that is over', { expires_in: 0 }],
    ['a lifetime below zero', { expires_in: -1 }],
    ['a lifetime in words', { expires_in: 'soon' }],
    ['a lifetime that is a truth', { expires_in: true }],
    ['an ID token', { issued_token_type: 'urn:ietf:params:oauth:token-type:id_token' }],
    ['a refresh token', { issued_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }],
  ])('is refused when it answers with %s', async (_, changes) => {
    expect(await outcomeOf({ body: { ...token, ...changes } })).toBe('EXCHANGE_REJECTED')
  })

  it.each<[string, TokenAnswer]>([
    ['a page', { body: '<html>upstream-words</html>', headers: { 'content-type': 'text/html' } }],
    ['JSON under another type', { body: token, headers: { 'content-type': 'text/plain' } }],
    ['half of JSON', { body: '{"access_token":"upstream-words"' }],
    ['a list', { body: [token] }],
    ['nothing', { body: '' }],
    ['another success', { status: 201, body: token }],
    ['a status that nobody expects', { status: 404, body: { error: 'upstream-words' } }],
    [
      'a refusal of our client',
      { status: 401, body: { error: 'invalid_client', error_description: 'upstream-words' } },
    ],
    ['a refusal of the target', { status: 400, body: { error: 'invalid_target' } }],
    ['a refusal in words of its own', { status: 400, body: { error: 'upstream-words' } }],
    ['a refusal without words', { status: 400, body: '' }],
    ['a refusal by a status that does not fit', { status: 403, body: { error: 'invalid_grant' } }],
  ])('is refused when it answers with %s', async (_, answer) => {
    expect(await outcomeOf(answer)).toBe('EXCHANGE_REJECTED')
  })

  it.each([301, 302, 303, 307, 308])(
    'is not followed by a redirect %i: nothing arrives elsewhere',
    async (status) => {
      const elsewhere = await startTokenEndpoint(() => issued('stolen'))
      expect(await outcomeOf({ status, headers: { location: elsewhere.url } })).toBe('EXCHANGE_REJECTED')
      expect(elsewhere.asked).toEqual([])
    },
  )

  it.each(['invalid_grant', 'invalid_token'])('says by %s whose fault it is', async (error) => {
    for (const status of [400, 401]) {
      const answer = { status, body: { error, error_description: 'upstream-words' } }
      expect(await outcomeOf(answer)).toBe('TOKEN_INVALID')
      expect(await outcomeOf(answer, { invalidGrant: 'EXCHANGE_REJECTED' })).toBe('EXCHANGE_REJECTED')
    }
  })

  it.each<[string, TokenAnswer]>([
    ['fails', { status: 500, body: { error: 'upstream-words' } }],
    ['is overloaded', { status: 503 }],
    ['limits us', { status: 429 }],
    ['breaks off', (response) => void response.destroy()],
    [
      'breaks off in the middle',
      (response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
        response.write('{"access_token":', () => response.destroy())
      },
    ],
    ['sends more than anybody needs', { body: { ...token, padding: 'x'.repeat(70_000) } }],
  ])('is unavailable when it %s', async (_, answer) => {
    expect(await outcomeOf(answer)).toBe('ISSUER_UNAVAILABLE')
  })

  it('is unavailable when nobody listens, or when it never comes to an end', async () => {
    const unavailable = { code: 'FHIR_MCP_ISSUER_UNAVAILABLE' }
    const lost = createAskToken()(requestOf('http://127.0.0.1:9/token'), signal)
    expect(await thrownBy(lost)).toMatchObject(unavailable)
    const silent = await startExchange(() => undefined)
    const dripping = await startExchange((response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      const drip = setInterval(() => response.write(' '), 5)
      response.on('close', () => clearInterval(drip))
    })
    for (const { origin } of [silent, dripping]) {
      expect(await thrownBy(createAskToken(undefined, 60)(requestOf(origin), signal))).toMatchObject(
        unavailable,
      )
    }
  })

  it('is left when its caller goes away', async () => {
    const gone = new AbortController()
    const endpoint = await startTokenEndpoint(() => {
      gone.abort(new Error('gone'))
      return () => undefined
    })
    const asked = createAskToken()(requestOf(endpoint.url), gone.signal)
    expect(await thrownBy(asked)).toMatchObject({ message: 'gone' })
    const late = createAskToken()(requestOf(endpoint.url), gone.signal)
    expect(await thrownBy(late)).toMatchObject({ message: 'gone' })
    expect(endpoint.asked).toHaveLength(1)
  })
})
