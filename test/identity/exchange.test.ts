import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { AuthOptions } from '../../src/config/auth.ts'
import { createIdentify } from '../../src/identity/create-identify.ts'
import {
  badToken,
  noStudies,
  organizationsOfNorthlakeMember,
  profileOfNorthlakeMember,
  studiesOfBothMember,
  studiesOfNorthlakeMember,
} from './jupyterhealth-answers.ts'
import {
  type Answer,
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
  startLoopback,
} from './loopback-issuer.ts'

const token = 'ZrXvW2mJq7oC1hYt9bN5sLk3dGfE4u'
const notFound = { status: 404, body: { detail: 'Not found.' } }
let key: SigningKey
let issuer: Issuer

beforeAll(async () => {
  key = await signingKey('ES256', 'key-1')
})
beforeEach(async () => {
  issuer = await startIssuer(key)
  issuer.on(paths.introspection, {
    body: { active: true, client_id: 'gateway', exp: now + 600, username: 'x' },
  })
  issuer.on(paths.organizations, { body: organizationsOfNorthlakeMember })
  issuer.on(paths.studies, { body: studiesOfNorthlakeMember })
  issuer.on(paths.profile, { body: profileOfNorthlakeMember })
})
afterEach(() => issuer.close())

function identify(options: Partial<AuthOptions> = {}, given: string = token) {
  const all: Partial<AuthOptions> = {
    sources: ['introspection', 'exchange'],
    introspection: { url: issuer.origin + paths.introspection, clientId: 'gateway', clientSecret: 's' },
    clients: ['gateway'],
    ...options,
  }
  const api = dependencies({ apiUrl: `${issuer.origin}/api/v1` })
  return createIdentify(issuer.options(all), api)(given, signal)
}

const page = (results: readonly unknown[], more: Record<string, unknown> = {}) => ({
  body: { count: results.length, next: null, previous: null, results, ...more },
})
const organization = (id: number, currentUserRole: string | null) => ({
  id,
  name: `Organization ${id}`,
  type: 'prov',
  partOf: 0,
  currentUserRole,
  children: [],
})
const study = (id: number, owner: number) => ({ id, name: `Study ${id}`, organization: { id: owner } })

describe('permissions derived from a JupyterHealth Exchange', () => {
  it('are the studies of the caller and the organizations with a role', async () => {
    const principal = await identify()
    expect(principal).toMatchObject({
      subject: '10013',
      client: 'gateway',
      patient: undefined,
      source: 'exchange',
      claimsAt: now,
      expiresAt: now + 600,
    })
    expect([...principal.permissions.organizations.values()]).toEqual([
      { id: '20009', name: 'Northlake Clinic', roles: ['member'] },
    ])
    expect([...principal.permissions.studies.values()]).toEqual([
      { id: '30006', organizations: ['20009'] },
      { id: '30007', organizations: ['20009'] },
    ])
    expect(principal.permissions.superuser).toBe(false)
  })

  it('take two requests, and one for the subject where introspection names none', async () => {
    await identify()
    const asked = issuer.seen.slice(1).map(({ method, path, authorization }) => [method, path, authorization])
    expect(asked.sort()).toEqual([
      ['GET', '/api/v1/organizations?page_size=1000', `Bearer ${token}`],
      ['GET', '/api/v1/studies?page_size=1000', `Bearer ${token}`],
      ['GET', '/api/v1/users/profile', `Bearer ${token}`],
    ])
    issuer.on(paths.introspection, { body: { active: true, client_id: 'gateway', sub: '10013' } })
    await identify()
    expect(issuer.count(paths.profile)).toBe(1)
  })

  it('may be nothing at all', async () => {
    issuer.on(paths.organizations, page([organization(20009, null)]))
    issuer.on(paths.studies, { body: noStudies })
    const { permissions } = await identify()
    expect([permissions.studies.size, permissions.organizations.size]).toEqual([0, 0])
  })

  it('give the subject alone where introspection has the claim', async () => {
    const jhe_permissions = { studies: ['1'], organizations: [] }
    issuer.on(paths.introspection, { body: { active: true, client_id: 'gateway', jhe_permissions } })
    expect(await identify()).toMatchObject({ subject: '10013', source: 'introspection' })
    expect(issuer.count(paths.organizations)).toBe(0)
  })

  it('serve a verified JWT without a claim', async () => {
    const jwt = await issuer.accessToken({ jhe_permissions: undefined })
    const principal = await identify({ sources: ['jwt', 'exchange'], introspection: undefined }, jwt)
    expect(principal).toMatchObject({ subject: '10013', source: 'exchange', expiresAt: now + 3600 })
    expect(issuer.count(paths.profile)).toBe(0)
  })

  it('cannot show an audience: nothing is asked, unless configured to do without', async () => {
    const alone: Partial<AuthOptions> = { sources: ['exchange'], introspection: undefined }
    await expect(identify(alone)).rejects.toEqual(refusal('AUDIENCE'))
    expect(issuer.seen).toHaveLength(0)
    const principal = await identify({ ...alone, allowTokensWithoutAudience: true })
    expect(principal).toMatchObject({ subject: '10013', client: undefined, expiresAt: now + 60 })
  })

  it('never come from an ID token as the bearer, which such an exchange accepts', async () => {
    const alone: Partial<AuthOptions> = { sources: ['exchange'], allowTokensWithoutAudience: true }
    await expect(identify(alone, await issuer.idToken())).rejects.toEqual(refusal('TOKEN_INVALID'))
    expect(issuer.seen).toHaveLength(0)
  })
})

