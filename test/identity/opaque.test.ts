import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { AuthOptions } from '../../src/config/auth.ts'
import { createIdentify } from '../../src/identity/create-identify.ts'
import { badToken, userinfoOfNorthlakeMember } from './jupyterhealth-answers.ts'
import {
  type Answer,
  audience,
  claim,
  dependencies,
  type Issuer,
  idsOf,
  now,
  paths,
  refusal,
  type SigningKey,
  signal,
  signingKey,
  startIssuer,
} from './loopback-issuer.ts'

const token = 'ZrXvW2mJq7oC1hYt9bN5sLk3dGfE4u'
let key: SigningKey
let issuer: Issuer

beforeAll(async () => {
  key = await signingKey('ES256', 'key-1')
})
beforeEach(async () => {
  issuer = await startIssuer(key)
})
afterEach(() => issuer.close())

const introspection = () => ({
  url: issuer.origin + paths.introspection,
  clientId: 'gateway:1',
  clientSecret: 'a secret/ü+',
})

const active = { active: true, sub: '10013', client_id: 'gateway', exp: now + 600, jhe_permissions: claim }

function identify(options: Partial<AuthOptions> = {}, given: string = token) {
  const all: Partial<AuthOptions> = {
    sources: ['introspection'],
    introspection: introspection(),
    clients: ['gateway'],
    ...options,
  }
  return createIdentify(issuer.options(all), dependencies())(given, signal)
}

/** Identifies with this answer of the introspection endpoint. */
function introspected(answer: Record<string, unknown>, options: Partial<AuthOptions> = {}) {
  issuer.on(paths.introspection, { body: { ...active, ...answer } })
  return identify(options)
}

