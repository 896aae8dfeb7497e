import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startExchange } from '../../src/test-kit/exchange.ts'
import { Assistant, post } from '../broker/assistant.ts'
import { password } from '../broker/login-form.ts'
import { manager, type Setting, startSetting } from '../broker/setting.ts'
import { upstreamClient } from '../broker/upstream.ts'
import { jupyterHealthVariables, temporaryFolder } from '../login/machine.ts'
import { startUpstream } from '../login/upstream.ts'
import { rpc } from '../plugins/gateway.ts'
import { noChromium, screenshots, startChromium } from './chromium.ts'
import { bin, startCommand } from './command.ts'
import { type LoopbackClient, startLoopbackClient } from './loopback-client.ts'
import { openWatched, type WatchedPage } from './watched-page.ts'

if (noChromium !== undefined) console.warn(`Skipped: sign-in in a browser, since ${noChromium}.`)

describe.skipIf(noChromium !== undefined)('a sign-in in Chromium', () => {
  let browser: Browser

  beforeAll(async () => {
    browser = await startChromium()
  })
  afterAll(() => browser?.close())

  describe('through the broker', () => {
    interface Scene {
      readonly setting: Setting
      readonly client: LoopbackClient
      readonly assistant: Assistant
      /** The browser, on the consent page. */
      readonly watched: WatchedPage
    }

    /** A client registers and sends its person to the browser, who signs in at the upstream. */
    async function atConsent(): Promise<Scene> {
      const setting = await startSetting()
      onTestFinished(() => setting.close())
      setting.upstream.hasPage = true
      const client = await startLoopbackClient()
      onTestFinished(() => client.close())
      const assistant = new Assistant(setting.mcpUrl, { redirect_uris: [client.redirectUri] })
      const watched = await openWatched(browser, (await assistant.start()).href)
      onTestFinished(() => watched.page.context().close())
      await signInUpstream(watched, password)
      return { setting, client, assistant, watched }
    }

    async function signInUpstream({ page }: WatchedPage, typed: string) {
      expect(await page.title()).toBe('Sign in to the exchange')
      await page.getByLabel('User').fill(manager.id)
      await page.getByLabel('Password').fill(typed)
      await page.getByRole('button', { name: 'Sign in' }).click()
    }

    async function answer({ watched: { page }, client }: Scene, button: 'Allow' | 'Deny'): Promise<URL> {
      await page.getByRole('button', { name: button }).click()
      await page.waitForURL(client.doneUrl)
      expect(client.answers).toHaveLength(1)
      return client.answers[0] ?? new URL(client.doneUrl)
    }

    /** What nobody may see and was found all the same, and what the browser complained of. */
    async function leaks({ setting, client, assistant, watched }: Scene): Promise<string[]> {
      const { stored } = assistant
      const code = client.answers[0]?.searchParams.get('code') ?? ''
      const tokens = [stored?.access_token ?? '', stored?.refresh_token ?? '']
      const own = [password, upstreamClient.clientSecret, assistant.verifier]
      const secrets = [...setting.upstream.secrets, ...own, ...tokens, code].filter((text) => text !== '')
      const history = await watched.history()
      expect(history.at(-1)).toBe(client.doneUrl)
      const places = {
        pages: await watched.shown(),
        history: history.join('\n'),
        log: setting.log.join('\n'),
        referrers: client.referrers.join('\n'),
      }
      // The control: these pages were looked at, and codes were on their way in addresses.
      for (const words of ['Sign in to the exchange', 'Allow access?', 'Going back to']) {
        expect(places.pages).toContain(words)
      }
      const codes = watched.addresses.map((address) => new URL(address).searchParams.get('code') ?? '')
      const passing = secrets.filter((secret) => codes.includes(secret))
      expect(passing).toHaveLength(code === '' ? 1 : 2)
      const addresses = watched.addresses.join('\n')
      return [
        ...Object.entries(places).flatMap(([place, text]) =>
          secrets.filter((secret) => text.includes(secret)).map((secret) => `${place}: ${secret}`),
        ),
        ...secrets.filter((secret) => !passing.includes(secret) && addresses.includes(secret)),
        ...watched.complaints,
      ]
    }

    it('registers, signs in, is allowed, calls a tool, refreshes, and is revoked', async () => {
      const scene = await atConsent()
      const { setting, assistant, watched } = scene
      const { page } = watched
      await expect.poll(() => page.title()).toBe('Allow access?')
      const text = await page.locator('main').textContent()
      for (const words of ['A test assistant', 'Northlake Clinic', `${manager.id}@example.org`]) {
        expect(text).toContain(words)
      }
      if (screenshots !== undefined) {
        await page.screenshot({ path: join(screenshots, 'sign-in.png'), fullPage: true })
      }
      const back = await answer(scene, 'Allow')
      expect(back.searchParams.get('iss')).toBe(setting.issuer)

      await assistant.redeem(back)
      expect(assistant.claims.jhe_permissions).toEqual(manager.claim)
      expect(await assistant.call('list_studies')).toContain('30006')
      const before = assistant.stored?.refresh_token
      expect(await assistant.refresh()).toBe('AUTHORIZED')
      expect(assistant.stored?.refresh_token).not.toBe(before)
      expect(await assistant.call('list_study_patients', { study_id: '30006' })).toContain('resourceType')
      expect(await leaks(scene)).toEqual([])

      const client_id = assistant.information?.client_id ?? ''
      const token = assistant.stored?.refresh_token ?? ''
      expect((await post(`${setting.issuer}/revoke`, { client_id, token })).status).toBe(200)
      expect(setting.upstream.accessTokens.size).toBe(0)
      setting.exchange.reset()
      expect(await assistant.call('list_studies')).toContain('FHIR_MCP_TOKEN_INVALID')
      expect(setting.exchange.count).toBe(0)
      expect(await assistant.refresh()).toBe('REDIRECT')
    })

    it('is denied: the client is told so, and nothing is held', async () => {
      const scene = await atConsent()
      const back = await answer(scene, 'Deny')
      expect(back.searchParams.get('error')).toBe('access_denied')
      expect(back.searchParams.get('iss')).toBe(scene.setting.issuer)
      expect(scene.setting.upstream.accessTokens.size).toBe(0)
      expect(await leaks(scene)).toEqual([])
    })

    it('is refused by the upstream: the client is told so without a consent page', async () => {
      const setting = await startSetting()
      onTestFinished(() => setting.close())
      setting.upstream.hasPage = true
      const client = await startLoopbackClient()
      onTestFinished(() => client.close())
      const assistant = new Assistant(setting.mcpUrl, { redirect_uris: [client.redirectUri] })
      const watched = await openWatched(browser, (await assistant.start()).href)
      onTestFinished(() => watched.page.context().close())
      await signInUpstream(watched, 'not the password')
      await watched.page.waitForURL(client.doneUrl)
      expect(client.answers[0]?.searchParams.get('error')).toBe('access_denied')
      expect(watched.complaints).toEqual([])
    })

    it('has scopes taken away on the page: what needs them is refused, with the scopes that it lacks', async () => {
      const scene = await atConsent()
      const { setting, assistant, watched } = scene
      for (const scope of ['user/Patient.rs', 'user/Observation.rs']) {
        await watched.page.locator(`input[value="${scope}"]`).uncheck()
      }
      await assistant.redeem(await answer(scene, 'Allow'))
      expect(assistant.claims.scope).toBe('user/ResearchStudy.rs')
      const study = { study_id: '30006' }
      expect(await assistant.call('get_study_metadata', study)).toContain('30006')

      setting.exchange.reset()
      const call = { name: 'list_study_patients', arguments: study }
      const refused = await fetch(setting.mcpUrl, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${assistant.stored?.access_token}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
        },
        body: JSON.stringify(rpc('tools/call', call)),
      })
      expect(refused.status).toBe(403)
      expect(refused.headers.get('www-authenticate')).toMatch(
        /^Bearer error="insufficient_scope", scope="[^"]*user\/Patient\.rs[^"]*"/,
      )
      expect(await refused.text()).toContain('FHIR_MCP_INSUFFICIENT_SCOPE')

      const older = new Client({ name: 'older', version: '1' })
      await older.connect(
        new SSEClientTransport(new URL(`${setting.origin}/sse`), { authProvider: assistant }),
      )
      onTestFinished(() => older.close())
      const answered = await older.callTool(call)
      expect(answered.isError).toBe(true)
      expect(JSON.stringify(answered)).toContain('FHIR_MCP_INSUFFICIENT_SCOPE')
      expect(setting.exchange.count).toBe(0)
      expect(await leaks(scene)).toEqual([])
    })
  })

  describe('by the command', () => {
    async function machine() {
      const upstream = await startUpstream()
      onTestFinished(() => upstream.close())
      const authorize = (token: string) => (upstream.isActive(token) ? 'both_member' : undefined)
      const exchange = await startExchange({ dialect: 'jupyterhealth', authorize })
      onTestFinished(() => exchange.close())
      const folder = temporaryFolder()
      const environment = {
        ...jupyterHealthVariables(upstream, folder),
        PATH: process.env.PATH ?? '',
        FHIR_MCP_FHIR_BASE_URL: exchange.url,
        // The browser of the system is none here; the address that is printed is opened in ours.
        BROWSER: 'true',
      }
      return { upstream, environment, folder: join(folder, 'sign-in') }
    }

    /** `login`, and its person in the browser, who types this name. */
    async function login(environment: Record<string, string>, name: string) {
      const command = startCommand(['login'], environment)
      onTestFinished(() => command.kill())
      const address = await command.shown(/visit (http\S+)\n/)
      const watched = await openWatched(browser, address)
      onTestFinished(() => watched.page.context().close())
      await watched.page.locator('input[name="login"]').fill(name)
      await watched.page.getByRole('button', { name: 'Sign in' }).click()
      const code = await command.code
      const redirectUri = new URL(address).searchParams.get('redirect_uri')
      await watched.page.waitForURL(`${redirectUri}`)
      return { code, output: command.output(), watched, redirectUri }
    }

    it('signs in, answers a tool call over stdio, and signs out', async () => {
      const { upstream, environment, folder } = await machine()
      const { code, output, watched, redirectUri } = await login(environment, 'ada')
      expect(output).toContain('Signed in.')
      expect(code).toBe(0)
      expect(await watched.page.locator('main').textContent()).toContain('You are signed in.')

      const transport = new StdioClientTransport({
        command: process.execPath,
        args: [bin, 'stdio'],
        env: environment,
        stderr: 'pipe',
      })
      let log = ''
      transport.stderr?.on('data', (chunk: Buffer) => {
        log += chunk.toString()
      })
      const client = new Client({ name: 'assistant', version: '1' })
      await client.connect(transport)
      const studies = await client.callTool({ name: 'list_studies', arguments: {} })
      expect(studies.isError).toBeUndefined()
      expect(JSON.stringify(studies.structuredContent)).toContain('30006')
      await client.close()
      expect(log).toContain('"tool":"list_studies"')

      const [access = ''] = [...upstream.secrets].filter(upstream.isActive)
      expect(access).not.toBe('')
      const logout = startCommand(['logout'], environment)
      expect(await logout.code).toBe(0)
      expect(logout.output()).toBe('Signed out: the tokens are revoked and removed.\n')
      expect(upstream.isActive(access)).toBe(false)
      expect(readdirSync(folder)).toEqual([])

      expect(watched.page.url()).toBe(redirectUri)
      expect(await watched.history()).toContain(redirectUri)
      expect(watched.complaints).toEqual([])
      const shown = [await watched.shown(), ...(await watched.history()), output, log, logout.output()]
      expect(upstream.secrets.size).toBeGreaterThanOrEqual(3)
      for (const secret of upstream.secrets) expect(shown.join('\n')).not.toContain(secret)
    })

    it('is denied: the page and the terminal say so, and nothing is kept', async () => {
      const { upstream, environment, folder } = await machine()
      const { code, output, watched, redirectUri } = await login(environment, 'nobody')
      expect(code).toBe(1)
      expect(output).toContain('FHIR_MCP_UNAUTHENTICATED')
      expect(await watched.page.locator('main').textContent()).toContain('Not signed in')
      expect(watched.page.url()).toBe(redirectUri)
      expect([upstream.secrets.size, existsSync(folder)]).toEqual([0, false])
    })
  })
})
