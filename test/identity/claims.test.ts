import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AuthOptions } from '../../src/config/auth.ts'
import { createIdentify } from '../../src/identity/create-identify.ts'
import {
  claim,
  dependencies,
  type Issuer,
  idsOf,
  now,
  refusal,
  signal,
  signingKey,
  signRaw,
  startIssuer,
} from './loopback-issuer.ts'

let issuer: Issuer

beforeAll(async () => {
  issuer = await startIssuer(await signingKey('RS256', 'key-1'))
})
afterAll(() => issuer.close())

async function identify(claims: Record<string, unknown>, options: Partial<AuthOptions> = {}) {
  const token = await issuer.accessToken(claims)
  return createIdentify(issuer.options(options), dependencies())(token, signal)
}

describe('the permissions claim', () => {
  it.each([
    ['texts', { studies: ['30006'], organizations: ['20009'] }],
    ['numbers', { studies: [30006], organizations: [20009] }],
    ['objects', { studies: [{ id: 30006 }], organizations: [{ id: '20009', role: null }] }],
  ])('may have its ids as %s', async (_, jhe_permissions) => {
    const { permissions } = await identify({ jhe_permissions })
    expect(idsOf(permissions.studies)).toEqual(['30006'])
    expect(idsOf(permissions.organizations)).toEqual(['20009'])
  })

  it('may be empty: signed in, sees nothing', async () => {
    const { permissions } = await identify({ jhe_permissions: { studies: [], organizations: [] } })
    expect([permissions.studies.size, permissions.organizations.size]).toEqual([0, 0])
  })

  it('may be nested', async () => {
    const nested = {
      ext: { 'https://example.org/app': { jhe_permissions: claim } },
      jhe_permissions: undefined,
    }
    const options = { claimPath: ['ext', 'https://example.org/app'] }
    expect(idsOf((await identify(nested, options)).permissions.studies)).toEqual(claim.studies)
    await expect(identify(nested)).rejects.toEqual(refusal('NO_PERMISSIONS'))
  })

  it('may have a URI for a name, whose dots and slashes mean nothing', async () => {
    const name = 'https://example.org/claims/jhe.permissions'
    const { permissions } = await identify({ jhe_permissions: undefined, [name]: claim }, { claim: name })
    expect(idsOf(permissions.studies)).toEqual(claim.studies)
  })

  it.each<[string, unknown]>([
    ['null', null],
    ['a text', JSON.stringify(claim)],
    ['a list', [claim]],
    ['true', true],
    ['an empty object', {}],
    ['without organizations', { studies: ['30006'] }],
    ['with one malformed id', { studies: ['30006', '../Patient'], organizations: [] }],
    ['with an id that is a fraction', { studies: [1.5], organizations: [] }],
    ['with an id of a prototype', { studies: ['__proto__'], organizations: [] }],
    ['with a role that is a list', { studies: [], organizations: [{ id: '1', role: ['manager'] }] }],
  ])('is refused when it is malformed: %s', async (_, jhe_permissions) => {
    await expect(identify({ jhe_permissions })).rejects.toEqual(refusal('NO_PERMISSIONS'))
  })

  it('is refused when it is missing, whatever the name finds on a prototype', async () => {
    await expect(identify({ jhe_permissions: undefined })).rejects.toEqual(refusal('NO_PERMISSIONS'))
    for (const name of ['constructor', 'toString', '__proto__']) {
      await expect(identify({}, { claim: name })).rejects.toEqual(refusal('NO_PERMISSIONS'))
      await expect(identify({}, { claimPath: [name] })).rejects.toEqual(refusal('NO_PERMISSIONS'))
    }
  })

  it('is refused when what it is nested in is no object', async () => {
    for (const ext of ['x', null, [{ jhe_permissions: claim }], 5]) {
      await expect(identify({ ext }, { claimPath: ['ext'] })).rejects.toEqual(refusal('NO_PERMISSIONS'))
    }
  })

  it('is said to be unreadable at its first wrong element', async () => {
    const unreadable = (at: string) => expect.objectContaining({ code: 'FHIR_MCP_NO_PERMISSIONS', at })
    const claimPath = ['ext', 'inner']
    await expect(identify({ ext: { inner: 5 } }, { claimPath })).rejects.toEqual(unreadable('ext.inner'))
    const nested = { ext: { inner: { reach: { studies: ['a b'], organizations: [] } } } }
    await expect(identify(nested, { claimPath, claim: 'reach' })).rejects.toEqual(
      unreadable('ext.inner.reach.studies[0]'),
    )
    await expect(identify({ patient: 'Patient/1' })).rejects.toEqual(unreadable('patient'))
    await expect(identify({ jhe_permissions: undefined })).rejects.toMatchObject({ at: undefined })
  })

  it('is no prototype of anything: a key __proto__ gives nothing', async () => {
    const payload = JSON.stringify({ ...issuer.claims(), jhe_permissions: undefined }).replace(
      /}$/,
      `,"__proto__":{"jhe_permissions":${JSON.stringify(claim)}}}`,
    )
    const token = signRaw(issuer.key, { alg: 'RS256', kid: 'key-1', typ: 'at+jwt' }, payload)
    const identify = createIdentify(issuer.options(), dependencies())
    await expect(identify(token, signal)).rejects.toEqual(refusal('NO_PERMISSIONS'))
  })

  it('never makes a superuser by itself', async () => {
    const { permissions } = await identify({ jhe_permissions: { ...claim, superuser: true } })
    expect(permissions.superuser).toBe(false)
  })
})