describe('introspection', () => {
  it('says who an opaque token belongs to, and what it permits', async () => {
    const principal = await introspected({ scope: 'patient/Patient.rs', patient: '40006' })
    expect(principal).toMatchObject({
      issuer: issuer.issuer,
      subject: '10013',
      client: 'gateway',
      patient: '40006',
      expiresAt: now + 600,
      claimsAt: now,
      source: 'introspection',
    })
    expect(idsOf(principal.permissions.studies)).toEqual(claim.studies)
    expect(idsOf(principal.scopes.clauses)).toEqual(['Patient'])
  })

  it('is asked by POST with client_secret_basic, the token in the form only', async () => {
    await introspected({})
    expect(issuer.seen).toEqual([
      {
        method: 'POST',
        path: paths.introspection,
        authorization: `Basic ${Buffer.from('gateway%3A1:a+secret%2F%C3%BC%2B').toString('base64')}`,
        body: `token=${token}&token_type_hint=access_token`,
      },
    ])
  })

  it.each<[string, Record<string, unknown>, string]>([
    ['is not active', { active: false }, 'TOKEN_INVALID'],
    ['has expired', { exp: now - 5 }, 'TOKEN_EXPIRED'],
    ['has an expiry that is a text', { exp: 'soon' }, 'TOKEN_INVALID'],
    ['is not valid yet', { nbf: now + 6 }, 'TOKEN_INVALID'],
    ['is of another issuer', { iss: 'https://elsewhere.example' }, 'TOKEN_INVALID'],
    ['is a refresh token', { token_type: 'refresh_token' }, 'TOKEN_INVALID'],
    ['has a token type that is no text', { token_type: 5 }, 'TOKEN_INVALID'],
    ['has an empty subject', { sub: '' }, 'TOKEN_INVALID'],
    ['has a subject that is a number', { sub: 10013 }, 'TOKEN_INVALID'],
    ['has no permissions', { jhe_permissions: undefined }, 'NO_PERMISSIONS'],
    ['has malformed permissions', { jhe_permissions: [] }, 'NO_PERMISSIONS'],
    ['has a launch context that is no id', { patient: 'Patient/1' }, 'NO_PERMISSIONS'],
    ['has scopes that cannot be read', { scope: 5 }, 'TOKEN_INVALID'],
    ['is for another client', { client_id: 'elsewhere' }, 'AUDIENCE'],
    ['is for a client that is no text', { client_id: ['gateway'] }, 'AUDIENCE'],
    ['is for another audience', { aud: 'https://elsewhere.example', client_id: undefined }, 'AUDIENCE'],
    [
      'is for another audience, though from a known client',
      { aud: ['https://elsewhere.example'] },
      'AUDIENCE',
    ],
    ['shows neither audience nor client', { client_id: undefined }, 'AUDIENCE'],
    ['names a user but no subject', { sub: undefined, username: '10013' }, 'TOKEN_INVALID'],
  ])('refuses a token that %s', async (_, answer, code) => {
    await expect(introspected(answer)).rejects.toEqual(refusal(code))
  })

  it.each<[string, Record<string, unknown>]>([
    ['for our audience, from any client', { aud: [audience, 'https://a.example'], client_id: 'elsewhere' }],
    ['for our client as its audience', { aud: 'gateway', client_id: undefined }],
    ['with an empty list of audiences, from a known client', { aud: [] }],
    ['just expired', { exp: now - 4 }],
    ['of the issuer by name', { iss: undefined, token_type: 'Bearer' }],
    ['with nothing for null', { iss: null, token_type: null, nbf: null, patient: null, aud: null }],
  ])('accepts a token %s', async (_, answer) => {
    expect((await introspected(answer)).subject).toBe('10013')
  })

  it('accepts a token that shows neither audience nor client only when configured to', async () => {
    const allow = { allowTokensWithoutAudience: true }
    expect((await introspected({ client_id: undefined }, allow)).subject).toBe('10013')
    await expect(introspected({ client_id: 'elsewhere' }, allow)).rejects.toEqual(refusal('AUDIENCE'))
    const ofAny = { ...allow, clients: [] }
    expect((await introspected({ client_id: 'elsewhere' }, ofAny)).subject).toBe('10013')
    await expect(introspected({ aud: 'https://elsewhere.example' }, ofAny)).rejects.toEqual(
      refusal('AUDIENCE'),
    )
  })

  describe('with auth.acceptedScopes', () => {
    const accepting = { acceptedScopes: ['mcp', 'mcp:read'] }

    it.each<[string, Record<string, unknown>]>([
      ['of another client with one of them', { client_id: 'jupyterhub', scope: 'openid mcp' }],
      [
        'of another client with one of them in scp',
        { client_id: 'jupyterhub', scope: null, scp: ['mcp:read'] },
      ],
      ['without a client, with one of them', { client_id: undefined, scope: 'mcp' }],
      ['of a known client without any', { scope: 'openid' }],
    ])('accepts a token %s', async (_, answer) => {
      expect((await introspected(answer, accepting)).subject).toBe('10013')
    })

    it.each<[string, Record<string, unknown>]>([
      ['has none of them', { client_id: 'jupyterhub', scope: 'openid profile' }],
      ['has words that only look like one', { client_id: 'jupyterhub', scope: 'MCP mcp: xmcp mcp/read' }],
      ['has no scope', { client_id: 'jupyterhub', scope: undefined }],
    ])('refuses a token of another client that %s, and names them', async (_, answer) => {
      await expect(introspected(answer, accepting)).rejects.toMatchObject({
        code: 'FHIR_MCP_INSUFFICIENT_SCOPE',
        statusCode: 403,
        scopes: ['mcp', 'mcp:read'],
      })
    })

    it('refuses a token for somebody else, whatever its scope', async () => {
      const answer = { aud: 'https://elsewhere.example', scope: 'mcp' }
      await expect(introspected(answer, accepting)).rejects.toEqual(refusal('AUDIENCE'))
    })

    it('needs neither an audience nor clients beside them', async () => {
      const alone = { ...accepting, clients: [], audience: undefined }
      expect((await introspected({ client_id: 'jupyterhub', scope: 'mcp' }, alone)).subject).toBe('10013')
    })

    it('takes a JWT by its audience alone, whatever its scope, also where introspection vouches for it', async () => {
      const foreign = await issuer.accessToken({ aud: 'https://elsewhere.example', scope: 'mcp' })
      for (const sources of [['jwt' as const], ['introspection' as const]]) {
        issuer.on(paths.introspection, { body: { ...active, aud: undefined, client_id: 'x', scope: 'mcp' } })
        const identify = createIdentify(
          issuer.options({ sources, introspection: introspection(), clients: ['gateway'], ...accepting }),
          dependencies(),
        )
        await expect(identify(foreign, signal)).rejects.toEqual(refusal('AUDIENCE'))
      }
    })
  })

  it('vouches for a minute when it does not say until when', async () => {
    expect((await introspected({ exp: undefined })).expiresAt).toBe(now + 60)
  })

  it.each<[string, Answer]>([
    ['refuses our client', { status: 401, body: {} }],
    ['forbids us to ask', { status: 403, body: badToken }],
    ['fails', { status: 500, body: {} }],
    ['is elsewhere', { status: 302, body: {}, headers: { location: '/o/elsewhere' } }],
    ['answers a list', { body: [] }],
    ['answers something else', { body: { hello: 'world' } }],
    ['says active by a text', { body: { ...active, active: 'true' } }],
    ['answers HTML', { body: '<html>', headers: { 'content-type': 'text/html' } }],
    ['answers without a type', (response) => response.writeHead(200).end('{"active":true}')],
    ['answers broken JSON', { body: '{"active":tr' }],
    ['answers with more than a megabyte', { body: { ...active, padding: 'x'.repeat(1_100_000) } }],
    ['breaks the connection', (response) => response.destroy()],
  ])('is unavailable when it %s', async (_, answer) => {
    issuer.on(paths.introspection, answer)
    await expect(identify()).rejects.toEqual(refusal('ISSUER_UNAVAILABLE'))
    await expect(identify()).rejects.toThrow('The introspection endpoint could not be read.')
    expect(issuer.count('/o/elsewhere')).toBe(0)
  })

  it('is unavailable when nobody is there', async () => {
    const nobody = { ...introspection(), url: 'http://127.0.0.1:1/introspect' }
    await expect(identify({ introspection: nobody })).rejects.toEqual(refusal('ISSUER_UNAVAILABLE'))
  })
})