describe('a patient user', () => {
  const patientProfile = {
    id: 10020,
    patient: { id: 40006, jheUserId: 10020, identifier: null, organizations: [] },
    userType: 'patient',
    isSuperuser: false,
  }

  it('has no studies, and itself as the patient context', async () => {
    issuer.on(paths.organizations, page([organization(20009, null)]))
    issuer.on(paths.studies, notFound)
    issuer.on(paths.profile, { body: patientProfile })
    const principal = await identify()
    expect(principal).toMatchObject({ subject: '10020', patient: '40006' })
    expect([principal.permissions.studies.size, principal.permissions.organizations.size]).toEqual([0, 0])
    expect(issuer.count(paths.profile)).toBe(1)
  })

  it('is asked for its profile even where the subject is known, and it must be the same', async () => {
    issuer.on(paths.introspection, { body: { active: true, client_id: 'gateway', sub: '10020' } })
    issuer.on(paths.studies, notFound)
    issuer.on(paths.profile, { body: patientProfile })
    expect((await identify()).patient).toBe('40006')
    issuer.on(paths.introspection, { body: { active: true, client_id: 'gateway', sub: '10021' } })
    await expect(identify()).rejects.toEqual(refusal('TOKEN_INVALID'))
  })

  it('must have the patient context that its token names', async () => {
    issuer.on(paths.studies, notFound)
    issuer.on(paths.profile, { body: patientProfile })
    const answer = { active: true, client_id: 'gateway', sub: '10020' }
    issuer.on(paths.introspection, { body: { ...answer, patient: '40006' } })
    expect((await identify()).patient).toBe('40006')
    issuer.on(paths.introspection, { body: { ...answer, patient: '40007' } })
    await expect(identify()).rejects.toEqual(refusal('TOKEN_INVALID'))
  })

  it.each([null, undefined, { id: '' }, { id: '../1' }])(
    'is refused with a profile of patient %j',
    async (patient) => {
      issuer.on(paths.studies, notFound)
      issuer.on(paths.profile, { body: { ...patientProfile, patient } })
      await expect(identify()).rejects.toEqual(refusal('NO_PERMISSIONS'))
    },
  )
})

describe('a superuser of the exchange', () => {
  beforeEach(() => {
    issuer.on(
      paths.organizations,
      page([organization(20009, 'super_user'), organization(20010, 'super_user')]),
    )
    issuer.on(paths.studies, { body: studiesOfBothMember })
    issuer.on(paths.profile, { body: { ...profileOfNorthlakeMember, isSuperuser: true } })
  })

  it('is nobody without a rule', async () => {
    const { permissions } = await identify()
    expect([permissions.studies.size, permissions.organizations.size]).toEqual([0, 0])
    expect(permissions.superuser).toBe(false)
  })

  it.each([
    { claim: 'isSuperuser', value: true },
    { claim: 'currentUserRole', value: 'super_user' },
  ])('is one by the rule %j', async (superuser) => {
    expect((await identify({ superuser })).permissions.superuser).toBe(true)
  })

  it('is asked for by its profile where the subject is known too', async () => {
    issuer.on(paths.introspection, { body: { active: true, client_id: 'gateway', sub: '10013' } })
    const superuser = { claim: 'isSuperuser', value: true }
    expect((await identify({ superuser })).permissions.superuser).toBe(true)
    issuer.on(paths.profile, { body: profileOfNorthlakeMember })
    expect((await identify({ superuser })).permissions.superuser).toBe(false)
  })

  it('keeps the studies of organizations where it has a role of its own', async () => {
    issuer.on(paths.organizations, page([organization(20009, 'super_user'), organization(20010, 'viewer')]))
    const { permissions } = await identify()
    expect(idsOf(permissions.organizations)).toEqual(['20010'])
    expect(idsOf(permissions.studies)).toEqual(['30008'])
  })
})

