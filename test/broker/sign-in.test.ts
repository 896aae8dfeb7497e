import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Assistant, post } from './assistant.ts'
import { manager, type Setting, startSetting } from './setting.ts'

let setting: Setting

beforeEach(async () => {
  setting = await startSetting()
})
afterEach(() => setting.close())

const allData = ['user/Observation.rs', 'user/Patient.rs', 'user/ResearchStudy.rs']
const scopesOf = (scope: unknown) => String(scope).split(' ').sort()

describe('an MCP client that has to register', () => {
  it('registers, signs its person in, and calls a tool with the permissions of that person', async () => {
    const assistant = new Assistant(setting.mcpUrl)
    const tokens = await assistant.signIn()
    expect(decodeProtectedHeader(tokens.access_token)).toMatchObject({ typ: 'at+jwt', alg: 'ES256' })
    const { claims } = assistant
    expect(claims).toMatchObject({
      iss: setting.issuer,
      aud: setting.mcpUrl,
      sub: manager.id,
      client_id: assistant.information?.client_id,
      jhe_permissions: manager.claim,
    })
    expect(scopesOf(claims.scope)).toEqual(allData)
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(600)
    expect(await assistant.call('list_studies')).toContain('30006')
  })

  it("sends the exchange the person's own token there, and never its own; the client never sees that one", async () => {
    const assistant = new Assistant(setting.mcpUrl)
    const tokens = await assistant.signIn()
    await assistant.call('list_studies')
    const [held] = [...setting.upstream.accessTokens.keys()]
    const sent = setting.exchange.requests.map(({ headers }) => headers.authorization)
    expect(new Set(sent.filter((header) => header !== undefined))).toEqual(new Set([`Bearer ${held}`]))
    const seen = [JSON.stringify(tokens), JSON.stringify(assistant.claims), ...assistant.browser.history]
    expect(seen.join('\n')).not.toContain(held)
    expect(JSON.stringify(setting.exchange.requests)).not.toContain(tokens.access_token)
  })

  it('leaves no token, code or state in the log', async () => {
    const assistant = new Assistant(setting.mcpUrl)
    const tokens = await assistant.signIn()
    await assistant.refresh()
    await assistant.call('list_studies')
    const log = setting.log.join('\n')
    expect(log).toContain('mcp call')
    for (const secret of [
      tokens.access_token,
      tokens.refresh_token ?? '-',
      ...setting.upstream.accessTokens.keys(),
      'code=',
      'state=',
    ]) {
      expect(log).not.toContain(secret)
    }
  })

  it('gets an ID token with the permissions when it asks for one', async () => {
    const assistant = new Assistant(setting.mcpUrl)
    const url = await assistant.start()
    url.searchParams.set('scope', 'openid')
    const tokens = await assistant.redeem(await assistant.approve(url))
    expect(decodeJwt(tokens.id_token ?? '')).toMatchObject({
      iss: setting.issuer,
      aud: assistant.information?.client_id,
      sub: manager.id,
      jhe_permissions: manager.claim,
    })
    expect(scopesOf(assistant.claims.scope)).toEqual(allData)
  })

  it('may be given less than it asks for', async () => {
    const assistant = new Assistant(setting.mcpUrl)
    const tokens = await assistant.signIn({ decision: 'allow', scopes: ['user/ResearchStudy.rs'] })
    expect(assistant.claims.scope).toBe('user/ResearchStudy.rs')
    expect(tokens.refresh_token).toBeUndefined()
    const study = { study_id: '30006' }
    expect(await assistant.call('get_study_metadata', study)).toContain('30006')
    await expect(assistant.call('list_study_patients', study)).rejects.toThrow()
  })

  it.each([
    ['says no', { decision: 'deny' as const }],
    ['takes every data scope away', { decision: 'allow' as const, scopes: ['offline_access'] }],
  ])('gets access_denied when the person %s, and nothing is held', async (_, decision) => {
    const assistant = new Assistant(setting.mcpUrl)
    const back = await assistant.approve(await assistant.start(), decision)
    expect(back.searchParams.get('error')).toBe('access_denied')
    expect(back.searchParams.get('iss')).toBe(setting.issuer)
    expect(back.searchParams.get('code')).toBeNull()
    expect(setting.upstream.accessTokens.size).toBe(0)
  })

  it('gets access_denied when the upstream does not let the person in', async () => {
    setting.upstream.person = undefined
    const assistant = new Assistant(setting.mcpUrl)
    const back = await assistant.approve(await assistant.start())
    expect(back.searchParams.get('error')).toBe('access_denied')
  })
})