describe('what cannot be a token', () => {
  it.each([
    ['huge', 'a'.repeat(16_385)],
    ['of characters that no token has', 'abc"def'],
    ['empty', ''],
  ])('is not asked about when it is %s', async (_, given) => {
    issuer.on(paths.introspection, { body: active })
    await expect(identify({}, given)).rejects.toEqual(refusal('TOKEN_INVALID'))
    expect(issuer.seen).toHaveLength(0)
    expect((await identify({}, 'a'.repeat(16_384))).subject).toBe('10013')
  })
})

describe('a JWT where JWTs are not verified', () => {
  it('is introspected like an opaque token', async () => {
    issuer.on(paths.introspection, { body: active })
    expect((await identify({}, await issuer.accessToken())).source).toBe('introspection')
  })

  it('is never an ID token, though the issuer calls it active', async () => {
    issuer.on(paths.introspection, { body: active })
    await expect(identify({}, await issuer.idToken())).rejects.toEqual(refusal('TOKEN_INVALID'))
    expect(issuer.seen).toHaveLength(0)
  })
})

describe('a JWT that fails verification', () => {
  it('is not tried as an opaque token', async () => {
    issuer.on(paths.introspection, { body: active })
    const sources: AuthOptions['sources'] = ['introspection', 'jwt']
    const good = await issuer.accessToken()
    const [header = '', claims = ''] = good.split('.')
    const broken = [`${header}.${claims}.Zm9yZ2Vk`, `${header}.${claims}`, `${header}.e30`, `${good}.x`]
    for (const token of [...broken, `${header}.bm9uZQ.x`]) {
      await expect(identify({ sources }, token)).rejects.toEqual(refusal('TOKEN_INVALID'))
    }
    expect(issuer.count(paths.introspection)).toBe(0)
    for (const opaque of [token, `NDI.${token}`, `${header}`, `${header}..a.b.c`]) {
      expect((await identify({ sources }, opaque)).source).toBe('introspection')
    }
  })
})

