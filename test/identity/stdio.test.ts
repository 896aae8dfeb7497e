import { createHash } from 'node:crypto'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { AuthOptions } from '../../src/config/auth.ts'
import { createStdioIdentify } from '../../src/identity/stdio.ts'
import { userinfoOfNorthlakeMember } from './jupyterhealth-answers.ts'
import {
  audience,
  claim,
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
  startIssuer,
} from './loopback-issuer.ts'

const accessToken = 'ZrXvW2mJq7oC1hYt9bN5sLk3dGfE4u'
let key: SigningKey
let issuer: Issuer
let clock: ReturnType<typeof frozenClock>

beforeAll(async () => {
  key = await signingKey('RS256', 'key-1')
})
beforeEach(async () => {
  issuer = await startIssuer(key)
  clock = frozenClock()
})
afterEach(() => issuer.close())

const hashOf = (token: string, algorithm = 'sha256') => {
  const digest = createHash(algorithm).update(token).digest()
  return digest.subarray(0, digest.length / 2).toString('base64url')
}
const at_hash = hashOf(accessToken)

const pairs = (changes: Partial<AuthOptions> = {}) =>
  createStdioIdentify(
    issuer.options({ clients: ['gateway'], sources: ['jwt'], ...changes }),
    dependencies(clock),
  )

/** Identifies the opaque access token with an ID token of these claims. */
async function identify(
  claims: Record<string, unknown>,
  options: Partial<AuthOptions> = {},
  header: Record<string, unknown> = {},
) {
  return pairs(options)({ accessToken, idToken: await issuer.idToken(claims, header) }, signal)
}

const introspection = () => ({
  url: issuer.origin + paths.introspection,
  clientId: 'gateway',
  clientSecret: 's',
})

describe('an access token alone', () => {
  it('is identified as over HTTP', async () => {
    const principal = await pairs()({ accessToken: await issuer.accessToken() }, signal)
    expect(principal).toMatchObject({ subject: '10013', source: 'jwt' })
    await expect(pairs()({ accessToken }, signal)).rejects.toEqual(refusal('TOKEN_INVALID'))
  })
})