describe('the consent of a person', () => {
  it('is asked for in words, with names, and remembered for that client', async () => {
    const assistant = new Assistant(setting.mcpUrl)
    await assistant.signIn()
    expect(assistant.page?.html).toContain('A test assistant')
    expect(assistant.page?.html).toContain('Northlake Clinic')
    expect(assistant.page?.headers.get('content-security-policy')).toContain("default-src 'none'")
    assistant.page = undefined
    await assistant.signIn()
    expect(assistant.page).toBeUndefined()
    expect(scopesOf(assistant.claims.scope)).toEqual(allData)
  })

  it('is asked for by each client anew', async () => {
    await new Assistant(setting.mcpUrl).signIn()
    const other = new Assistant(setting.mcpUrl, { client_name: 'Another one' })
    await other.signIn()
    expect(other.page?.html).toContain('Another one')
  })

  it('is asked for anew when the client wants that', async () => {
    const assistant = new Assistant(setting.mcpUrl)
    await assistant.signIn()
    assistant.page = undefined
    const url = await assistant.start()
    url.searchParams.set('prompt', 'consent')
    await assistant.redeem(await assistant.approve(url))
    expect(assistant.page).toBeDefined()
  })

  it('is asked for again when something was refused, so that a client can step up', async () => {
    const assistant = new Assistant(setting.mcpUrl)
    const narrow = ['user/ResearchStudy.rs', 'user/Patient.rs', 'offline_access']
    await assistant.signIn({ decision: 'allow', scopes: narrow })
    expect(scopesOf(assistant.claims.scope)).not.toContain('user/Observation.rs')
    assistant.page = undefined
    await assistant.signIn()
    expect(assistant.page).toBeDefined()
    expect(scopesOf(assistant.claims.scope)).toEqual(allData)
    assistant.page = undefined
    await assistant.signIn()
    expect(assistant.page).toBeUndefined()
  })

  it('is of that person alone', async () => {
    const assistant = new Assistant(setting.mcpUrl)
    await assistant.signIn()
    assistant.page = undefined
    setting.upstream.person = '10013'
    setting.upstream.claims.set('10013', { studies: ['30006'], organizations: [] })
    await assistant.signIn()
    expect(assistant.page).toBeDefined()
    expect(assistant.claims.sub).toBe('10013')
  })
})

describe('a refresh', () => {
  it('computes the permissions anew: what was withdrawn is gone, what was given is there', async () => {
    const assistant = new Assistant(setting.mcpUrl)
    const first = await assistant.signIn()
    const less = { studies: [{ id: '30007', organization: '20009' }], organizations: [] }
    setting.upstream.claims.set(manager.id, less)
    expect(await assistant.refresh()).toBe('AUTHORIZED')
    expect(assistant.claims.jhe_permissions).toEqual(less)
    expect(assistant.stored?.refresh_token).not.toBe(first.refresh_token)
    expect(await assistant.call('list_studies')).not.toContain('30006')
  })

  it("ends the sign-in when the upstream's has ended, and destroys what is held", async () => {
    const assistant = new Assistant(setting.mcpUrl)
    await assistant.signIn()
    const form = refreshForm(assistant)
    await setting.upstream.forgetAll()
    expect(await post(`${setting.issuer}/token`, form)).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    })
    await expect(setting.broker.heldToken(principalOf(assistant))).rejects.toMatchObject({
      code: 'FHIR_MCP_TOKEN_INVALID',
    })
  })

  it('can be tried again when the upstream did not answer', async () => {
    const assistant = new Assistant(setting.mcpUrl)
    await assistant.signIn()
    setting.upstream.instead = ({ pathname }) => (pathname === '/token' ? { status: 502 } : undefined)
    const failed = await post(`${setting.issuer}/token`, refreshForm(assistant))
    expect(failed.status).toBe(503)
    expect(failed.body).toMatchObject({
      error: 'server_error',
      error_description: 'FHIR_MCP_ISSUER_UNAVAILABLE: The issuer of access tokens could not be asked.',
    })
    setting.upstream.instead = undefined
    expect((await post(`${setting.issuer}/token`, refreshForm(assistant))).status).toBe(200)
  })

  it('makes no token when the permissions are not there any more', async () => {
    const assistant = new Assistant(setting.mcpUrl)
    await assistant.signIn()
    setting.upstream.claims.delete(manager.id)
    const refused = await post(`${setting.issuer}/token`, refreshForm(assistant))
    expect(refused.status).toBe(500)
    expect(refused.body).toEqual({
      error: 'server_error',
      error_description: 'FHIR_MCP_NO_PERMISSIONS: The token carries no readable permissions.',
    })
    setting.upstream.claims.set(manager.id, manager.claim)
    expect((await post(`${setting.issuer}/token`, refreshForm(assistant))).status).toBe(200)
  })

  it('may ask for less, but not for nothing', async () => {
    const assistant = new Assistant(setting.mcpUrl)
    await assistant.signIn()
    const nothing = await post(`${setting.issuer}/token`, {
      ...refreshForm(assistant),
      scope: 'offline_access',
    })
    expect(nothing.body.error).toBe('invalid_scope')
    const less = await post(`${setting.issuer}/token`, {
      ...refreshForm(assistant),
      scope: 'user/Patient.rs',
    })
    expect(decodeJwt(String(less.body.access_token)).scope).toBe('user/Patient.rs')
  })
})