describe('userinfo', () => {
  const sources: AuthOptions['sources'] = ['introspection', 'userinfo']
  const withoutSubject = { body: { ...active, sub: undefined, jhe_permissions: undefined, username: 'root' } }

  it('supplies the claim and the subject that introspection lacks', async () => {
    issuer.on(paths.introspection, withoutSubject)
    issuer.on(paths.userinfo, { body: { ...userinfoOfNorthlakeMember, jhe_permissions: claim } })
    const principal = await identify({ sources })
    expect(principal).toMatchObject({ subject: '10013', source: 'userinfo', expiresAt: now + 600 })
    expect(idsOf(principal.permissions.studies)).toEqual(claim.studies)
    expect(issuer.seen.find(({ path }) => path === paths.userinfo)?.authorization).toBe(`Bearer ${token}`)
  })

  it('supplies the subject alone when introspection has the claim', async () => {
    issuer.on(paths.introspection, { body: { ...active, sub: undefined } })
    issuer.on(paths.userinfo, { body: userinfoOfNorthlakeMember })
    expect(await identify({ sources })).toMatchObject({ subject: '10013', source: 'introspection' })
  })

  it('is not asked when introspection has both', async () => {
    issuer.on(paths.introspection, { body: active })
    await identify({ sources })
    expect(issuer.count(paths.userinfo)).toBe(0)
  })

  it('is asked first when it comes first, but introspection still says who it is', async () => {
    const other = { studies: ['1'], organizations: [] }
    issuer.on(paths.introspection, { body: active })
    issuer.on(paths.userinfo, { body: { sub: '10013', jhe_permissions: other } })
    const principal = await identify({ sources: ['userinfo', 'introspection'] })
    expect(principal).toMatchObject({ source: 'userinfo', client: 'gateway' })
    expect(idsOf(principal.permissions.studies)).toEqual(['1'])
    issuer.on(paths.introspection, { body: { ...active, active: false } })
    const refused = identify({ sources: ['userinfo', 'introspection'] })
    await expect(refused).rejects.toEqual(refusal('TOKEN_INVALID'))
  })

  it.each<[string, Answer, string]>([
    ['names another subject', { body: { sub: '10012', jhe_permissions: claim } }, 'TOKEN_INVALID'],
    ['names no subject', { body: { jhe_permissions: claim } }, 'TOKEN_INVALID'],
    ['refuses the token', { status: 401, body: badToken }, 'TOKEN_INVALID'],
    ['lets the token not ask', { status: 403, body: {} }, 'NO_PERMISSIONS'],
    ['is not there', { status: 404, body: {} }, 'ISSUER_UNAVAILABLE'],
    ['is elsewhere', { status: 301, body: '', headers: { location: '/o/userinfo//' } }, 'ISSUER_UNAVAILABLE'],
    ['answers no object', { body: 'null' }, 'ISSUER_UNAVAILABLE'],
    [
      'answers a signed document',
      { body: 'e30.e30.', headers: { 'content-type': 'application/jwt' } },
      'ISSUER_UNAVAILABLE',
    ],
    ['has no claim either', { body: userinfoOfNorthlakeMember }, 'NO_PERMISSIONS'],
    ['has a malformed claim', { body: { sub: '10013', jhe_permissions: 'all' } }, 'NO_PERMISSIONS'],
  ])('refuses the token when it %s', async (_, answer, code) => {
    issuer.on(paths.introspection, { body: { ...active, jhe_permissions: undefined } })
    issuer.on(paths.userinfo, answer)
    await expect(identify({ sources })).rejects.toEqual(refusal(code))
  })

  it('is not asked to mend a malformed claim of an earlier source', async () => {
    issuer.on(paths.introspection, { body: { ...active, jhe_permissions: null } })
    issuer.on(paths.userinfo, { body: { sub: '10013', jhe_permissions: claim } })
    await expect(identify({ sources })).rejects.toEqual(refusal('NO_PERMISSIONS'))
    expect(issuer.count(paths.userinfo)).toBe(0)
  })

  it('cannot show an audience by itself: nothing is asked, unless configured to do without', async () => {
    issuer.on(paths.userinfo, { body: { sub: '10013', jhe_permissions: claim } })
    const alone: Partial<AuthOptions> = { sources: ['userinfo'], introspection: undefined }
    await expect(identify(alone)).rejects.toEqual(refusal('AUDIENCE'))
    expect(issuer.seen).toHaveLength(0)
    const principal = await identify({ ...alone, allowTokensWithoutAudience: true })
    expect(principal).toMatchObject({
      subject: '10013',
      client: undefined,
      source: 'userinfo',
      expiresAt: now + 60,
      claimsAt: now,
    })
    expect(principal.scopes.present).toBe(false)
  })

  it('never takes an ID token, which an exchange may accept as a bearer', async () => {
    issuer.on(paths.userinfo, { body: { sub: '10013', jhe_permissions: claim } })
    const alone: Partial<AuthOptions> = { sources: ['userinfo'], allowTokensWithoutAudience: true }
    await expect(identify(alone, await issuer.idToken())).rejects.toEqual(refusal('TOKEN_INVALID'))
    expect(issuer.seen).toHaveLength(0)
  })

  it('can be at a configured place', async () => {
    issuer.on('/me', { body: { sub: '10013', jhe_permissions: claim } })
    const alone: Partial<AuthOptions> = { sources: ['userinfo'], allowTokensWithoutAudience: true }
    await identify({ ...alone, userinfoUrl: `${issuer.origin}/me` })
    expect(issuer.seen.map(({ path }) => path)).toEqual(['/me'])
  })

  it('is unavailable when discovery does not name it', async () => {
    issuer.on(paths.discovery, { body: { issuer: issuer.issuer } })
    const alone: Partial<AuthOptions> = { sources: ['userinfo'], allowTokensWithoutAudience: true }
    await expect(identify(alone)).rejects.toEqual(refusal('ISSUER_UNAVAILABLE'))
  })
})

