import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { freePort } from '../../src/demo/gateway.ts'
import { startExchange } from '../../src/test-kit/index.ts'
import { Assistant } from '../broker/assistant.ts'
import type { Browser } from '../broker/browser.ts'
import { environmentIn } from '../cli/standalone.ts'
import { finished, temporaryFolder } from '../login/machine.ts'
import { type Walk, walk } from './keycloak/document.ts'
import { passKeycloak } from './keycloak/person.ts'
import { noPython, signInByPython } from './keycloak/python.ts'
import { type Keycloak, noKeycloak, startKeycloak } from './keycloak/server.ts'
import { startServe } from './serve-process.ts'

if (noKeycloak !== undefined) console.warn(`Skipped: sign-in at Keycloak, since ${noKeycloak}.`)

const maya = { name: 'maya', password: 'the-password-of-maya' }
const settings = 'The settings of the server'

describe.skipIf(noKeycloak !== undefined)('docs/keycloak.md, word for word, at a real Keycloak', () => {
  const withoutPython = noKeycloak === undefined ? noPython() : undefined
  let keycloak: Keycloak
  let guide: Walk
  let port: number

  beforeAll(async () => {
    keycloak = await startKeycloak()
    port = await freePort()
    guide = walk(keycloak, `http://127.0.0.1:${port}`, maya.password)
    for (const heading of [
      'Keycloak',
      'The attribute that holds the claim',
      'The server as a client',
      'The scopes that carry the claim',
      'An assistant that you register',
      'Assistants that register themselves',
    ]) {
      await guide.follow(heading)
    }
    if (withoutPython !== undefined) console.log(`keycloak: SKIPPED the Python SDK: ${withoutPython}`)
  }, 1_200_000)
  afterAll(() => keycloak?.close())

  interface Serving {
    readonly mcpUrl: string
    /** Bearer tokens that reached the exchange. */
    readonly sent: () => readonly string[]
  }

  /** A server with these settings of the document before a HAPI server; it ends with the test. */
  async function serving(given: Readonly<Record<string, string>>): Promise<Serving> {
    const exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4' })
    const server = await startServe(port, {
      FHIR_MCP_FHIR_BASE_URL: exchange.url,
      FHIR_MCP_FHIR_DIALECT: 'hapi',
      FHIR_MCP_FHIR_CREDENTIALS: 'none',
      FHIR_MCP_AUDIT_SINK: 'off',
      ...given,
    })
    onTestFinished(async () => {
      await server.end('SIGTERM')
      await exchange.close()
    })
    const bearer = /^Bearer (.+)$/
    return {
      mcpUrl: `http://127.0.0.1:${port}/mcp`,
      sent: () =>
        exchange.requests.flatMap(({ headers }) => bearer.exec(headers.authorization ?? '')?.[1] ?? []),
    }
  }

  /** Maya signs in at Keycloak; where the broker asks as well, she allows it. */
  async function pass(browser: Browser, url: URL): Promise<URL> {
    const page = await passKeycloak(browser, url, maya)
    if (!page.html.includes('name="decision"')) return page.url
    const offered = [...page.html.matchAll(/name="scope" value="([^"]*)"/g)].map(([, scope = '']) => scope)
    const kept = offered.map((scope) => ['scope', scope] as const)
    return (await browser.submit(page, [...kept, ['decision', 'allow']])).url
  }

  /** The TypeScript SDK signs in; without a client it registers itself. */
  async function signedIn(mcpUrl: string, client?: string): Promise<Assistant> {
    const assistant = new Assistant(mcpUrl)
    if (client !== undefined) assistant.information = { client_id: client }
    const back = await pass(assistant.browser, await assistant.start())
    await assistant.redeem(back)
    return assistant
  }

  /** She reaches study-a and study-c, and nothing of study-b. */
  async function expectHers(assistant: Assistant): Promise<void> {
    const studies = await assistant.call('list_studies')
    expect(studies).toContain('ResearchStudy/study-a')
    expect(studies).toContain('ResearchStudy/study-c')
    expect(studies).not.toContain('study-b')
    expect(await assistant.call('get_study_metadata', { study_id: 'study-b' })).toContain(
      'FHIR_MCP_FORBIDDEN',
    )
  }

  it('a registered assistant: signs in, is answered, and renews', async () => {
    const { mcpUrl } = await serving(await guide.settings(settings))
    const assistant = await signedIn(mcpUrl, 'assistant')
    await expectHers(assistant)
    expect([assistant.claims.aud].flat()).toContain('fhir-mcp')
    const before = assistant.stored?.access_token
    expect(await assistant.refresh()).toBe('AUTHORIZED')
    expect(assistant.stored?.access_token).not.toBe(before)
    await expectHers(assistant)
  })

  it('an assistant that registers itself: the scopes that it gets carry audience and claim', async () => {
    const { mcpUrl } = await serving(await guide.settings(settings))
    const assistant = await signedIn(mcpUrl)
    expect(assistant.information?.client_id).not.toBe('assistant')
    expect(String(assistant.claims.scope).split(' ')).toContain('user/Observation.rs')
    await expectHers(assistant)
  })

  it.skipIf(withoutPython !== undefined).each(['assistant', ''])(
    'the Python SDK, as client "%s"',
    async (client) => {
      const { mcpUrl } = await serving(await guide.settings(settings))
      const answer = await signInByPython(mcpUrl, client, pass)
      expect(answer).toContain('ResearchStudy/study-c')
      expect(answer).not.toContain('study-b')
    },
  )

  describe('through the broker', () => {
    async function throughBroker(): Promise<Serving> {
      const file = `${temporaryFolder()}/broker.env`
      await finished(['broker-secrets', '--out', file], {})
      return serving({ ...environmentIn(file), ...(await guide.settings(settings, 'The broker')) })
    }
    beforeAll(() => guide.follow('The broker'))

    it('registers there, signs in at Keycloak, is answered, and renews', async () => {
      const { mcpUrl } = await throughBroker()
      const assistant = await signedIn(mcpUrl)
      expect(assistant.claims.iss).toBe(`http://127.0.0.1:${port}/oauth`)
      await expectHers(assistant)
      expect(await assistant.refresh()).toBe('AUTHORIZED')
      await expectHers(assistant)
    })

    it.skipIf(withoutPython !== undefined)('and so does the Python SDK', async () => {
      const { mcpUrl } = await throughBroker()
      expect(await signInByPython(mcpUrl, '', pass)).toContain('ResearchStudy/study-c')
    })
  })

  it('token exchange: the FHIR server is sent a token that is for it, of the same person', async () => {
    await guide.follow('Token exchange for the FHIR server')
    const { mcpUrl, sent } = await serving(
      await guide.settings(settings, 'Token exchange for the FHIR server'),
    )
    const assistant = await signedIn(mcpUrl, 'assistant')
    await expectHers(assistant)
    const tokens = sent()
    expect(tokens.length).toBeGreaterThan(0)
    for (const token of tokens) {
      expect(token).not.toBe(assistant.stored?.access_token)
      expect(decodeJwt(token)).toMatchObject({ aud: 'fhir-server', sub: assistant.claims.sub })
    }
  })

  it('backend services: the FHIR server is sent a token of the server, got by its key', async () => {
    await guide.follow('Backend services')
    const { mcpUrl, sent } = await serving(await guide.settings(settings, 'Backend services'))
    await expectHers(await signedIn(mcpUrl, 'assistant'))
    const tokens = new Set(sent())
    expect(tokens.size).toBe(1)
    const [token = ''] = tokens
    expect(decodeJwt(token)).toMatchObject({ azp: 'fhir-mcp-backend' })
    expect(String(decodeJwt(token).scope).split(' ')).toContain('system/Observation.rs')
  })

  it('lightweight tokens: the claim is not in the token, and is read by introspection', async () => {
    await guide.follow('Large claims: lightweight tokens')
    const { mcpUrl } = await serving(await guide.settings(settings, 'Large claims: lightweight tokens'))
    const assistant = await signedIn(mcpUrl, 'assistant')
    expect(assistant.claims).not.toHaveProperty('jhe_permissions')
    await expectHers(assistant)
  })

  it('a changed key: tokens of the new one and of the old one open the server', async () => {
    const { mcpUrl } = await serving(await guide.settings(settings))
    const before = await signedIn(mcpUrl)
    await expectHers(before)
    await guide.follow('Changing the keys of the realm')
    const after = await signedIn(mcpUrl)
    const keys = [before, after].map(({ stored }) => decodeProtectedHeader(stored?.access_token ?? '').kid)
    expect(keys[0]).not.toBe(keys[1])
    await expectHers(after)
    await expectHers(before)
  })

  it('every command of the document was run', () => {
    expect(guide.left()).toEqual([])
  })
})