describe('what is held', () => {
  it('is refreshed when it is about to expire, once for all who want it', async () => {
    const assistant = new Assistant(setting.mcpUrl)
    await assistant.signIn()
    const principal = principalOf(assistant)
    const before = await setting.broker.heldToken(principal)
    setting.clock.now += 1_209_600_000
    const tokens = await Promise.all([1, 2, 3, 4].map(() => setting.broker.heldToken(principal)))
    expect(new Set(tokens).size).toBe(1)
    expect(tokens[0]).not.toBe(before)
    expect(setting.upstream.refreshes).toMatchObject({ count: 1, most: 1 })
  })

  it('is refreshed one at a time, whoever refreshes', async () => {
    const assistant = new Assistant(setting.mcpUrl)
    await assistant.signIn()
    setting.clock.now += 1_209_600_000
    const [refreshed] = await Promise.all([
      post(`${setting.issuer}/token`, refreshForm(assistant)),
      setting.broker.heldToken(principalOf(assistant)),
      setting.broker.heldToken(principalOf(assistant)),
    ])
    expect(refreshed.status).toBe(200)
    expect(setting.upstream.refreshes.most).toBe(1)
    const held = await setting.broker.heldToken(principalOf(assistant))
    expect(setting.upstream.accessTokens.get(held)).toBe(manager.id)
  })

  it('is given for the principal of that sign-in alone', async () => {
    const assistant = new Assistant(setting.mcpUrl)
    await assistant.signIn()
    const own = principalOf(assistant)
    expect(await setting.broker.heldToken(own)).toBeTypeOf('string')
    for (const foreign of [
      { ...own, issuer: 'https://another.example' },
      { ...own, subject: '10013' },
      { ...own, client: 'another' },
      { ...own, grant: 'another' },
      { ...own, grant: undefined },
    ]) {
      await expect(setting.broker.heldToken(foreign)).rejects.toMatchObject({
        code: 'FHIR_MCP_TOKEN_INVALID',
      })
    }
  })
})

describe('revocation', () => {
  it.each(['refresh_token', 'access_token'] as const)(
    'of the %s ends the sign-in, there and here',
    async (kind) => {
      const assistant = new Assistant(setting.mcpUrl)
      const tokens = await assistant.signIn()
      const client_id = assistant.information?.client_id ?? ''
      const token = tokens[kind] ?? ''
      const introspected = await post(`${setting.issuer}/introspect`, { client_id, token })
      expect(introspected.body).toMatchObject({ active: true, client_id, sub: manager.id })
      expect((await post(`${setting.issuer}/revoke`, { client_id, token })).status).toBe(200)
      expect((await post(`${setting.issuer}/introspect`, { client_id, token })).body).toEqual({
        active: false,
      })
      const refused = await post(`${setting.issuer}/token`, refreshForm(assistant))
      expect(refused.body.error).toBe('invalid_grant')
      expect(setting.upstream.accessTokens.size).toBe(0)
    },
  )

  it('is for the own tokens of a client alone, and so is introspection', async () => {
    const assistant = new Assistant(setting.mcpUrl)
    const tokens = await assistant.signIn()
    const other = new Assistant(setting.mcpUrl)
    await other.start()
    const client_id = other.information?.client_id ?? ''
    for (const token of [tokens.access_token, tokens.refresh_token ?? '']) {
      expect((await post(`${setting.issuer}/introspect`, { client_id, token })).body).toEqual({
        active: false,
      })
      await post(`${setting.issuer}/revoke`, { client_id, token })
    }
    expect(await assistant.refresh()).toBe('AUTHORIZED')
  })
})

function refreshForm(assistant: Assistant): Record<string, string> {
  return {
    grant_type: 'refresh_token',
    refresh_token: assistant.stored?.refresh_token ?? '',
    client_id: assistant.information?.client_id ?? '',
  }
}

function principalOf({ claims }: Assistant) {
  return {
    issuer: claims.iss ?? '',
    subject: claims.sub ?? '',
    client: String(claims.client_id),
    grant: String(claims.grant_id),
  }
}
