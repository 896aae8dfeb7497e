import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createBrowser, type Visit } from './browser.ts'
import { finished, jupyterHealthVariables, type Running, start, temporaryFolder } from './machine.ts'
import { startUpstream, type Upstream } from './upstream.ts'

let upstream: Upstream

beforeAll(async () => {
  upstream = await startUpstream()
})
afterAll(() => upstream.close())

interface Attacked {
  readonly running: Running
  readonly environment: Record<string, string>
  readonly browser: ReturnType<typeof createBrowser>
  /** The issuer's page. */
  readonly page: string
}

/** A sign-in under way; `redirect` brings the browser up to the address of the listener, without asking for it. */
async function signingIn(): Promise<Attacked> {
  const environment = jupyterHealthVariables(upstream, temporaryFolder())
  const running = start(['login'], environment)
  return { running, environment, browser: createBrowser(), page: await running.shown(/visit (\S+)\n/) }
}

const changed = (redirect: URL, change: (query: URLSearchParams) => void) => {
  const url = new URL(redirect)
  change(url.searchParams)
  return url
}

/** The refusal of a sign-in that came to its end: in the terminal, on the page, and with nothing kept. */
async function refused({ running, environment, browser }: Attacked, redirect: URL, words: string) {
  const page = await browser.show(redirect)
  expect(await running.code).toBe(1)
  expect(running.written().stderr).toContain(words)
  expect([page.status, page.body]).toEqual([400, expect.stringContaining(words)])
  expect((await finished(['whoami'], environment)).stderr).toContain('FHIR_MCP_UNAUTHENTICATED')
}

/** The sign-in is still waiting, and works when the honest answer comes. */
async function stillWorks({ running, browser }: Attacked, redirect: URL) {
  expect((await browser.show(redirect)).status).toBe(200)
  expect(await running.code).toBe(0)
}

/** A request as no browser of the person sends it. */
function ask(
  url: URL,
  options: { method?: string; headers?: Record<string, string>; path?: string },
): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: url.hostname, port: url.port, path: `${url.pathname}${url.search}`, ...options },
      (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      },
    )
    sent.on('error', reject).end()
  })
}

const foreign = 'does not belong to this sign-in'

describe('a sign-in that nobody interferes with', () => {
  it('works (the control)', async () => {
    const attacked = await signingIn()
    await stillWorks(attacked, await attacked.browser.redirectOf(attacked.page))
  })
})

describe('an answer with', () => {
  it.each<[string, (query: URLSearchParams) => void]>([
    ['another state', (query) => query.set('state', 'A'.repeat(43))],
    ['no state', (query) => query.delete('state')],
    ['two states', (query) => query.append('state', 'mine')],
  ])('%s changes nothing: the sign-in waits for its own', async (_, change) => {
    const attacked = await signingIn()
    const redirect = await attacked.browser.redirectOf(attacked.page)
    const page = await attacked.browser.show(changed(redirect, change))
    expect(page.status).toBe(400)
    expect(page.body).not.toContain(redirect.searchParams.get('code'))
    await stillWorks(attacked, redirect)
  })

  it.each<[string, (query: URLSearchParams) => void, string]>([
    ['the iss of another issuer (mix-up)', (query) => query.set('iss', 'http://127.0.0.1:9'), foreign],
    ['no iss, where the issuer always sends one', (query) => query.delete('iss'), foreign],
    ['two codes', (query) => query.append('code', 'mine'), foreign],
    ['no code', (query) => query.delete('code'), foreign],
    ['a made-up code', (query) => query.set('code', 'mine'), 'The issuer refused the sign-in.'],
    ['a refusal', (query) => query.set('error', 'access_denied'), 'The sign-in was denied.'],
    ['a want of a login', (query) => query.set('error', 'login_required'), 'wants a new sign-in'],
    ['an unknown resource', (query) => query.set('error', 'invalid_target'), 'FHIR_MCP_LOGIN_RESOURCE=none'],
    ['scopes that nobody gives', (query) => query.set('error', 'invalid_scope'), 'FHIR_MCP_LOGIN_SCOPE'],
    ['a client that may not', (query) => query.set('error', 'unauthorized_client'), 'FHIR_MCP_CONFIG'],
    ['an error of the issuer', (query) => query.set('error', 'server_error'), 'FHIR_MCP_ISSUER_UNAVAILABLE'],
    ['a busy issuer', (query) => query.set('error', 'temporarily_unavailable'), 'could not be asked'],
    ['an error with markup', (query) => query.set('error', '<b>constructor</b>'), 'The issuer refused'],
    ['an error named like a method', (query) => query.set('error', 'constructor'), 'The issuer refused'],
  ])('%s is refused', async (_, change, words) => {
    const attacked = await signingIn()
    await refused(attacked, changed(await attacked.browser.redirectOf(attacked.page), change), words)
  })

  it('the code of another sign-in is refused by PKCE', async () => {
    const attacked = await signingIn()
    const other = await signingIn()
    const stolen = await other.browser.redirectOf(other.page)
    const redirect = await attacked.browser.redirectOf(attacked.page)
    const code = stolen.searchParams.get('code') ?? ''
    await refused(
      attacked,
      changed(redirect, (query) => query.set('code', code)),
      'The issuer refused the sign-in.',
    )
  })

  it('a code that was used before is refused', async () => {
    const first = await signingIn()
    const used = await first.browser.redirectOf(first.page)
    await stillWorks(first, used)
    const attacked = await signingIn()
    const redirect = await attacked.browser.redirectOf(attacked.page)
    expect(
      (await attacked.browser.show(changed(used, () => undefined)).catch(() => ({ status: 0 }))).status,
    ).toBe(0)
    const code = used.searchParams.get('code') ?? ''
    await refused(
      attacked,
      changed(redirect, (query) => query.set('code', code)),
      'The issuer refused the sign-in.',
    )
  })
})

