import { describe, expect, it } from 'vitest'
import { send } from '../attacks/raw-http.ts'
import { Browser, type Visited } from '../broker/browser.ts'
import { manager } from '../broker/setting.ts'
import { allow, askToSignIn, type PageSetting, person, signedIn, startPageSetting } from './setting.ts'

/** A browser that has come back from the broker, but has not been to the callback yet. */
async function beforeCallback(origin: string): Promise<{ browser: Browser; callback: URL }> {
  const browser = new Browser(`${origin}/page/callback`)
  const { url } = await allow(browser, await askToSignIn(browser, origin))
  return { browser, callback: url }
}

/** The same browser, which stops nowhere any more. */
function goingOn(browser: Browser): Browser {
  const other = person()
  for (const [key, cookie] of browser.cookies) other.cookies.set(key, cookie)
  return other
}

const cookieOf = (browser: Browser, name: string) =>
  [...browser.cookies].find(([key]) => key.startsWith(`${name} `))?.[1].value ?? ''
const withCookie = (origin: string, name: string, value: string) =>
  fetch(`${origin}/`, { headers: { cookie: `${name}=${value}` } }).then((answer) => answer.text())
const showsReach = ({ html }: Pick<Visited, 'html'>) => html.includes('Northlake')

describe('who attacks the sign-in of the start page', () => {
  it("cannot put their own sign-in into somebody's browser", async () => {
    const { origin } = await startPageSetting()
    const { browser: attacker, callback } = await beforeCallback(origin)
    const victim = person()
    const refused = await victim.visit(callback)
    expect([refused.status, showsReach(refused)]).toEqual([400, false])
    const underWay = await askToSignIn(victim, origin)
    const again = await victim.visit(callback)
    expect([again.status, showsReach(again)]).toEqual([400, false])
    expect(showsReach(await allow(victim, underWay))).toBe(true)
    // What was refused is of use in the browser that began.
    expect(showsReach(await goingOn(attacker).visit(callback))).toBe(true)
  })

  it("cannot have their code redeemed in somebody's sign-in, nor use one twice", async () => {
    const { origin } = await startPageSetting()
    const { callback: theirs } = await beforeCallback(origin)
    const { browser, callback } = await beforeCallback(origin)
    const mixed = new URL(callback)
    mixed.searchParams.set('code', theirs.searchParams.get('code') ?? '')
    const victim = goingOn(browser)
    const refused = await victim.visit(mixed)
    expect([refused.status, showsReach(refused)]).toEqual([401, false])
    // What was begun can come back once, with whatever it came.
    expect((await goingOn(browser).visit(callback)).status).toBe(400)
    const { browser: control, callback: own } = await beforeCallback(origin)
    // Who has copied the cookie before it was used and forgotten.
    const copy = goingOn(control)
    expect(showsReach(await goingOn(control).visit(own))).toBe(true)
    const twice = await copy.visit(own)
    expect([twice.status, showsReach(twice)]).toEqual([400, false])
  })

  it('is led nowhere else by what stands in an address', async () => {
    const { origin } = await startPageSetting()
    const evil = 'https://evil.example/'
    const games = ['next', 'redirect_uri', 'return_to', 'url'].map(
      (name) => `${name}=${encodeURIComponent(evil)}`,
    )
    for (const path of [`/page/sign-in?${games.join('&')}`, `/page/sign-in?redirect_uri=//evil.example`]) {
      const { headers } = await fetch(`${origin}${path}`, { redirect: 'manual' })
      const to = new URL(headers.get('location') ?? '')
      expect([to.origin, to.pathname]).toEqual([origin, '/oauth/authorize'])
      expect(to.searchParams.get('redirect_uri')).toBe(`${origin}/page/callback`)
      expect(to.href).not.toContain('evil')
    }
    const { browser, callback } = await beforeCallback(origin)
    for (const game of games) callback.search += `&${game}`
    const back = await goingOn(browser).visit(callback)
    expect(back.url.href).toBe(`${origin}/`)
    const forget = await fetch(`${origin}/page/forget?${games[0]}`, { method: 'POST', redirect: 'manual' })
    expect(forget.headers.get('location')).toBe(`${origin}/`)
  })

  it('cannot have the page answered elsewhere, nor skip consent as a program on the machine', async () => {
    const { origin } = await startPageSetting()
    const authorize = (redirectUri: string) =>
      person().visit(
        `${origin}/oauth/authorize?${new URLSearchParams({
          ...{ client_id: 'start-page', response_type: 'code', scope: 'openid user/ResearchStudy.rs' },
          ...{ redirect_uri: redirectUri, state: 'state' },
          ...{ code_challenge: 'a'.repeat(43), code_challenge_method: 'S256' },
        })}`,
      )
    for (const uri of ['https://evil.example/page/callback', `${origin}/page/callback/..`, `${origin}/`]) {
      const refused = await authorize(uri)
      expect([refused.status, refused.html.includes('<form')]).toEqual([400, false])
    }
    await signedIn(person(), origin)
    // RFC 8252 lets a program on this machine have any port: it is asked about, though the page was allowed just now.
    const other = await authorize('http://127.0.0.1:1/page/callback')
    expect(other.html).toContain('name="decision" value="allow"')
  })

  it('learns no token: not from pages, addresses, cookies or the log', async () => {
    const { origin, upstream, running } = await startPageSetting()
    const browser = person()
    const page = await signedIn(browser, origin)
    expect(showsReach(page)).toBe(true)
    const cookies = [...browser.cookies.values()].map(({ value }) => value).join('\n')
    const seen = [page.html, cookies, running.written().stderr].join('\n')
    expect(upstream.secrets.size).toBeGreaterThan(2)
    for (const secret of upstream.secrets) expect(seen).not.toContain(secret)
    // A signed token has three parts, what is sealed here five.
    const signed = /(?<![\w.-])eyJ[\w-]+\.[\w-]+\.[\w-]+(?![\w.-])/
    expect(signed.test(`a ${'eyJhbGciOiJFUzI1NiJ9.e30.c2ln'}`)).toBe(true)
    expect(seen).not.toMatch(signed)
    // Three letters alone may stand in any random value.
    expect(browser.history.join('\n')).not.toMatch(/token=/)
    expect(browser.history.join('\n')).not.toMatch(signed)
    const log = running.written().stderr
    expect(log).toContain('mcp call')
    for (const word of ['code=', 'state=', 'Northlake']) expect(log).not.toContain(word)
  })
})

