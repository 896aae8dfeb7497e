import Fastify from 'fastify'
import { importJWK, SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { fhirMcp } from '../../plugins/index.ts'
import { broker } from '../../src/broker/index.ts'
import { connectHttp } from '../e2e/clients.ts'
import { Assistant, post } from './assistant.ts'
import { Browser } from './browser.ts'
import { brokerOptions, manager, type Setting, signingKey, startSetting } from './setting.ts'

let setting: Setting
let assistant: Assistant

beforeEach(async () => {
  setting = await startSetting()
  assistant = new Assistant(setting.mcpUrl)
})
afterEach(() => setting.close())

const tokenUrl = () => `${setting.issuer}/token`

function codeForm(back: URL, of = assistant): Record<string, string> {
  return {
    grant_type: 'authorization_code',
    code: back.searchParams.get('code') ?? '',
    redirect_uri: of.redirectUrl,
    client_id: of.information?.client_id ?? '',
    code_verifier: of.verifier,
  }
}

function refreshForm(refresh_token: unknown, of = assistant): Record<string, string> {
  return {
    grant_type: 'refresh_token',
    refresh_token: String(refresh_token),
    client_id: of.information?.client_id ?? '',
  }
}

const refused = { status: 400, body: { error: 'invalid_grant' } }

describe('an authorization code', () => {
  it('is good once; a second use ends what the first one gave', async () => {
    const form = codeForm(await assistant.approve(await assistant.start()))
    const first = await post(tokenUrl(), form)
    expect(first.status).toBe(200)
    expect(await post(tokenUrl(), form)).toMatchObject(refused)
    expect(await post(tokenUrl(), refreshForm(first.body.refresh_token))).toMatchObject(refused)
    expect(setting.upstream.accessTokens.size).toBe(0)
  })

  it('is good once when it is used twice at the same time', async () => {
    const form = codeForm(await assistant.approve(await assistant.start()))
    const answers = await Promise.all([1, 2, 3].map(() => post(tokenUrl(), form)))
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1)
    expect(setting.upstream.accessTokens.size).toBe(0)
  })

  it('is of the client that it was given to', async () => {
    const other = new Assistant(setting.mcpUrl)
    await other.start()
    const form = codeForm(await assistant.approve(await assistant.start()))
    const client_id = other.information?.client_id ?? ''
    expect(await post(tokenUrl(), { ...form, client_id })).toMatchObject(refused)
    expect((await post(tokenUrl(), form)).status).toBe(200)
  })

  it('goes with the redirect URI that it was asked for with', async () => {
    const form = codeForm(await assistant.approve(await assistant.start()))
    const redirect_uri = 'http://127.0.0.1:33419/callback'
    expect(await post(tokenUrl(), { ...form, redirect_uri })).toMatchObject(refused)
    expect((await post(tokenUrl(), form)).status).toBe(200)
  })

  it.each([
    ['without the verifier', undefined],
    ['with another verifier', 'another-verifier-that-is-long-enough-to-be-one-of-them'],
  ])('is refused %s', async (_, verifier) => {
    const { code_verifier, ...form } = codeForm(await assistant.approve(await assistant.start()))
    const wrong = verifier === undefined ? form : { ...form, code_verifier: verifier }
    expect(await post(tokenUrl(), wrong)).toMatchObject(refused)
    expect((await post(tokenUrl(), { ...form, code_verifier: code_verifier ?? '' })).status).toBe(200)
  })
})