describe('a verified JWT without the claim', () => {
  const bare = () => issuer.accessToken({ jhe_permissions: undefined })

  it('gets it from userinfo or introspection of the same subject', async () => {
    issuer.on(paths.userinfo, { body: { sub: '10013', jhe_permissions: claim } })
    issuer.on(paths.introspection, { body: { ...active, exp: now + 30 } })
    const byUserinfo = await identify({ sources: ['jwt', 'userinfo'] }, await bare())
    expect(byUserinfo).toMatchObject({ source: 'userinfo', claimsAt: now, expiresAt: now + 3600 })
    const byIntrospection = await identify({ sources: ['jwt', 'introspection'] }, await bare())
    expect(byIntrospection).toMatchObject({ source: 'introspection', expiresAt: now + 30 })
  })

  it('gets it from userinfo by a name that every object has on its prototype', async () => {
    issuer.on(paths.userinfo, { body: { sub: '10013', constructor: claim, toString: { claim } } })
    const sources: AuthOptions['sources'] = ['jwt', 'userinfo']
    const byName = await identify({ sources, claim: 'constructor' }, await bare())
    expect(byName.source).toBe('userinfo')
    const byPath = await identify({ sources, claimPath: ['toString'], claim: 'claim' }, await bare())
    expect(byPath.source).toBe('userinfo')
  })

  it.each(['userinfo', 'introspection'] as const)('does not get it from %s of another', async (source) => {
    issuer.on(paths.userinfo, { body: { sub: '10012', jhe_permissions: claim } })
    issuer.on(paths.introspection, { body: { ...active, sub: '10012' } })
    await expect(identify({ sources: ['jwt', source] }, await bare())).rejects.toEqual(
      refusal('TOKEN_INVALID'),
    )
  })

  it('does not get it from introspection that names no subject', async () => {
    issuer.on(paths.introspection, { body: { ...active, sub: undefined } })
    const refused = identify({ sources: ['jwt', 'introspection'] }, await bare())
    await expect(refused).rejects.toEqual(refusal('TOKEN_INVALID'))
  })

  it('does not get it from introspection that names another launch context', async () => {
    issuer.on(paths.introspection, { body: { ...active, patient: '40007' } })
    const token = await issuer.accessToken({ jhe_permissions: undefined, patient: '40006' })
    const refused = identify({ sources: ['jwt', 'introspection'] }, token)
    await expect(refused).rejects.toEqual(refusal('TOKEN_INVALID'))
  })

  it('is refused when it has been revoked', async () => {
    issuer.on(paths.introspection, { body: { active: false } })
    const refused = identify({ sources: ['jwt', 'introspection'] }, await bare())
    await expect(refused).rejects.toEqual(refusal('TOKEN_INVALID'))
  })
})

