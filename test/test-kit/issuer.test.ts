import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { permissionsClaim, startIssuer, type TestIssuer } from '../../src/test-kit/index.ts'

const now = Date.UTC(2026, 10, 23, 12)
let issuer: TestIssuer

beforeAll(async () => {
  issuer = await startIssuer({ now: () => now })
})
afterAll(() => issuer.close())
beforeEach(() => issuer.reset())

const verify = (token: string, options: { issuer?: string; typ?: string } = {}) =>
  jwtVerify(token, createRemoteJWKSet(new URL(issuer.jwksUri)), {
    issuer: issuer.url,
    audience: 'us',
    currentDate: new Date(now),
    ...options,
  })

describe('tokens of the issuer', () => {
  it.each(['RS256', 'PS256', 'ES256', 'EdDSA'] as const)(
    'verify with its keys when signed by %s',
    async (alg) => {
      const claims = permissionsClaim({ studies: ['study-a'], organizations: { 'org-1': 'manager' } })
      const token = await issuer.token({ aud: 'us', ...claims }, { alg })
      const { payload, protectedHeader } = await verify(token, { typ: 'at+jwt' })
      expect(protectedHeader.alg).toBe(alg)
      expect(payload).toMatchObject({ sub: 'user-1', exp: now / 1000 + 600, ...claims })
      expect(issuer.requests.map(({ path }) => path)).toEqual(['/jwks'])
    },
  )

  it('can be wrong in every way that is asked for', async () => {
    const control = await issuer.token({ aud: 'us' })
    await expect(verify(control)).resolves.toBeDefined()
    await expect(verify(await issuer.token({ aud: 'us' }, { expiresIn: -1 }))).rejects.toThrow('exp')
    await expect(verify(await issuer.token({ aud: 'them' }))).rejects.toThrow('aud')
    await expect(verify(await issuer.token({ aud: 'us', iss: 'them' }))).rejects.toThrow('iss')
    const unsigned = await issuer.token({ aud: 'us' }, { alg: 'none' })
    expect(decodeProtectedHeader(unsigned).alg).toBe('none')
    await expect(verify(unsigned)).rejects.toThrow()
    const secret = new TextEncoder().encode('a secret of at least thirty-two bytes')
    await expect(verify(await issuer.token({ aud: 'us' }, { alg: 'HS256', key: secret }))).rejects.toThrow()
    await expect(issuer.token({ aud: 'us' }, { alg: 'HS256' })).rejects.toThrow('needs a key')
    const odd = await issuer.token({ aud: 'us', sub: 'x' }, { kid: 'other', typ: 'JWT' })
    expect(decodeProtectedHeader(odd)).toMatchObject({ kid: 'other', typ: 'JWT' })
    expect(decodeJwt(odd).sub).toBe('x')
  })

  it('do not verify any more once the keys are rotated', async () => {
    const other = await startIssuer({ now: () => now })
    const keys = () => createRemoteJWKSet(new URL(other.jwksUri))
    const token = await other.token({ aud: 'us' })
    const options = { currentDate: new Date(now) }
    await expect(jwtVerify(token, keys(), options)).resolves.toBeDefined()
    await other.rotate()
    await expect(jwtVerify(token, keys(), options)).rejects.toThrow()
    await other.close()
  })
})

describe('the endpoints of the issuer', () => {
  it('are found by discovery', async () => {
    const response = await fetch(`${issuer.url}/.well-known/openid-configuration`)
    expect(await response.json()).toMatchObject({
      issuer: issuer.url,
      jwks_uri: issuer.jwksUri,
      introspection_endpoint: issuer.introspectionUrl,
      userinfo_endpoint: issuer.userinfoUrl,
    })
    expect((await fetch(`${issuer.url}/elsewhere`)).status).toBe(404)
  })

  it('introspect opaque tokens for the client that signs in, by Basic or in the form', async () => {
    const token = issuer.opaque({ introspection: { sub: 'u', aud: 'us' } })
    const { id, secret } = issuer.client
    const basic = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
    const introspect = async (form: Record<string, string>, authorization?: string) => {
      const response = await fetch(issuer.introspectionUrl, {
        method: 'POST',
        headers: authorization === undefined ? {} : { authorization },
        body: new URLSearchParams(form),
      })
      return { status: response.status, body: (await response.json()) as unknown }
    }
    expect(await introspect({ token }, basic)).toEqual({
      status: 200,
      body: { active: true, sub: 'u', aud: 'us' },
    })
    expect(await introspect({ token, client_id: id, client_secret: secret })).toMatchObject({ status: 200 })
    expect((await introspect({ token: 'unknown' }, basic)).body).toEqual({ active: false })
    expect((await introspect({}, basic)).body).toEqual({ active: false })
    expect((await introspect({ token })).status).toBe(401)
  })

  it('answer userinfo for the tokens that have some', async () => {
    const userinfo = (token?: string) =>
      fetch(issuer.userinfoUrl, token === undefined ? {} : { headers: { Authorization: `Bearer ${token}` } })
    const response = await userinfo(issuer.opaque({ userinfo: { sub: 'u' } }))
    expect(await response.json()).toEqual({ sub: 'u' })
    expect((await userinfo(issuer.opaque())).status).toBe(401)
    expect((await userinfo()).status).toBe(401)
    expect(issuer.count).toBe(3)
  })
})

describe('permissionsClaim', () => {
  it('makes the claim of somebody who sees nothing when nothing is said', () => {
    expect(permissionsClaim()).toEqual({ jhe_permissions: { studies: [], organizations: [] } })
  })

  it('leaves a role out where there is none', () => {
    expect(permissionsClaim({ organizations: { a: 'viewer', b: undefined } })).toEqual({
      jhe_permissions: { studies: [], organizations: [{ id: 'a', role: 'viewer' }, { id: 'b' }] },
    })
  })
})
