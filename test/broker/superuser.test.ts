import { decodeJwt } from 'jose'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseBrokerOptions } from '../../src/broker/options.ts'
import type { JupyterHealthUser } from '../../src/test-kit/jupyterhealth-cohort.ts'
import { Assistant, post } from './assistant.ts'
import type { Visited } from './browser.ts'
import { type HapiSetting, person, startHapiSetting } from './hapi-setting.ts'
import { drawn } from './markup.ts'
import { brokerOptions, manager, startSetting } from './setting.ts'

const rule = { claim: 'groups', value: 'administrators' }

/** A setting whose claims are those of userinfo, which says `groups` where they are given. */
async function start(
  answer: () => Record<string, unknown>,
  claims: NonNullable<Parameters<typeof startHapiSetting>[0]>['broker'] = {
    claims: { sources: ['userinfo'], superuser: rule },
  },
): Promise<{ setting: HapiSetting; assistant: Assistant }> {
  const setting = await startHapiSetting({ broker: claims, auth: { superuser: rule } })
  setting.upstream.instead = ({ pathname }) =>
    pathname === '/me'
      ? { status: 200, json: { sub: person.id, jhe_permissions: person.claim, ...answer() } }
      : undefined
  return { setting, assistant: new Assistant(setting.mcpUrl) }
}

const studies = async (assistant: Assistant) =>
  [...new Set((await assistant.call('list_studies')).match(/study-[abc]/g))].sort()
/** Signs in with an ID token, and whatever more the client asks for. */
async function signInWithIdToken(assistant: Assistant, asked: Record<string, string> = {}): Promise<void> {
  const url = await assistant.start()
  for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value)
  url.searchParams.set('scope', `openid offline_access ${asked.scope ?? ''} user/ResearchStudy.rs`)
  await assistant.redeem(await assistant.approve(url))
}
const idClaims = (assistant: Assistant) => decodeJwt(assistant.stored?.id_token ?? '')

describe('a superuser at the upstream', () => {
  it('is one behind the broker, and the person is told that it is everything', async () => {
    const { setting, assistant } = await start(() => ({ groups: ['readers', 'administrators'] }))
    await signInWithIdToken(assistant)
    expect(assistant.claims.groups).toBe('administrators')
    expect(idClaims(assistant).groups).toBe('administrators')
    expect(assistant.claims.jhe_permissions).not.toHaveProperty('superuser')
    const page = drawn(assistant.page?.html ?? '')
    expect(page).toContain('everything: every study and every patient')
    expect(page).toContain('Study A')
    // Names are asked for by id, not for all that a superuser may see.
    expect(page).not.toContain('Study C')
    const [asked] = setting.exchange.requests.filter(({ path }) => path.includes('/ResearchStudy'))
    expect(asked?.path).toContain('_id=')
    expect(await studies(assistant)).toEqual(['study-a', 'study-b', 'study-c'])
  })

  it('is none any more at the next refresh after it was withdrawn, and one again when it is given back', async () => {
    const answer: Record<string, unknown> = { groups: ['administrators'] }
    const { assistant } = await start(() => answer)
    await signInWithIdToken(assistant)
    answer.groups = ['readers']
    expect(await assistant.refresh()).toBe('AUTHORIZED')
    expect(assistant.claims).not.toHaveProperty('groups')
    expect(idClaims(assistant)).not.toHaveProperty('groups')
    expect(await studies(assistant)).toEqual(['study-a', 'study-b'])
    answer.groups = 'administrators'
    await assistant.refresh()
    expect(assistant.claims.groups).toBe('administrators')
  })

  it('needs no permissions beside it, as with the plugin alone', async () => {
    const { assistant } = await start(() => ({ jhe_permissions: undefined, groups: ['administrators'] }))
    await assistant.signIn()
    expect(assistant.claims).toMatchObject({
      groups: 'administrators',
      jhe_permissions: { studies: [], organizations: [] },
    })
    expect(await studies(assistant)).toEqual(['study-a', 'study-b', 'study-c'])
  })

  it('is refused with a malformed claim beside it', async () => {
    const { assistant } = await start(() => ({ jhe_permissions: {}, groups: ['administrators'] }))
    const back = await assistant.approve(await assistant.start())
    expect(back.searchParams.get('error_description')).toContain('FHIR_MCP_NO_PERMISSIONS')
  })

  it('asks anew for consent that was given while it was none', async () => {
    const answer: Record<string, unknown> = {}
    const { assistant } = await start(() => answer)
    const shown = async () => {
      assistant.page = undefined
      await assistant.signIn()
      const { page } = assistant
      return page === undefined ? undefined : drawn((page as Visited).html)
    }
    expect(await shown()).not.toContain('everything')
    expect(await shown()).toBeUndefined()
    answer.groups = ['administrators']
    expect(await shown()).toContain('everything')
  })

  it('is known by the profile with the source exchange, and while it is there', async () => {
    const setting = await startSetting({
      claims: (_, { origin }) => ({
        sources: ['exchange'],
        apiUrl: `${origin}/api/v1`,
        superuser: { claim: 'isSuperuser', value: true },
      }),
    })
    onTestFinished(() => setting.close())
    const user: { -readonly [Key in keyof JupyterHealthUser]: JupyterHealthUser[Key] } | undefined =
      setting.exchange.cohort.users.find(({ id }) => String(id) === manager.id)
    if (user === undefined) throw new Error('no such user')
    const assistant = new Assistant(setting.mcpUrl)
    await assistant.signIn()
    expect(assistant.claims).not.toHaveProperty('isSuperuser')
    user.superuser = true
    await assistant.refresh()
    expect(assistant.claims.isSuperuser).toBe(true)
    user.superuser = false
    await assistant.refresh()
    expect(assistant.claims).not.toHaveProperty('isSuperuser')
  })
})

