import { describe, expect, it, onTestFinished } from 'vitest'
import { Assistant, post } from './assistant.ts'
import { manager, type Setting, type SettingOptions, startSetting } from './setting.ts'
import { upstreamClient } from './upstream.ts'

async function start(claims: NonNullable<SettingOptions['claims']>): Promise<Setting> {
  const setting = await startSetting({ claims })
  onTestFinished(() => setting.close())
  return setting
}

const sources: readonly (readonly [string, NonNullable<SettingOptions['claims']>])[] = [
  ['id_token', () => ({ sources: ['id_token'] })],
  ['userinfo', () => ({ sources: ['userinfo'] })],
  [
    'introspection',
    ({ introspectionUrl }) => ({
      sources: ['introspection'],
      introspection: { url: introspectionUrl, ...upstreamClient },
    }),
  ],
  ['exchange', (_, { origin }) => ({ sources: ['exchange'], apiUrl: `${origin}/api/v1` })],
]

describe('the permissions of a person', () => {
  it.each(sources)('come from %s, at sign-in and at each refresh', async (source, claims) => {
    const setting = await start(claims)
    const assistant = new Assistant(setting.mcpUrl)
    await assistant.signIn()
    expect(assistant.claims.jhe_permissions).toMatchObject(manager.claim)
    if (source === 'exchange') {
      const [study] = setting.exchange.cohort.studies.splice(0, 1)
      expect(study?.id).toBe(30006)
    } else {
      setting.upstream.claims.set(manager.id, { studies: ['30007'], organizations: [] })
    }
    expect(await assistant.refresh()).toBe('AUTHORIZED')
    expect(assistant.claims.jhe_permissions).toMatchObject({ studies: [{ id: '30007' }] })
    expect(JSON.stringify(assistant.claims.jhe_permissions)).not.toContain('30006')
  })

  it('come from the first source that has them', async () => {
    const setting = await start((_, { origin }) => ({
      sources: ['id_token', 'userinfo', 'exchange'],
      apiUrl: `${origin}/api/v1`,
    }))
    setting.upstream.claims.delete(manager.id)
    const assistant = new Assistant(setting.mcpUrl)
    await assistant.signIn()
    expect(assistant.claims.jhe_permissions).toMatchObject(manager.claim)
  })

  it('come from a new ID token when the sources before it have none', async () => {
    const setting = await start((_, { origin }) => ({
      sources: ['introspection', 'id_token'],
      introspection: { url: `${origin}/introspect`, ...upstreamClient },
    }))
    setting.exchange.misbehave(() => ({ kind: 'status', status: 200, body: { active: true } }))
    const assistant = new Assistant(setting.mcpUrl)
    await assistant.signIn()
    setting.upstream.claims.set(manager.id, { studies: ['30007'], organizations: [] })
    expect(await assistant.refresh()).toBe('AUTHORIZED')
    expect(assistant.claims.jhe_permissions).toEqual({ studies: [{ id: '30007' }], organizations: [] })
    expect(setting.upstream.refreshes.count).toBe(1)
    setting.upstream.claims.delete(manager.id)
    expect(await assistant.refresh()).toBe('REDIRECT')
  })

  it('make a sign-in fail whose source says that it is of somebody else', async () => {
    const setting = await start(() => ({ sources: ['userinfo'] }))
    setting.upstream.instead = ({ pathname }) => {
      if (pathname !== '/me') return undefined
      return { status: 200, json: { sub: '10013', jhe_permissions: manager.claim } }
    }
    const assistant = new Assistant(setting.mcpUrl)
    const back = await assistant.approve(await assistant.start())
    expect(back.searchParams.get('error_description')).toContain('FHIR_MCP_TOKEN_INVALID')
  })

  it('are refused when they are too many for a token that a server would take', async () => {
    const setting = await start(() => ({ sources: ['userinfo'] }))
    const studies = (count: number) => Array.from({ length: count }, (_, index) => String(100_000 + index))
    setting.upstream.claims.set(manager.id, { studies: studies(1000), organizations: [] })
    const assistant = new Assistant(setting.mcpUrl)
    await expect(assistant.signIn()).rejects.toThrow()
    setting.upstream.claims.set(manager.id, { studies: studies(300), organizations: [] })
    const another = new Assistant(setting.mcpUrl)
    await another.signIn()
    expect(another.claims.jhe_permissions).toMatchObject({ studies: { length: 300 } })
  })

  it('are not guessed when their source does not answer', async () => {
    const setting = await start(() => ({ sources: ['userinfo'] }))
    setting.upstream.instead = ({ pathname }) => (pathname === '/me' ? { status: 500 } : undefined)
    const assistant = new Assistant(setting.mcpUrl)
    const back = await assistant.approve(await assistant.start())
    expect(back.searchParams.get('error')).toBe('server_error')
    expect(back.searchParams.get('error_description')).toContain('FHIR_MCP_ISSUER_UNAVAILABLE')
    setting.upstream.instead = undefined
    await assistant.signIn()
  })

  it('are read with a new token when the upstream does not take its own any more', async () => {
    const setting = await start(() => ({ sources: ['userinfo'] }))
    const assistant = new Assistant(setting.mcpUrl)
    await assistant.signIn()
    let refusals = 0
    setting.upstream.instead = ({ pathname }) => {
      if (pathname !== '/me' || refusals === 1) return undefined
      refusals += 1
      return { status: 401 }
    }
    expect(await assistant.refresh()).toBe('AUTHORIZED')
    expect(setting.upstream.refreshes.count).toBe(1)
  })

  it('end the sign-in when the upstream takes none of its tokens', async () => {
    const setting = await start(() => ({ sources: ['userinfo'] }))
    const assistant = new Assistant(setting.mcpUrl)
    await assistant.signIn()
    setting.upstream.instead = ({ pathname }) => (pathname === '/me' ? { status: 401 } : undefined)
    const form = {
      grant_type: 'refresh_token',
      refresh_token: assistant.stored?.refresh_token ?? '',
      client_id: assistant.information?.client_id ?? '',
    }
    expect((await post(`${setting.issuer}/token`, form)).body.error).toBe('invalid_grant')
    setting.upstream.instead = undefined
    expect((await post(`${setting.issuer}/token`, form)).body.error).toBe('invalid_grant')
  })
})