describe('a request for the issuer that somebody changed on its way', () => {
  it.each<[string, NonNullable<Visit['tamper']>, string]>([
    [
      'with another nonce, so that the ID token has it',
      (url) => url.searchParams.set('nonce', 'mine'),
      foreign,
    ],
    ['without a nonce', (url) => url.searchParams.delete('nonce'), foreign],
    [
      'without PKCE (downgrade)',
      (url) => {
        url.searchParams.delete('code_challenge')
        url.searchParams.delete('code_challenge_method')
      },
      'The issuer refused the sign-in.',
    ],
    [
      'with PKCE as plain text',
      (url) => url.searchParams.set('code_challenge_method', 'plain'),
      'The issuer refused',
    ],
    [
      'with a challenge of theirs',
      (url) => url.searchParams.set('code_challenge', 'B'.repeat(43)),
      'The issuer refused',
    ],
  ])('%s is refused', async (_, tamper, words) => {
    const attacked = await signingIn()
    await refused(attacked, await attacked.browser.redirectOf(attacked.page, { tamper }), words)
  })
})

describe('an issuer', () => {
  it.each<[string, Record<string, unknown>, string]>([
    [
      'that offers PKCE as plain text alone',
      { code_challenge_methods_supported: ['plain'] },
      'PKCE with S256',
    ],
    ['whose page is no page of the web', { authorization_endpoint: 'file:///bin/sh' }, 'not an https URL'],
  ])('%s is refused before a browser opens', async (_, discovery, words) => {
    const other = await startUpstream({ discovery })
    const opened: string[] = []
    const environment = jupyterHealthVariables(other, temporaryFolder())
    const { code, stderr } = await finished(['login'], environment, async (url) => void opened.push(url))
    await other.close()
    expect([code, opened]).toEqual([1, []])
    expect(stderr).toContain('FHIR_MCP_CONFIG')
    expect(stderr).toContain(words)
  })

  it('that is reached in the clear beyond this machine is refused', async () => {
    const environment = jupyterHealthVariables(upstream, temporaryFolder())
    const { stderr } = await finished(['login'], {
      ...environment,
      FHIR_MCP_AUTH_ISSUER: 'http://login.example.org',
    })
    expect(stderr).toContain('FHIR_MCP_AUTH_ISSUER must be an https URL')
  })
})

describe('the loopback listener', () => {
  it('takes one answer: another one while it is dealt with is refused, and afterwards nobody listens', async () => {
    const attacked = await signingIn()
    const redirect = await attacked.browser.redirectOf(attacked.page)
    const pages = await Promise.all([attacked.browser.show(redirect), attacked.browser.show(redirect)])
    expect(pages.map(({ status }) => status).toSorted()).toEqual([200, 410])
    expect(await attacked.running.code).toBe(0)
    await expect(fetch(redirect)).rejects.toThrow()
  })

  it('answers nothing but a GET of its path under its own name', async () => {
    const attacked = await signingIn()
    const redirect = await attacked.browser.redirectOf(attacked.page)
    expect(await ask(redirect, { path: `/${redirect.search}` })).toBe(404)
    expect(await ask(redirect, { path: '/favicon.ico' })).toBe(404)
    expect(await ask(redirect, { method: 'POST' })).toBe(405)
    expect(await ask(redirect, { method: 'HEAD' })).toBe(405)
    expect(await ask(redirect, { headers: { host: `rebound.example:${redirect.port}` } })).toBe(400)
    expect(await ask(redirect, { path: `http://rebound.example/callback${redirect.search}` })).toBe(400)
    expect(await ask(redirect, { path: `//rebound.example/callback${redirect.search}` })).toBe(400)
    expect(await ask(redirect, { path: '//[' })).toBe(400)
    await stillWorks(attacked, redirect)
  })
})