describe('nobody becomes a superuser', () => {
  it('by a claim of a source that did not give the permissions', async () => {
    // The ID token has this e-mail, and userinfo does not.
    const email = { claim: 'email', value: `${person.id}@example.org` }
    const byUserinfo = { claims: { sources: ['userinfo' as const], superuser: email } }
    const { assistant } = await start(() => ({}), byUserinfo)
    await assistant.signIn()
    expect(assistant.claims).not.toHaveProperty('email')
    const byIdToken = { claims: { sources: ['id_token' as const], superuser: email } }
    const control = await start(() => ({}), byIdToken)
    await control.assistant.signIn()
    expect(control.assistant.claims.email).toBe(email.value)
  })

  it('by what the claim of permissions says', async () => {
    const { assistant } = await start(() => ({
      jhe_permissions: { ...person.claim, groups: ['administrators'], superuser: true },
    }))
    await assistant.signIn()
    expect(assistant.claims).not.toHaveProperty('groups')
    expect(await studies(assistant)).toEqual(['study-a', 'study-b'])
  })

  it('by another value, or without a rule of the broker', async () => {
    const { assistant } = await start(() => ({ groups: ['administrators-of-nothing', true] }))
    await assistant.signIn()
    expect(assistant.claims).not.toHaveProperty('groups')
    const withoutRule = await start(() => ({ groups: ['administrators'] }), {
      claims: { sources: ['userinfo'] },
    })
    await withoutRule.assistant.signIn()
    expect(withoutRule.assistant.claims).not.toHaveProperty('groups')
    expect(await studies(withoutRule.assistant)).toEqual(['study-a', 'study-b'])
  })

  it('because a client asks for it', async () => {
    const { setting } = await start(() => ({ groups: ['readers'] }))
    const metadata = { client_name: 'A test assistant', groups: ['administrators'] }
    const assistant = new Assistant(setting.mcpUrl, metadata)
    const wanted = { groups: { essential: true, value: 'administrators' } }
    const claims = JSON.stringify({ id_token: wanted, userinfo: wanted })
    await signInWithIdToken(assistant, { claims, scope: 'groups', groups: 'administrators' })
    expect(assistant.claims).not.toHaveProperty('groups')
    expect(idClaims(assistant)).not.toHaveProperty('groups')
    const { body } = await post(`${setting.issuer}/token`, {
      grant_type: 'refresh_token',
      refresh_token: assistant.stored?.refresh_token ?? '',
      client_id: assistant.information?.client_id ?? '',
      groups: 'administrators',
      claims,
    })
    for (const token of [body.access_token, body.id_token]) {
      expect(decodeJwt(String(token))).not.toHaveProperty('groups')
    }
  })
})

describe('the rule', () => {
  it.each(['scope', 'aud', 'jhe_permissions', 'grant_id', 'patient', ''])(
    'cannot be on %j, which tokens have already or never',
    async (claim) => {
      const options = await brokerOptions('https://gateway.example', 'https://idp.example')
      const parse = (name: string) =>
        parseBrokerOptions({ ...options, claims: { superuser: { claim: name, value: 'x' } } })
      expect(() => parse(claim)).toThrow(/claims\.superuser\.claim/)
      expect(parse('https://idp.example/roles').claims.superuser?.value).toBe('x')
    },
  )
})
