import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { AuthOptions } from '../../src/config/auth.ts'
import { createIdentify } from '../../src/identity/create-identify.ts'
import {
  audience,
  claim,
  dependencies,
  type Issuer,
  now,
  paths,
  refusal,
  type SigningKey,
  signal,
  signingKey,
  startIssuer,
} from './loopback-issuer.ts'

const exchangeAudience = 'https://fhir.example.org'
const opaque = 'ZrXvW2mJq7oC1hYt9bN5sLk3dGfE4u'
let key: SigningKey
let issuer: Issuer

beforeAll(async () => {
  key = await signingKey('ES256', 'key-1')
})
beforeEach(async () => {
  issuer = await startIssuer(key)
})
afterEach(() => issuer.close())

const active = { active: true, sub: '10013', client_id: 'gateway', exp: now + 600, jhe_permissions: claim }

/** Identifies a token that is to be sent on, by introspection unless the options say otherwise. */
function identify(token: string, answer: Record<string, unknown> = {}, options: Partial<AuthOptions> = {}) {
  issuer.on(paths.introspection, { body: { ...active, ...answer } })
  const all: Partial<AuthOptions> = {
    sources: ['introspection'],
    introspection: { url: issuer.origin + paths.introspection, clientId: 'us', clientSecret: 's' },
    clients: ['gateway'],
    ...options,
  }
  return createIdentify(issuer.options(all), dependencies({ exchangeAudience }))(token, signal)
}

describe('an opaque token that is to be sent on', () => {
  it.each<[string, Record<string, unknown>]>([
    ['from one of our clients', {}],
    ['from one of our clients, for our audience', { aud: audience }],
    ['whose issuer writes the client into aud', { client_id: undefined, aud: ['gateway', audience] }],
  ])('is accepted %s', async (_, answer) => {
    expect((await identify(opaque, answer)).subject).toBe('10013')
  })

  it.each<[string, Record<string, unknown>]>([
    ['from another client, though it is for us', { client_id: 'elsewhere', aud: audience }],
    [
      'from another client, though for us and the exchange',
      { client_id: 'elsewhere', aud: [audience, exchangeAudience] },
    ],
    ['from nobody in particular, though it is for us', { client_id: undefined, aud: audience }],
    ['from a client that is a list', { client_id: ['gateway'], aud: audience }],
    ['that shows neither client nor audience', { client_id: undefined }],
  ])('is refused %s', async (_, answer) => {
    await expect(identify(opaque, answer)).rejects.toEqual(refusal('AUDIENCE'))
  })

  it('may show nothing only where that is configured', async () => {
    const allow = { allowTokensWithoutAudience: true }
    expect((await identify(opaque, { client_id: undefined }, allow)).subject).toBe('10013')
    const foreign = identify(`${opaque}2`, { client_id: 'elsewhere', aud: audience }, allow)
    await expect(foreign).rejects.toEqual(refusal('AUDIENCE'))
  })
})

describe('a JWT that is to be sent on', () => {
  it('holds both audiences, whoever vouches for it, or nobody is asked', async () => {
    const ours = await issuer.accessToken()
    const both = await issuer.accessToken({ aud: [audience, exchangeAudience] })
    issuer.on(paths.userinfo, { body: { sub: '10013', jhe_permissions: claim } })
    const sources: Partial<AuthOptions>[] = [
      { sources: ['jwt'] },
      { sources: ['introspection'] },
      { sources: ['userinfo'], allowTokensWithoutAudience: true },
    ]
    for (const options of sources) {
      const asked = issuer.seen.length
      await expect(identify(ours, {}, options)).rejects.toEqual(refusal('AUDIENCE'))
      expect(issuer.seen.length).toBe(asked)
      expect((await identify(both, {}, options)).subject).toBeTypeOf('string')
      expect(issuer.seen.length).toBeGreaterThan(asked)
    }
  })
})