describe('who attacks the start page itself', () => {
  const hostile = [
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "</bdi></li></ul><form action='https://evil.example'>",
  ]

  async function hostileSetting(): Promise<PageSetting> {
    const setting = await startPageSetting()
    const { studies } = setting.exchange.cohort
    studies.splice(
      0,
      studies.length,
      ...studies.map((study, at) => ({ ...study, name: hostile[at] ?? study.name })),
    )
    setting.upstream.claims.set(manager.id, {
      ...manager.claim,
      organizations: [{ id: '20009', name: hostile[2], role: 'manager' }],
    })
    return setting
  }

  it('runs nothing by the title of a study or the name of an organization', async () => {
    const { origin } = await hostileSetting()
    const { html } = await signedIn(person(), origin)
    expect(html).toContain('&lt; script&gt;alert(1)&lt; /script&gt;')
    expect(html).toContain('&lt; img src=x onerror=alert(1)&gt;')
    for (const text of hostile) expect(html).not.toContain(text)
    expect(html.match(/<script/g)).toHaveLength(1)
    expect(html.match(/<form/g)).toHaveLength(1)
  })

  it('frames, caches and loads nothing: every page has the headers, errors too', async () => {
    const { origin } = await startPageSetting()
    const signed = await signedIn(person(), origin)
    const pages = [
      signed.headers,
      (await fetch(origin)).headers,
      (await fetch(`${origin}/page/callback?code=a&state=b`)).headers,
      (await fetch(`${origin}/page/sign-in`, { redirect: 'manual' })).headers,
      (await fetch(`${origin}/page/forget`, { method: 'POST', redirect: 'manual' })).headers,
    ]
    for (const headers of pages) {
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('x-frame-options')).toBe('DENY')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('content-security-policy')).toMatch(
        /^default-src 'none'; style-src 'sha256-[^']+'; script-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/,
      )
      expect(headers.get('access-control-allow-origin')).toBeNull()
    }
  })

  it('is refused under another Host, and no header puts another address on the page', async () => {
    const { origin } = await startPageSetting({ FHIR_MCP_TRUST_PROXY: '1' })
    const port = Number(new URL(origin).port)
    const ask = (path: string, ...headers: string[]) =>
      send(port, [`GET ${path} HTTP/1.1`, ...headers, 'Connection: close', '', ''].join('\r\n'))
    for (const path of ['/', '/page/sign-in', '/page/callback?code=a&state=b']) {
      const refused = await ask(path, 'Host: evil.example')
      expect([refused.statuses, refused.text.includes('evil')]).toEqual([[403], false])
    }
    const forwarded = [
      'X-Forwarded-Host: evil.example',
      'X-Forwarded-Proto: https',
      'Forwarded: host=evil.example',
    ]
    const page = await ask('/', `Host: 127.0.0.1:${port}`, ...forwarded)
    expect(page.statuses).toEqual([200])
    expect(page.text).toContain(`${origin}/mcp</pre>`)
    expect(page.text).not.toContain('evil')
    const signIn = await ask('/page/sign-in', `Host: localhost:${port}`, ...forwarded)
    expect(signIn.text).toContain(`${origin}/oauth/authorize`)
    expect(signIn.text).not.toContain('evil')
  })

  it('gains nothing from cookies that are changed, exchanged or of another server', async () => {
    const { origin } = await startPageSetting()
    const { browser, callback } = await beforeCallback(origin)
    const challenge = cookieOf(browser, 'fhir_mcp_page_sign_in')
    const later = goingOn(browser)
    await later.visit(callback)
    const reach = cookieOf(later, 'fhir_mcp_page_reach')
    expect(await withCookie(origin, 'fhir_mcp_page_reach', reach)).toContain('Northlake')
    const changed = `${reach.slice(0, -4)}${reach.endsWith('AAAA') ? 'BBBB' : 'AAAA'}`
    for (const value of [changed, challenge, '', 'x', `${reach}.x`]) {
      expect(await withCookie(origin, 'fhir_mcp_page_reach', value)).toContain('Sign in to see')
    }
    const elsewhere = await startPageSetting()
    expect(await withCookie(elsewhere.origin, 'fhir_mcp_page_reach', reach)).toContain('Sign in to see')
  })

  it('finds cookies that scripts, other sites and plain connections do not get', async () => {
    const { origin } = await startPageSetting()
    const plain = await fetch(`${origin}/page/sign-in`, { redirect: 'manual' })
    expect(plain.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^fhir_mcp_page_sign_in=[\w.-]+; Path=\/; Max-Age=900; HttpOnly; SameSite=Lax$/),
    ])
    const secure = await startPageSetting({ FHIR_MCP_PUBLIC_URL: 'https://mcp.example.org' })
    const begun = await fetch(`${secure.origin}/page/sign-in`, { redirect: 'manual' })
    expect(begun.headers.getSetCookie()).toEqual([
      expect.stringMatching(
        /^__Host-fhir_mcp_page_sign_in=[\w.-]+; Path=\/; Max-Age=900; HttpOnly; SameSite=Lax; Secure$/,
      ),
    ])
    expect(begun.headers.get('location')).toContain('https://mcp.example.org/oauth/authorize?')
  })

  it('is limited by address', async () => {
    const { origin } = await startPageSetting({ FHIR_MCP_LIMITS_REQUESTS_PER_ADDRESS: '2' })
    const statuses: number[] = []
    for (let at = 0; at < 3; at += 1) statuses.push((await fetch(origin)).status)
    expect(statuses).toEqual([200, 200, 429])
    expect(Number((await fetch(origin)).headers.get('retry-after'))).toBeGreaterThan(0)
  })
})