describe('lists over several pages', () => {
  const first = [study(1, 20009), study(2, 20009)]
  const rest = [study(3, 20009)]
  const link = (query: string) => `${issuer.origin}/api/v1/studies?${query}`

  it('are followed to their end', async () => {
    issuer.on(
      `${paths.studies}?page_size=1000`,
      page(first, { count: 3, next: link('page=2&page_size=1000') }),
    )
    issuer.on(`${paths.studies}?page=2&page_size=1000`, page(rest, { count: 3 }))
    expect(idsOf((await identify()).permissions.studies)).toEqual(['1', '2', '3'])
  })

  it('are followed on the configured address, wherever a link points', async () => {
    const attacker = await startLoopback()
    const links = [
      `${attacker.origin}/api/v1/studies?page=2`,
      `//${attacker.origin.slice(7)}/api/v1/studies?page=2`,
      '/api/v1/users/everybody?page=2',
      '?page=2',
    ]
    issuer.on(`${paths.studies}?page=2`, page(rest, { count: 3 }))
    for (const next of links) {
      issuer.on(`${paths.studies}?page_size=1000`, page(first, { count: 3, next }))
      expect(idsOf((await identify()).permissions.studies)).toEqual(['1', '2', '3'])
    }
    expect(attacker.seen).toHaveLength(0)
    await attacker.close()
  })

  it.each<[string, Answer, Answer | undefined]>([
    ['says more than it lists', page(first, { count: 3 }), undefined],
    ['lists more than it says', page(first, { count: 1 }), undefined],
    ['names one twice', page([study(1, 20009), study(1, 20009)]), undefined],
    ['has a link without a page', page(first, { count: 3, next: '/api/v1/studies' }), undefined],
    ['has a link that is a number', page(first, { count: 3, next: 2 }), undefined],
    ['loses its next page', page(first, { count: 3, next: '?page=2' }), notFound],
    [
      'changes its count on the way',
      page(first, { count: 3, next: '?page=2' }),
      page(rest, { count: 4, next: null }),
    ],
    ['repeats a page', page(first, { count: 4, next: '?page=2' }), page(first, { count: 4, next: null })],
    [
      'goes round in circles',
      page(first, { count: 3, next: '?page=2' }),
      page(first, { count: 3, next: '?page=2' }),
    ],
    ['never ends', page([], { count: 3, next: '?page=2' }), page([], { count: 3, next: '?page=2' })],
  ])('are refused when one %s', async (_, answer, second) => {
    issuer.on(`${paths.studies}?page_size=1000`, answer)
    if (second !== undefined) issuer.on(`${paths.studies}?page=2`, second)
    await expect(identify()).rejects.toEqual(refusal('NO_PERMISSIONS'))
    expect(issuer.count(paths.studies)).toBeLessThanOrEqual(50)
  })
})

describe('answers that are none', () => {
  it.each<[string, string, Answer, string]>([
    ['refuses the token', paths.organizations, { status: 401, body: badToken }, 'TOKEN_INVALID'],
    ['forbids it', paths.studies, { status: 403, body: {} }, 'NO_PERMISSIONS'],
    ['fails', paths.studies, { status: 503, body: {} }, 'EXCHANGE_UNAVAILABLE'],
    ['has no organizations', paths.organizations, notFound, 'EXCHANGE_UNAVAILABLE'],
    ['has no profile', paths.profile, notFound, 'EXCHANGE_UNAVAILABLE'],
    ['has a profile without an id', paths.profile, { body: { email: 'a@example.com' } }, 'NO_PERMISSIONS'],
    ['answers a bare list', paths.studies, { body: [study(1, 2)] }, 'NO_PERMISSIONS'],
    ['has a study without an id', paths.studies, page([{ name: 'x' }]), 'NO_PERMISSIONS'],
    ['has a study with an id of no kind', paths.studies, page([{ id: 'a b' }]), 'NO_PERMISSIONS'],
    [
      'has an organization that says nothing of a role',
      paths.organizations,
      page([{ id: 20009, name: 'x' }]),
      'NO_PERMISSIONS',
    ],
    [
      'has a role that is a list',
      paths.organizations,
      page([{ id: 20009, name: 'x', currentUserRole: ['manager'] }]),
      'NO_PERMISSIONS',
    ],
  ])('refuse the token when the exchange %s', async (_, path, answer, code) => {
    issuer.on(path, answer)
    await expect(identify()).rejects.toEqual(refusal(code))
  })

  it('leave a study without its organization when the exchange names none', async () => {
    issuer.on(paths.studies, page([{ id: 7, organization: null }]))
    expect([...(await identify()).permissions.studies.values()]).toEqual([{ id: '7', organizations: [] }])
  })
})
