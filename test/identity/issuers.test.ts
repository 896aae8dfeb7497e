import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type AuthOptions, authSchema } from '../../src/config/auth.ts'
import { createIdentify } from '../../src/identity/create-identify.ts'
import {
  audience,
  claim,
  dependencies,
  type Issuer,
  idsOf,
  now,
  paths,
  refusal,
  type SigningKey,
  sign,
  signal,
  signingKey,
  startIssuer,
} from './loopback-issuer.ts'

let keys: SigningKey[]
let one: Issuer
let other: Issuer

beforeEach(async () => {
  // The same id at both: an id alone must not tell whose key it is.
  keys = [await signingKey('ES256', 'key-1'), await signingKey('ES256', 'key-1')]
  one = await startIssuer(keys[0] as SigningKey)
  other = await startIssuer(keys[1] as SigningKey)
})
afterEach(async () => {
  await Promise.all([one.close(), other.close()])
})

type Further = AuthOptions['issuers'][number]

/** Identification by both issuers; `further` is added to the second one's entry, `changes` to the options. */
function identifyBoth(further: Partial<Further> = {}, changes: Partial<AuthOptions> = {}) {
  const { issuers } = authSchema.parse({
    issuer: one.issuer,
    issuers: [{ issuer: other.issuer, ...further }],
  })
  return createIdentify(one.options({ issuers, ...changes }), dependencies())
}

describe('several issuers', () => {
  it('are each the issuer of their own: one subject at two of them is two people', async () => {
    const identify = identifyBoth()
    const [ada, stranger] = [
      await identify(await one.accessToken(), signal),
      await identify(await other.accessToken(), signal),
    ]
    expect(ada).toMatchObject({ issuer: one.issuer, subject: '10013' })
    expect(stranger).toMatchObject({ issuer: other.issuer, subject: '10013' })
  })

  it('never vouch for each other, by key or by name', async () => {
    const identify = identifyBoth()
    const [ownKey, othersKey] = keys as [SigningKey, SigningKey]
    const header = { typ: 'at+jwt' }
    for (const forged of [
      await sign(othersKey, one.claims(), header),
      await sign(ownKey, other.claims(), header),
      await sign(ownKey, one.claims({ iss: `${other.issuer}/` }), header),
      await sign(ownKey, one.claims({ iss: [other.issuer, one.issuer] }), header),
      await sign(ownKey, one.claims({ iss: undefined }), header),
    ]) {
      await expect(identify(forged, signal)).rejects.toEqual(refusal('TOKEN_INVALID'))
    }
    // The control: the same keys, each for its own issuer.
    expect((await identify(await sign(ownKey, one.claims(), header), signal)).issuer).toBe(one.issuer)
    expect((await identify(await sign(othersKey, other.claims(), header), signal)).issuer).toBe(other.issuer)
  })

  it('are not known where they are not configured', async () => {
    const alone = createIdentify(one.options(), dependencies())
    await expect(alone(await other.accessToken(), signal)).rejects.toEqual(refusal('TOKEN_INVALID'))
    expect(other.seen).toEqual([])
  })

  it('have an audience, a claim and token types of their own, or else those of the first', async () => {
    const own = identifyBoth({ audience: 'api://2', claim: 'reach', tokenTypes: ['JWT'] })
    const claims = { aud: 'api://2', reach: claim, jhe_permissions: undefined }
    const token = await other.accessToken(claims, { typ: 'JWT' })
    expect(idsOf((await own(token, signal)).permissions.studies)).toEqual(claim.studies)
    await expect(own(await other.accessToken(), signal)).rejects.toEqual(refusal('TOKEN_INVALID'))
    await expect(own(await one.accessToken(claims), signal)).rejects.toEqual(refusal('AUDIENCE'))
    await expect(identifyBoth()(await other.accessToken({ aud: 'api://2' }), signal)).rejects.toEqual(
      refusal('AUDIENCE'),
    )
    expect((await identifyBoth()(await other.accessToken({ aud: audience }), signal)).issuer).toBe(
      other.issuer,
    )
  })

  it('share no superuser: who sees everything at one is nobody in particular at the other', async () => {
    const superuser = { claim: 'is_superuser', value: true }
    const identify = identifyBoth({}, { superuser })
    const claims = { is_superuser: true }
    expect((await identify(await one.accessToken(claims), signal)).permissions.superuser).toBe(true)
    expect((await identify(await other.accessToken(claims), signal)).permissions.superuser).toBe(false)
  })

  it('are not asked about an opaque token but for the first', async () => {
    const introspection = (issuer: Issuer) => ({
      url: issuer.origin + paths.introspection,
      clientId: 'us',
      clientSecret: 'secret',
    })
    const active = {
      active: true,
      sub: '10013',
      client_id: 'gateway',
      exp: now + 600,
      jhe_permissions: claim,
    }
    other.on(paths.introspection, { body: active })
    one.on(paths.introspection, { body: { active: false } })
    const identify = identifyBoth(
      { sources: ['introspection'], introspection: introspection(other), clients: ['gateway'] },
      { sources: ['introspection'], introspection: introspection(one), clients: ['gateway'] },
    )
    await expect(identify('ZrXvW2mJq7oC1hYt9bN5sLk3dGfE4u', signal)).rejects.toEqual(refusal('TOKEN_INVALID'))
    expect(one.count(paths.introspection)).toBe(1)
    expect(other.count(paths.introspection)).toBe(0)
  })

  it.each([[['first']], [['other', 'other']]])('are each named once: %j', (named) => {
    const issuers = named.map((which) => ({ issuer: which === 'first' ? one.issuer : other.issuer }))
    const create = () => createIdentify(one.options({ issuers }), dependencies())
    expect(create).toThrow(refusal('CONFIG'))
    expect(create).toThrow(/names an issuer twice/)
  })

  it.each([
    [{ issuer: 'http://login.example.org' }, 'https URL'],
    [{ issuer: 'https://login.example.org', jwksUri: 'http://10.0.0.7/keys' }, 'https URL'],
    [{ issuer: 'https://login.example.org', algorithms: ['none'] }, 'Invalid'],
    [{ issuer: 'https://login.example.org', allowTokensWithoutAudience: true }, 'Unrecognized'],
  ])('are checked at start: %j', (issuer, message) => {
    const parsed = authSchema.safeParse({ issuer: 'https://a.example.org', issuers: [issuer] })
    expect(parsed.error?.message).toContain(message)
  })
})