describe('a request for authorization', () => {
  it.each([
    ['no code challenge', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
    ['a plain code challenge', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['no method, which would mean plain', { code_challenge_method: undefined }, 'invalid_request'],
    ['another resource', { resource: 'https://another.example/mcp' }, 'invalid_target'],
    ['a token in the answer', { response_type: 'token' }, 'unsupported_response_type'],
    ['no question to the person', { prompt: 'none' }, 'login_required'],
  ])('with %s is refused', async (_, changes, error) => {
    const url = await assistant.start()
    for (const [name, value] of Object.entries(changes)) {
      if (value === undefined) url.searchParams.delete(name)
      else url.searchParams.set(name, value)
    }
    const { url: back } = await assistant.browser.visit(url)
    const answer = back.hash === '' ? back.searchParams : new URLSearchParams(back.hash.slice(1))
    expect(answer.get('error')).toBe(error)
    expect(answer.get('iss')).toBe(setting.issuer)
    expect(setting.upstream.requests).toEqual([])
  })

  it.each([
    'https://attacker.example/callback',
    'http://127.0.0.1:33418/callback/../other',
    'http://127.0.0.1:33418/callback?more=1',
    'http://127.0.0.1:33418/other',
    'http://localhost:33418/callback',
  ])('with the redirect URI %s, which is not registered, is answered with a page', async (redirect) => {
    const url = await assistant.start()
    url.searchParams.set('redirect_uri', redirect)
    const browser = new Browser('https://attacker.example')
    const page = await browser.visit(url)
    expect(page.status).toBe(400)
    expect(page.html).toContain('FHIR_MCP_INVALID_ARGUMENT')
    expect(page.html).not.toContain('attacker')
  })

  it('may name another port of loopback (RFC 8252)', async () => {
    const url = await assistant.start()
    url.searchParams.set('redirect_uri', 'http://127.0.0.1:33418/callback'.replace('33418', '33420'))
    const browser = new Browser('http://127.0.0.1:33420/callback')
    const page = await browser.visit(url)
    expect(page.html).toContain('127.0.0.1:33420')
  })
})

describe('a refresh token', () => {
  it('that is used again ends the whole sign-in', async () => {
    const { refresh_token: first } = await assistant.signIn()
    const second = await post(tokenUrl(), refreshForm(first))
    expect(second.status).toBe(200)
    expect(await post(tokenUrl(), refreshForm(first))).toMatchObject(refused)
    expect(await post(tokenUrl(), refreshForm(second.body.refresh_token))).toMatchObject(refused)
    expect(setting.upstream.accessTokens.size).toBe(0)
  })

  it('that is not used again goes on and on', async () => {
    let { refresh_token: token }: { refresh_token?: unknown } = await assistant.signIn()
    for (let turn = 0; turn < 3; turn += 1) {
      const answer = await post(tokenUrl(), refreshForm(token))
      expect(answer.status).toBe(200)
      token = answer.body.refresh_token
    }
  })

  it('is of its client', async () => {
    const { refresh_token: token } = await assistant.signIn()
    const other = new Assistant(setting.mcpUrl)
    await other.start()
    expect(await post(tokenUrl(), refreshForm(token, other))).toMatchObject(refused)
    expect((await post(tokenUrl(), refreshForm(token))).status).toBe(200)
  })

  it('gives no token for another resource', async () => {
    const { refresh_token: token } = await assistant.signIn()
    const form = { ...refreshForm(token), resource: 'https://another.example/mcp' }
    expect((await post(tokenUrl(), form)).body.error).toBe('invalid_target')
  })
})

describe('what comes back from the upstream', () => {
  /** The callback of a sign-in, before the browser asks for it. */
  async function callback(browser = assistant.browser, from = assistant): Promise<URL> {
    const stopping = new Browser(`${setting.issuer}/callback`)
    for (const [key, cookie] of browser.cookies) stopping.cookies.set(key, cookie)
    const { url } = await stopping.visit(await from.start())
    for (const [key, cookie] of stopping.cookies) browser.cookies.set(key, cookie)
    return url
  }

  it('goes on to the consent of the person when nothing was done to it', async () => {
    const { html } = await assistant.browser.visit(await callback())
    expect(html).toContain('<form')
  })

  it.each([
    ['without a state', (url: URL) => url.searchParams.delete('state')],
    ['with a state that nobody gave', (url: URL) => url.searchParams.set('state', 'made-up')],
  ])('is refused %s', async (_, change) => {
    const url = await callback()
    change(url)
    const page = await assistant.browser.visit(url)
    expect(page.status).toBe(400)
    expect(page.html).toContain('FHIR_MCP_UNAUTHENTICATED')
  })

  it('is refused in another browser, and does not spoil it for its own', async () => {
    const url = await callback()
    const victim = new Browser(assistant.redirectUrl)
    expect((await victim.visit(url)).status).toBe(400)
    expect((await assistant.browser.visit(url)).html).toContain('<form')
  })

  it('is refused in a browser that has a sign-in of its own', async () => {
    const victim = new Assistant(setting.mcpUrl)
    await callback(victim.browser, victim)
    expect((await victim.browser.visit(await callback())).status).toBe(400)
  })

  it('is good once', async () => {
    const url = await callback()
    expect((await assistant.browser.visit(url)).html).toContain('<form')
    expect((await assistant.browser.visit(url)).status).toBe(400)
  })

  it.each([
    ['of another issuer', (url: URL) => url.searchParams.set('iss', 'https://another.example')],
    ['without the issuer that it has to name', (url: URL) => url.searchParams.delete('iss')],
    ['with the code of somebody else', (url: URL) => url.searchParams.set('code', 'made-up')],
  ])('ends in server_error when it is %s', async (_, change) => {
    const url = await callback()
    change(url)
    const { url: back } = await assistant.browser.visit(url)
    expect(back.searchParams.get('error')).toBe('server_error')
    expect(back.searchParams.get('error_description')).toContain('FHIR_MCP_TOKEN_INVALID')
    expect(back.searchParams.get('code')).toBeNull()
  })

  it('with a code that was swapped for that of another sign-in is refused', async () => {
    const attacker = new Assistant(setting.mcpUrl)
    const stolen = (await callback(attacker.browser, attacker)).searchParams.get('code') ?? ''
    const url = await callback()
    url.searchParams.set('code', stolen)
    const { url: back } = await assistant.browser.visit(url)
    expect(back.searchParams.get('error')).toBe('server_error')
  })
})

describe('cookies', () => {
  it.each([
    ['of the sign-in', 'fhir_mcp_sign_in_'],
    ['of the interaction', 'fhir_mcp_interaction '],
    ['of the signature of the interaction', 'fhir_mcp_interaction.sig'],
  ])('%s that were tampered with end the sign-in', async (_, name) => {
    const stopping = new Browser(`${setting.issuer}/callback`)
    const { url } = await stopping.visit(await assistant.start())
    for (const [key, cookie] of stopping.cookies) {
      const value = key.startsWith(name) ? `${cookie.value.slice(0, -2)}xx` : cookie.value
      assistant.browser.cookies.set(key, { ...cookie, value })
    }
    const page = await assistant.browser.visit(url)
    expect(page.status).toBe(400)
    expect(page.html).toContain('FHIR_MCP_UNAUTHENTICATED')
  })

  it('are for the server alone, and not sent with requests of other sites', async () => {
    const answer = await fetch(await assistant.start(), { redirect: 'manual' })
    const interaction = await fetch(new URL(answer.headers.get('location') ?? '', setting.origin), {
      redirect: 'manual',
      headers: {
        cookie: answer.headers
          .getSetCookie()
          .map((line) => line.split(';')[0])
          .join('; '),
      },
    })
    const lines = [...answer.headers.getSetCookie(), ...interaction.headers.getSetCookie()]
    expect(lines.some((line) => line.startsWith('fhir_mcp_sign_in_'))).toBe(true)
    for (const line of lines) expect(line.toLowerCase()).toMatch(/(?=.*httponly)(?=.*samesite=lax)/)
  })
})

describe('the form of the consent page', () => {
  it.each([
    ['without its csrf value', [['csrf', '']] as const],
    ['with that of another', [['csrf', 'x'.repeat(43)]] as const],
  ])('is refused %s, and nothing is allowed', async (_, fields) => {
    const page = await assistant.browser.visit(await assistant.start())
    const sent = [...fields, ['decision', 'allow'], ['scope', 'user/Patient.rs']] as const
    const answer = await assistant.browser.submit(page, sent)
    expect(answer.status).toBe(400)
    const right = [
      ['decision', 'allow'],
      ['scope', 'user/Patient.rs'],
    ] as const
    expect((await assistant.browser.submit(page, right)).url.searchParams.get('code')).toBeTypeOf('string')
  })

  it('is refused in another browser', async () => {
    const page = await assistant.browser.visit(await assistant.start())
    const answer = await new Browser(assistant.redirectUrl).submit(page, [['decision', 'allow']])
    expect(answer.status).toBe(400)
  })

  it('is good once', async () => {
    const page = await assistant.browser.visit(await assistant.start())
    const fields = [
      ['decision', 'allow'],
      ['scope', 'user/Patient.rs'],
    ] as const
    expect((await assistant.browser.submit(page, fields)).url.searchParams.get('code')).toBeTypeOf('string')
    expect((await assistant.browser.submit(page, fields)).status).toBe(400)
  })

  it('gives nothing that the client did not ask for', async () => {
    const url = await assistant.start()
    url.searchParams.set('scope', 'user/ResearchStudy.rs')
    const page = await assistant.browser.visit(url)
    const fields = [
      ['decision', 'allow'],
      ['scope', 'user/ResearchStudy.rs'],
      ['scope', 'user/Patient.rs'],
    ] as const
    await assistant.redeem((await assistant.browser.submit(page, fields)).url)
    expect(assistant.claims.scope).toBe('user/ResearchStudy.rs')
  })
})

describe('a sign-in whose permissions cannot be computed', () => {
  it.each([
    ['there is no claim', undefined, 'FHIR_MCP_NO_PERMISSIONS'],
    ['the claim is malformed', { studies: 'all' }, 'FHIR_MCP_NO_PERMISSIONS'],
    [
      'one entry of the claim is malformed',
      { studies: ['30006', '../x'], organizations: [] },
      'FHIR_MCP_NO_PERMISSIONS',
    ],
  ])('ends in server_error when %s; nothing is held', async (_, claim, code) => {
    if (claim === undefined) setting.upstream.claims.delete(manager.id)
    else setting.upstream.claims.set(manager.id, claim)
    const back = await assistant.approve(await assistant.start())
    expect(back.searchParams.get('error')).toBe('server_error')
    expect(back.searchParams.get('error_description')).toContain(code)
    expect(back.searchParams.get('code')).toBeNull()
    expect(setting.upstream.accessTokens.size).toBe(0)
    setting.upstream.claims.set(manager.id, manager.claim)
    expect((await assistant.signIn()).access_token).toBeTypeOf('string')
  })

  it('permits nothing, and says so, when the claim permits nothing', async () => {
    setting.upstream.claims.set(manager.id, { studies: [], organizations: [] })
    await assistant.signIn()
    expect(assistant.claims.jhe_permissions).toEqual({ studies: [], organizations: [] })
  })
})

describe('the MCP endpoint', () => {
  it('takes no ID token for an access token', async () => {
    const url = await assistant.start()
    url.searchParams.set('scope', 'openid user/Patient.rs')
    const tokens = await assistant.redeem(await assistant.approve(url))
    await expect(connectHttp(setting.mcpUrl, tokens.id_token)).rejects.toThrow(/401|not accepted/i)
    await (await connectHttp(setting.mcpUrl, tokens.access_token)).close()
  })

  it('takes no token for another audience, though it is signed with the right key', async () => {
    await setting.close()
    const key = await signingKey('ES256', 'known')
    setting = await startSetting({ broker: { keys: [key] } })
    const sign = async (aud: string) =>
      new SignJWT({ jhe_permissions: manager.claim, scope: 'user/Patient.rs', client_id: 'c' })
        .setProtectedHeader({ alg: 'ES256', kid: 'known', typ: 'at+jwt' })
        .setIssuer(setting.issuer)
        .setSubject(manager.id)
        .setAudience(aud)
        .setIssuedAt()
        .setExpirationTime('5 minutes')
        .sign(await importJWK(key, 'ES256'))
    await expect(connectHttp(setting.mcpUrl, await sign('https://another.example/mcp'))).rejects.toThrow()
    await (await connectHttp(setting.mcpUrl, await sign(setting.mcpUrl))).close()
  })
})

describe('the exchange', () => {
  it("does not take the broker's token", async () => {
    const { access_token: token } = await assistant.signIn()
    const ask = (bearer: string) =>
      fetch(`${setting.exchange.url}/Group`, { headers: { authorization: `Bearer ${bearer}` } })
    expect((await ask(token)).status).toBe(401)
    const [held] = [...setting.upstream.accessTokens.keys()]
    expect((await ask(held ?? '')).status).toBe(200)
  })

  it('is never sent it: a gateway that would forward it does not start', async () => {
    const origin = 'https://gateway.example'
    const options = await brokerOptions(origin, setting.upstream.issuer)
    const start = async (credentials: 'forward' | 'held') => {
      const app = Fastify()
      onTestFinished(() => app.close())
      await app.register(broker, options)
      await app.register(fhirMcp, {
        publicUrl: origin,
        fhir: { baseUrl: setting.exchange.url, credentials, audience: setting.exchange.url },
        auth: { issuer: `${origin}/oauth`, audience: `${origin}/mcp` },
      })
      await app.ready()
    }
    await expect(start('forward')).rejects.toMatchObject({ code: 'FHIR_MCP_CONFIG' })
    await start('held')
  })
})

describe('headers of a request', () => {
  it('do not change where the broker says that it is', async () => {
    const url = `${setting.issuer}/.well-known/openid-configuration`
    const forged = {
      'x-forwarded-host': 'attacker.example',
      'x-forwarded-proto': 'https',
      forwarded: 'host=attacker.example',
    }
    const answer = await (await fetch(url, { headers: forged })).text()
    expect(answer).not.toContain('attacker')
    expect(answer).toContain(`"authorization_endpoint":"${setting.issuer}/authorize"`)
  })
})