describe('the superuser rule', () => {
  const superuser = { claim: 'roles', value: 'exchange-admin' }

  it.each<[string, unknown]>([
    ['the value', 'exchange-admin'],
    ['a list that holds it', ['user', 'exchange-admin']],
  ])('makes a superuser of who has %s, and needs no permissions claim then', async (_, roles) => {
    const bare = await identify({ roles, jhe_permissions: undefined }, { superuser })
    expect(bare.permissions).toEqual({ studies: new Map(), organizations: new Map(), superuser: true })
    const both = await identify({ roles }, { superuser })
    expect(both.permissions.superuser).toBe(true)
    expect(idsOf(both.permissions.studies)).toEqual(claim.studies)
  })

  it.each<[string, unknown]>([
    ['another value', 'exchange-admin-of-nothing'],
    ['a list without it', ['user']],
    ['true', true],
    ['a list in a list', [['exchange-admin']]],
    ['nothing', undefined],
    ['null', null],
  ])('makes none of who has %s', async (_, roles) => {
    expect((await identify({ roles }, { superuser })).permissions.superuser).toBe(false)
    const bare = identify({ roles, jhe_permissions: undefined }, { superuser })
    await expect(bare).rejects.toEqual(refusal('NO_PERMISSIONS'))
  })

  it('takes a boolean for a boolean only', async () => {
    const rule = { superuser: { claim: 'is_superuser', value: true } }
    expect((await identify({ is_superuser: true }, rule)).permissions.superuser).toBe(true)
    expect((await identify({ is_superuser: 'true' }, rule)).permissions.superuser).toBe(false)
  })

  it('is not there by default', async () => {
    const given = { roles: ['exchange-admin'], is_superuser: true, isSuperuser: true }
    expect((await identify(given)).permissions.superuser).toBe(false)
  })

  it('does not mend a malformed claim', async () => {
    const broken = identify({ roles: 'exchange-admin', jhe_permissions: {} }, { superuser })
    await expect(broken).rejects.toEqual(refusal('NO_PERMISSIONS'))
  })
})

describe('the other claims', () => {
  it.each([undefined, null])('name no patient when patient is %s', async (patient) => {
    expect((await identify({ patient })).patient).toBeUndefined()
  })

  it.each(['', 'Patient/1', '..', 5, ['40006'], {}])(
    'refuse a launch context that is no id: %j',
    async (patient) => {
      await expect(identify({ patient })).rejects.toEqual(refusal('NO_PERMISSIONS'))
    },
  )

  it.each<[string, Record<string, unknown>]>([
    ['scope as a text', { scope: 'openid patient/Observation.rs' }],
    ['scope as a list', { scope: ['openid', 'patient/Observation.rs'] }],
    ['scp as a list', { scp: ['openid', 'patient/Observation.rs'] }],
    ['scp as a text', { scope: null, scp: 'patient/Observation.rs' }],
    ['both', { scope: 'openid', scp: ['patient/Observation.rs'] }],
  ])('have scopes by %s', async (_, claims) => {
    const { scopes } = await identify(claims)
    expect(scopes.present).toBe(true)
    expect(idsOf(scopes.clauses)).toEqual(['Observation'])
  })

  it('have no scopes that narrow when there are none', async () => {
    expect((await identify({})).scopes.present).toBe(false)
  })

  it.each([5, [5], { a: 1 }, true])('refuse scopes that cannot be read: %j', async (scope) => {
    await expect(identify({ scope })).rejects.toEqual(refusal('TOKEN_INVALID'))
    await expect(identify({ scp: scope })).rejects.toEqual(refusal('TOKEN_INVALID'))
  })

  it.each<[Record<string, unknown>, string | undefined]>([
    [{ client_id: 'a', azp: 'b' }, 'a'],
    [{ client_id: undefined, azp: 'b' }, 'b'],
    [{ client_id: '', azp: 5 }, undefined],
  ])('name the client: %j', async (claims, client) => {
    expect((await identify(claims)).client).toBe(client)
  })

  it('are as old as iat says', async () => {
    expect((await identify({ iat: now - 899 })).claimsAt).toBe(now - 899)
  })
})