describe('claims that are too old', () => {
  const old = (changes: Record<string, unknown> = {}) => issuer.accessToken({ iat: now - 901, ...changes })
  const fresh = { studies: ['30008'], organizations: [] }

  it('are refused where nothing can read them again', async () => {
    await expect(identify({ sources: ['jwt'] }, await old())).rejects.toEqual(refusal('TOKEN_EXPIRED'))
    const inTime = await issuer.accessToken({ iat: now - 900 })
    expect((await identify({ sources: ['jwt'] }, inTime)).claimsAt).toBe(now - 900)
  })

  it('are read again from a source that can, wherever it stands in the order', async () => {
    issuer.on(paths.userinfo, { body: { sub: '10013', jhe_permissions: fresh } })
    for (const sources of [
      ['jwt', 'userinfo'],
      ['userinfo', 'jwt'],
    ] satisfies AuthOptions['sources'][]) {
      const principal = await identify({ sources }, await old())
      expect(principal).toMatchObject({ source: 'userinfo', claimsAt: now })
      expect(idsOf(principal.permissions.studies)).toEqual(['30008'])
    }
  })

  it('are refused when the other source has none', async () => {
    issuer.on(paths.userinfo, { body: { sub: '10013' } })
    const refused = identify({ sources: ['jwt', 'userinfo'] }, await old())
    await expect(refused).rejects.toEqual(refusal('TOKEN_EXPIRED'))
  })

  it('are of unknown age without iat', async () => {
    const timeless = await issuer.accessToken({ iat: undefined })
    await expect(identify({ sources: ['jwt'] }, timeless)).rejects.toEqual(refusal('TOKEN_EXPIRED'))
    issuer.on(paths.userinfo, { body: { sub: '10013', jhe_permissions: fresh } })
    expect((await identify({ sources: ['jwt', 'userinfo'] }, timeless)).source).toBe('userinfo')
  })

  it('make no superuser any more', async () => {
    const superuser = { claim: 'admin', value: true }
    issuer.on(paths.userinfo, { body: { sub: '10013', jhe_permissions: fresh } })
    const token = await old({ admin: true })
    const principal = await identify({ sources: ['jwt', 'userinfo'], superuser }, token)
    expect(principal.permissions.superuser).toBe(false)
  })

  it('are still a refusal when they are malformed', async () => {
    const token = await old({ jhe_permissions: 'all' })
    issuer.on(paths.userinfo, { body: { sub: '10013', jhe_permissions: fresh } })
    const refused = identify({ sources: ['jwt', 'userinfo'] }, token)
    await expect(refused).rejects.toEqual(refusal('NO_PERMISSIONS'))
  })
})
