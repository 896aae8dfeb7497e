import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accessTokenSeconds } from '../../src/demo/provider.ts'
import { signIn } from '../../src/demo/sign-in.ts'
import { Assistant, post } from '../broker/assistant.ts'
import { Browser, type Visited } from '../broker/browser.ts'
import { ModernAssistant } from './modern-assistant.ts'
import { type RunningDemo, startDemo } from './running-demo.ts'

let demo: RunningDemo
beforeAll(async () => {
  demo = await startDemo()
})
afterAll(() => demo.close())

const people = [
  ['Maya', ['study-a', 'study-c'], ['study-b']],
  ['Victor', ['study-b'], ['study-a', 'study-c']],
  ['Sam', [], ['study-a', 'study-b', 'study-c']],
] as const

const as =
  (browser: Browser, person: string) =>
  (page: Visited): Promise<Visited> =>
    browser.submit(page, [
      ['person', person],
      ['decision', 'allow'],
    ])

/** Signs an assistant of the first SDK in as somebody. */
async function signInAs(assistant: Assistant, person: string): Promise<void> {
  const page = await assistant.browser.visit(await assistant.start())
  const back = await as(assistant.browser, person)(page)
  await assistant.redeem(back.url)
}

function register(metadata: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${demo.issuerUrl}/reg`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code'],
      response_types: ['code'],
      ...metadata,
    }),
  })
}

describe('a newcomer who knows the URL alone', () => {
  it.each(people)(
    'signs in as %s with the first SDK, and sees that reach alone',
    async (name, seen, unseen) => {
      const assistant = new Assistant(demo.mcpUrl)
      await signInAs(assistant, name)
      const access = await assistant.call('get_my_access')
      const studies = await assistant.call('list_studies')
      for (const study of seen) expect(access).toContain(study)
      for (const study of seen) expect(studies).toContain(study)
      for (const study of unseen) expect(access + studies).not.toContain(study)
      expect(access).toContain(name)
    },
  )

  it.each(people)(
    'signs in as %s with the second SDK, and sees that reach alone',
    async (name, seen, unseen) => {
      const assistant = new ModernAssistant(demo.mcpUrl)
      const studies = await assistant.call('list_studies', as(assistant.browser, name))
      for (const study of seen) expect(studies).toContain(study)
      for (const study of unseen) expect(studies).not.toContain(study)
    },
  )

  it('is asked nothing about what somebody else may see: the call is refused without a request', async () => {
    const assistant = new Assistant(demo.mcpUrl)
    await signInAs(assistant, 'Victor')
    const before = demo.sent()
    expect(await assistant.call('get_study_metadata', { study_id: 'study-a' })).toContain(
      'FHIR_MCP_FORBIDDEN',
    )
    expect(demo.sent()).toBe(before)
    expect(await assistant.call('get_study_metadata', { study_id: 'study-b' })).toContain('Study B')
    expect(demo.sent()).toBeGreaterThan(before)
  })

  it('stays signed in with the second SDK too, when the access token is not good any more', async () => {
    const assistant = new ModernAssistant(demo.mcpUrl)
    await assistant.call('get_my_access', as(assistant.browser, 'Victor'))
    const { stored } = assistant
    if (stored === undefined) throw new Error('no tokens')
    assistant.stored = { ...stored, access_token: `${stored.access_token.slice(0, -8)}AAAAAAAA` }
    expect(await assistant.call('list_studies')).toContain('study-b')
    expect(assistant.stored.refresh_token).not.toBe(stored.refresh_token)
  })

  it('stays signed in by refresh tokens that are good once', async () => {
    const assistant = new Assistant(demo.mcpUrl)
    await signInAs(assistant, 'Maya')
    const { exp = 0, iat = 0 } = assistant.claims
    expect(exp - iat).toBe(accessTokenSeconds)
    const first = assistant.stored?.refresh_token ?? ''
    expect(await assistant.refresh()).toBe('AUTHORIZED')
    expect(assistant.stored?.refresh_token).not.toBe(first)
    expect(await assistant.call('list_studies')).toContain('study-c')
    const form = {
      grant_type: 'refresh_token',
      refresh_token: first,
      client_id: assistant.information?.client_id ?? '',
    }
    expect(await post(`${demo.issuerUrl}/token`, form)).toMatchObject({ body: { error: 'invalid_grant' } })
    expect(await assistant.refresh()).toBe('REDIRECT')
  })

  it('can choose another person the next time, in the same browser', async () => {
    const assistant = new Assistant(demo.mcpUrl)
    await signInAs(assistant, 'Maya')
    await signInAs(assistant, 'Victor')
    expect(assistant.claims.sub).toBe('Victor')
  })

  it('can cancel', async () => {
    const assistant = new Assistant(demo.mcpUrl)
    const page = await assistant.browser.visit(await assistant.start())
    const back = await assistant.browser.submit(page, [['decision', 'deny']])
    expect(back.url.searchParams.get('error')).toBe('access_denied')
  })

  it('signs in again when the demo was started anew: the client is unknown, and registers anew', async () => {
    const own = await startDemo()
    const [older, modern] = [new Assistant(own.mcpUrl), new ModernAssistant(own.mcpUrl)]
    await signInAs(older, 'Maya')
    await modern.call('get_my_access', as(modern.browser, 'Victor'))
    const earlier = [older.information?.client_id, modern.information?.client_id]
    await own.restart()
    const form = { grant_type: 'refresh_token', refresh_token: 'old', client_id: earlier[0] ?? '' }
    expect(await post(`${own.issuerUrl}/token`, form)).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    })
    expect(await older.refresh()).toBe('REDIRECT')
    const back = await as(older.browser, 'Sam')(await older.browser.visit(older.sentTo ?? ''))
    await older.redeem(back.url)
    expect(older.claims.sub).toBe('Sam')
    const answer = await modern.call('get_my_access', as(modern.browser, 'Maya'))
    expect(answer).toContain('study-c')
    expect(older.information?.client_id).not.toBe(earlier[0])
    expect(modern.information?.client_id).not.toBe(earlier[1])
    await own.close()
  })
})

describe('the page of the demo', () => {
  it('says in words who may see what, that it is a demo, and who asks, without scripts', async () => {
    const assistant = new Assistant(demo.mcpUrl, { client_name: 'Evil <script>alert(1)</script>' })
    const { html, headers } = await assistant.browser.visit(await assistant.start())
    for (const [name] of people) expect(html).toContain(`value="${name}"`)
    expect(html).toContain('Manager at Acme Pharma. Sees the studies “Study A” and “Study C”')
    expect(html).toContain('invented, and there is no password')
    expect(html).toContain('Evil &lt;script&gt;')
    expect(html).not.toContain('<script')
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'.*frame-ancestors 'none'/)
    expect(headers.get('cache-control')).toBe('no-store')
  })

  it('does not call the data invented when it is that of a server that was named', async () => {
    const own = await startDemo({ foreignData: true })
    const assistant = new Assistant(own.mcpUrl)
    const { html } = await assistant.browser.visit(await assistant.start())
    expect(html).toContain('The people are invented')
    expect(html).not.toContain('all data')
    await own.close()
  })

  it('is not skipped by a hint, unless the client is the demo’s own', async () => {
    const assistant = new Assistant(demo.mcpUrl)
    const url = await assistant.start()
    url.searchParams.set('login_hint', 'Maya')
    const page = await assistant.browser.visit(url)
    expect(page.html).toContain('Who do you want to be?')
    expect(decodeJwt(await signIn(demo.issuerUrl, demo.mcpUrl, 'Maya')).sub).toBe('Maya')
    await expect(signIn(demo.issuerUrl, demo.mcpUrl, 'Nobody')).rejects.toThrow('did not come back')
  })

  it('lets nobody in who is not one of the three', async () => {
    const assistant = new Assistant(demo.mcpUrl)
    const page = await assistant.browser.visit(await assistant.start())
    const again = await as(assistant.browser, 'Mallory')(page)
    expect(again.status).toBe(400)
    expect(again.html).toContain('Who do you want to be?')
  })
})

describe('who would sign in in another’s name', () => {
  it('cannot send the form from elsewhere: without the cookie, without the token, or with those of another', async () => {
    const assistant = new Assistant(demo.mcpUrl)
    const page = await assistant.browser.visit(await assistant.start())
    const other = new Browser(assistant.redirectUrl)
    const foreign = await other.visit(await assistant.start())

    const withoutCookie = await as(new Browser(assistant.redirectUrl), 'Maya')(page)
    const othersCookie = await as(other, 'Maya')(page)
    const withoutToken = await assistant.browser.submit(page, [
      ['csrf', ''],
      ['person', 'Maya'],
      ['decision', 'allow'],
    ])
    const othersToken = await assistant.browser.submit(page, [
      ['csrf', /name="csrf" value="([^"]*)"/.exec(foreign.html)?.[1] ?? ''],
      ['person', 'Maya'],
      ['decision', 'allow'],
    ])
    for (const refused of [withoutCookie, othersCookie, withoutToken, othersToken]) {
      expect(refused.status).toBe(400)
      expect(refused.html).toContain('FHIR_MCP_UNAUTHENTICATED')
    }
    const cookie = [...other.cookies].map(([key, { value }]) => `${key.split(' ')[0]}=${value}`).join('; ')
    expect((await fetch(page.url, { headers: { cookie } })).status).toBe(400)
    expect((await fetch(foreign.url, { headers: { cookie } })).status).toBe(200)

    const own = await as(assistant.browser, 'Maya')(page)
    expect(own.url.searchParams.get('code')).not.toBeNull()
  })

  it.each([
    'http://attacker.example/callback',
    'http://127.0.0.1.attacker.example/callback',
    'http://0.0.0.0/callback',
    'http://192.168.0.7:8080/callback',
    'https://127.0.0.1/callback',
    'https://user:secret@attacker.example/callback',
    'cursor://anysphere.cursor-mcp/callback',
    'javascript:alert(1)',
    'http://localhost:1/callback#fragment',
  ])('cannot register the redirect %s', async (uri) => {
    const refused = await register({ redirect_uris: ['http://localhost:1/callback', uri] })
    expect(refused.status).toBe(400)
    expect(await refused.json()).toMatchObject({
      error: expect.stringMatching(/^invalid_(redirect_uri|client_metadata)$/),
    })
  })

  it('registers https and loopback redirects, and finds a loopback one at any port', async () => {
    const accepted = await register({
      redirect_uris: [
        'https://client.example/callback',
        'http://127.0.0.1/callback',
        'http://[::1]:7/callback',
      ],
    })
    expect(accepted.status).toBe(201)
    const { client_id: id } = (await accepted.json()) as { client_id: string }
    const pageAt = async (redirect: string) => {
      const query = new URLSearchParams({
        client_id: id,
        redirect_uri: redirect,
        response_type: 'code',
        scope: 'openid',
        code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
        code_challenge_method: 'S256',
      })
      return new Browser('nothing:').visit(`${demo.issuerUrl}/auth?${query}`)
    }
    expect((await pageAt('http://127.0.0.1:50123/callback')).html).toContain('Who do you want to be?')
    expect((await pageAt('http://127.0.0.1:50123/other')).status).toBe(400)
    expect((await pageAt('https://client.example:444/callback')).status).toBe(400)
  })

  it('cannot do without PKCE S256', async () => {
    const assistant = new Assistant(demo.mcpUrl)
    for (const change of [
      (url: URL) => url.searchParams.delete('code_challenge'),
      (url: URL) => url.searchParams.set('code_challenge_method', 'plain'),
    ]) {
      const url = await assistant.start()
      change(url)
      const back = await assistant.browser.visit(url)
      expect(back.url.searchParams.get('error')).toBe('invalid_request')
    }
  })

  it('cannot have a token for another resource', async () => {
    const assistant = new Assistant(demo.mcpUrl)
    const url = await assistant.start()
    url.searchParams.set('resource', 'http://127.0.0.1:9/mcp')
    const back = await assistant.browser.visit(url)
    expect(back.url.searchParams.get('error')).toBe('invalid_target')
  })

  it('cannot play the person from a page that was given a name for this address', async () => {
    const { port } = new URL(demo.issuerUrl)
    const { request } = await import('node:http')
    const statusFor = (host: string) =>
      new Promise((resolve, reject) => {
        request({ host: '127.0.0.1', port, path: '/jwks', headers: { host } }, (answer) => {
          answer.resume()
          resolve(answer.statusCode)
        })
          .on('error', reject)
          .end()
      })
    expect(await statusFor(`attacker.example:${port}`)).toBe(421)
    expect(await statusFor(`127.0.0.1:${port}`)).toBe(200)
  })

  it('cannot register from a page of another origin', async () => {
    const metadata = { redirect_uris: ['https://attacker.example/callback'] }
    const preflight = await fetch(`${demo.issuerUrl}/reg`, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://attacker.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type',
      },
    })
    expect(preflight.headers.get('access-control-allow-origin')).toBeNull()
    const simple = await register(metadata, {
      'content-type': 'text/plain',
      origin: 'https://attacker.example',
    })
    expect(simple.status).toBe(400)
  })
})

describe('a client that nobody knows', () => {
  it('is told invalid_client at the token endpoint, and the person what to do on a page', async () => {
    const form = {
      grant_type: 'authorization_code',
      code: 'x',
      code_verifier: 'x'.repeat(43),
      client_id: 'gone',
    }
    expect(await post(`${demo.issuerUrl}/token`, form)).toMatchObject({ body: { error: 'invalid_client' } })
    const page = await new Browser('nothing:').visit(
      `${demo.issuerUrl}/auth?client_id=gone&response_type=code&redirect_uri=http://localhost:1/`,
    )
    expect(page.status).toBe(400)
    expect(page.html).toContain('registered with an earlier run of the demo')
  })

  it('cannot be registered without end', async () => {
    const own = await startDemo()
    const registerThere = async () => {
      const response = await fetch(`${own.issuerUrl}/reg`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ redirect_uris: ['http://localhost:1/'], response_types: ['code'] }),
      })
      return response.status
    }
    const statuses: number[] = []
    for (let count = 0; count < 201; count += 1) statuses.push(await registerThere())
    expect(statuses.slice(0, 200).every((status) => status === 201)).toBe(true)
    expect(statuses[200]).toBe(429)
    await own.close()
  })
})