describe('an access token with its ID token', () => {
  it('gets the claims of the ID token, bound by at_hash', async () => {
    const principal = await identify({ at_hash })
    expect(principal).toMatchObject({
      subject: '10013',
      client: 'gateway',
      source: 'jwt',
      claimsAt: now - 10,
      expiresAt: now + 3600,
    })
    expect(idsOf(principal.permissions.studies)).toEqual(claim.studies)
    expect(issuer.seen.map(({ path }) => path)).toEqual([paths.discovery, paths.keys])
  })

  it('is bound by a longer hash under EdDSA', async () => {
    const ed = await signingKey('EdDSA', 'key-ed')
    issuer.on(paths.keys, { body: await jwksOf(ed) })
    const claims = { ...issuer.claims(), aud: ['gateway', 'other'], azp: 'gateway', client_id: undefined }
    const idToken = await sign(ed, { ...claims, at_hash: hashOf(accessToken, 'sha512') })
    expect((await pairs()({ accessToken, idToken }, signal)).client).toBe('gateway')
    const short = await sign(ed, { ...claims, at_hash })
    await expect(pairs()({ accessToken, idToken: short }, signal)).rejects.toEqual(refusal('TOKEN_INVALID'))
  })

  it('is bound by userinfo of the same subject where there is no at_hash', async () => {
    issuer.on(paths.userinfo, { body: userinfoOfNorthlakeMember })
    expect((await identify({})).subject).toBe('10013')
    expect(issuer.seen.find(({ path }) => path === paths.userinfo)?.authorization).toBe(
      `Bearer ${accessToken}`,
    )
    await expect(identify({ sub: '10012' })).rejects.toEqual(refusal('TOKEN_INVALID'))
  })

  it.each<[string, Record<string, unknown>, string]>([
    ['is of another access token', { at_hash: hashOf('another') }, 'TOKEN_INVALID'],
    ['has a hash that is no text', { at_hash: null }, 'TOKEN_INVALID'],
    ['is for another client', { at_hash, aud: 'elsewhere' }, 'AUDIENCE'],
    ['is for this server instead of its client', { at_hash, aud: audience }, 'AUDIENCE'],
    ['was given to another party', { at_hash, aud: ['gateway', 'x'], azp: 'x' }, 'AUDIENCE'],
    ['was given to a party that is no text', { at_hash, azp: ['gateway'] }, 'AUDIENCE'],
    ['is of another issuer', { at_hash, iss: 'https://elsewhere.example' }, 'TOKEN_INVALID'],
    ['has expired', { at_hash, exp: now - 60 }, 'TOKEN_EXPIRED'],
    ['has no claim', { at_hash, jhe_permissions: undefined }, 'NO_PERMISSIONS'],
    ['has a malformed claim', { at_hash, jhe_permissions: {} }, 'NO_PERMISSIONS'],
    ['has claims that are too old', { at_hash, iat: now - 901 }, 'TOKEN_EXPIRED'],
  ])('is refused when the ID token %s', async (_, claims, code) => {
    await expect(identify(claims)).rejects.toEqual(refusal(code))
  })

  it('is refused when the ID token is signed by somebody else', async () => {
    const forger = await signingKey('RS256', 'key-1')
    const idToken = await sign(forger, issuer.claims({ aud: 'gateway', at_hash }))
    await expect(pairs()({ accessToken, idToken }, signal)).rejects.toEqual(refusal('TOKEN_INVALID'))
  })

  it('is refused when the ID token is an access token, opaque or malformed', async () => {
    await expect(identify({ at_hash }, {}, { typ: 'at+jwt' })).rejects.toEqual(refusal('TOKEN_INVALID'))
    for (const idToken of [accessToken, '', 'a b']) {
      await expect(pairs()({ accessToken, idToken }, signal)).rejects.toEqual(refusal('TOKEN_INVALID'))
    }
    expect((await identify({ at_hash }, {}, { typ: undefined })).subject).toBe('10013')
  })

  it('is refused when the ID token takes the place of both', async () => {
    issuer.on(paths.userinfo, { body: userinfoOfNorthlakeMember })
    const idToken = await issuer.idToken()
    await expect(pairs()({ accessToken: idToken, idToken }, signal)).rejects.toEqual(refusal('TOKEN_INVALID'))
  })

  it('needs to know its client', async () => {
    await expect(identify({ at_hash }, { clients: [] })).rejects.toEqual(refusal('CONFIG'))
  })

  it('is verified itself when it is a JWT, for the same subject', async () => {
    const jwt = await issuer.accessToken({
      jhe_permissions: undefined,
      scope: 'user/Patient.rs',
      patient: '40006',
      exp: now + 60,
    })
    const idToken = await issuer.idToken({ at_hash: hashOf(jwt) })
    const principal = await pairs()({ accessToken: jwt, idToken }, signal)
    expect(principal).toMatchObject({ client: 'gateway', patient: '40006', expiresAt: now + 60 })
    expect(idsOf(principal.scopes.clauses)).toEqual(['Patient'])
    const other = await issuer.accessToken({ sub: '10012' })
    const mixed = await issuer.idToken({ at_hash: hashOf(other) })
    await expect(pairs()({ accessToken: other, idToken: mixed }, signal)).rejects.toEqual(
      refusal('TOKEN_INVALID'),
    )
    const elsewhere = await issuer.accessToken({ aud: 'https://elsewhere.example' })
    const bound = await issuer.idToken({ at_hash: hashOf(elsewhere) })
    await expect(pairs()({ accessToken: elsewhere, idToken: bound }, signal)).rejects.toEqual(
      refusal('AUDIENCE'),
    )
  })

  it('is bound by the subject of the JWT where it has no at_hash, and userinfo is not asked', async () => {
    const jwt = await issuer.accessToken({ jhe_permissions: undefined })
    const principal = await pairs()({ accessToken: jwt, idToken: await issuer.idToken() }, signal)
    expect(idsOf(principal.permissions.studies)).toEqual(claim.studies)
    const other = await issuer.accessToken({ sub: '10012' })
    await expect(pairs()({ accessToken: other, idToken: await issuer.idToken() }, signal)).rejects.toEqual(
      refusal('TOKEN_INVALID'),
    )
    expect(issuer.count(paths.userinfo)).toBe(0)
  })

  describe('without an at_hash', () => {
    const options = (): Partial<AuthOptions> => ({
      sources: ['introspection'],
      introspection: introspection(),
    })
    const introspected = (answer: object) =>
      issuer.on(paths.introspection, { body: { active: true, client_id: 'gateway', ...answer } })

    it("is bound by introspection that says the subject in the issuer's name, and userinfo is not asked", async () => {
      introspected({ sub: '10013', iss: issuer.issuer })
      expect((await identify({}, options())).subject).toBe('10013')
      expect(issuer.count(paths.userinfo)).toBe(0)
    })

    it('is refused when introspection says that the access token is of another user of the same client', async () => {
      issuer.on(paths.userinfo, { body: userinfoOfNorthlakeMember })
      for (const answer of [{ sub: '10012', iss: issuer.issuer }, { sub: '10012' }]) {
        introspected(answer)
        await expect(identify({}, options())).rejects.toEqual(refusal('TOKEN_INVALID'))
      }
    })

    it('is refused when userinfo says that it is of another user of the same client', async () => {
      introspected({})
      issuer.on(paths.userinfo, { body: { ...userinfoOfNorthlakeMember, sub: '10012' } })
      await expect(identify({}, options())).rejects.toEqual(refusal('TOKEN_INVALID'))
      await expect(identify({})).rejects.toEqual(refusal('TOKEN_INVALID'))
    })

    it.each([
      ['another issuer', { sub: '10013', iss: 'https://elsewhere.example' }, 'TOKEN_INVALID'],
      ['another resource', { sub: '10013', aud: 'https://elsewhere.example' }, 'AUDIENCE'],
      ['another client', { sub: '10013', client_id: 'elsewhere' }, 'AUDIENCE'],
    ])('is refused when introspection answers for a token of %s', async (_, answer, code) => {
      issuer.on(paths.userinfo, { body: userinfoOfNorthlakeMember })
      introspected(answer)
      await expect(identify({}, options())).rejects.toEqual(refusal(code))
    })

    it('needs userinfo too where introspection does not say whose subject it names', async () => {
      introspected({ sub: '10013' })
      issuer.on(paths.userinfo, { status: 401, body: {} })
      await expect(identify({}, options())).rejects.toEqual(refusal('TOKEN_INVALID'))
      issuer.on(paths.userinfo, { body: userinfoOfNorthlakeMember })
      expect((await identify({}, options())).subject).toBe('10013')
      introspected({ sub: '10013', iss: null })
      await identify({}, options())
      expect(issuer.count(paths.userinfo)).toBe(3)
    })

    it('needs userinfo too where the access token is one of the client itself, whatever id it chose', async () => {
      const jwt = await issuer.accessToken({ client_id: '10013' })
      issuer.on(paths.userinfo, { status: 403, body: {} })
      const pair = { accessToken: jwt, idToken: await issuer.idToken() }
      await expect(pairs()(pair, signal)).rejects.toEqual(refusal('NO_PERMISSIONS'))
      introspected({ sub: '10013', iss: issuer.issuer, client_id: '10013' })
      await expect(identify({}, { ...options(), clients: ['gateway', '10013'] })).rejects.toEqual(
        refusal('NO_PERMISSIONS'),
      )
    })

    it.each<[string, Record<string, unknown>, string]>([
      ['for another client', { aud: 'elsewhere' }, 'AUDIENCE'],
      ['of another issuer', { iss: 'https://elsewhere.example' }, 'TOKEN_INVALID'],
      ['of another user', { sub: '10012' }, 'TOKEN_INVALID'],
    ])('is refused when the ID token is one %s, whatever would bind it', async (_, claims, code) => {
      issuer.on(paths.userinfo, { body: userinfoOfNorthlakeMember })
      introspected({ sub: '10013', iss: issuer.issuer })
      await expect(identify(claims)).rejects.toEqual(refusal(code))
      await expect(identify(claims, options())).rejects.toEqual(refusal(code))
      const pair = { accessToken: await issuer.accessToken(), idToken: await issuer.idToken(claims) }
      await expect(pairs()(pair, signal)).rejects.toEqual(refusal(code))
      const control = { ...pair, idToken: await issuer.idToken() }
      expect((await pairs()(control, signal)).subject).toBe('10013')
    })
  })

  it('is introspected itself where that is a source, so that a revoked one is refused', async () => {
    const options: Partial<AuthOptions> = { sources: ['introspection'], introspection: introspection() }
    const body = { active: true, exp: now + 30, scope: 'user/Patient.rs' }
    issuer.on(paths.introspection, { body: { ...body, client_id: 'gateway' } })
    const principal = await identify({ at_hash }, options)
    expect(principal).toMatchObject({ source: 'jwt', expiresAt: now + 30, client: 'gateway' })
    expect(idsOf(principal.scopes.clauses)).toEqual(['Patient'])
    issuer.on(paths.introspection, { body: { active: false } })
    await expect(identify({ at_hash }, options)).rejects.toEqual(refusal('TOKEN_INVALID'))
    issuer.on(paths.introspection, { body: { ...body, client_id: 'gateway', sub: '10012' } })
    await expect(identify({ at_hash }, options)).rejects.toEqual(refusal('TOKEN_INVALID'))
    issuer.on(paths.introspection, { body: { ...body, client_id: 'elsewhere' } })
    await expect(identify({ at_hash }, options)).rejects.toEqual(refusal('AUDIENCE'))
  })

  it('is introspected without an expiry too, with the client of the ID token', async () => {
    const options: Partial<AuthOptions> = { sources: ['introspection'], introspection: introspection() }
    issuer.on(paths.introspection, { body: { active: true, aud: audience } })
    expect(await identify({ at_hash }, options)).toMatchObject({
      expiresAt: now + 3600,
      client: 'gateway',
    })
  })

  it('has its claims read again from userinfo when they are too old', async () => {
    const fresh = { studies: ['30008'], organizations: [] }
    issuer.on(paths.userinfo, { body: { ...userinfoOfNorthlakeMember, jhe_permissions: fresh } })
    const options: Partial<AuthOptions> = { sources: ['userinfo'] }
    const principal = await identify({ at_hash, iat: now - 901 }, options)
    expect(principal).toMatchObject({ source: 'userinfo', claimsAt: now })
    expect(idsOf(principal.permissions.studies)).toEqual(['30008'])
    await identify({ iat: now - 901 }, options)
    expect(issuer.count(paths.userinfo)).toBe(2)
  })

  it('is kept as long as its claims may be old, or a minute where an endpoint vouches for it', async () => {
    issuer.on(paths.userinfo, { body: userinfoOfNorthlakeMember })
    const identifyPair = pairs()
    const byHash = { accessToken, idToken: await issuer.idToken({ at_hash }) }
    const byUserinfo = { accessToken, idToken: await issuer.idToken() }
    const first = [await identifyPair(byHash, signal), await identifyPair(byUserinfo, signal)]
    clock.advance(60)
    expect(await identifyPair(byHash, signal)).toBe(first[0])
    expect(await identifyPair(byUserinfo, signal)).not.toBe(first[1])
    expect(issuer.count(paths.userinfo)).toBe(2)
  })
})
