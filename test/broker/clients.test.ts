import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { isPublicAddress } from '../../src/broker/public-address.ts'
import { Assistant } from './assistant.ts'
import { Browser } from './browser.ts'
import { type DocumentHost, documentOf, startDocumentHost } from './document-host.ts'
import { type Setting, type SettingOptions, startSetting } from './setting.ts'

async function start(options?: SettingOptions): Promise<Setting> {
  const setting = await startSetting(options)
  onTestFinished(() => setting.close())
  return setting
}

async function register(setting: Setting, metadata: object) {
  const answer = await fetch(`${setting.issuer}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(metadata),
  })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

const publicClient = { token_endpoint_auth_method: 'none', response_types: ['code'] }

describe('discovery', () => {
  it.each([
    '/oauth/.well-known/openid-configuration',
    '/.well-known/oauth-authorization-server/oauth',
    '/.well-known/openid-configuration/oauth',
    '/.well-known/oauth-authorization-server',
    '/.well-known/openid-configuration',
  ])('is answered at %s', async (path) => {
    const { origin, issuer } = await start()
    const answer = await fetch(`${origin}${path}`)
    expect(answer.headers.get('content-type')).toContain('application/json')
    expect(await answer.json()).toMatchObject({
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      registration_endpoint: `${issuer}/register`,
      revocation_endpoint: `${issuer}/revoke`,
      introspection_endpoint: `${issuer}/introspect`,
      jwks_uri: `${issuer}/jwks`,
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      client_id_metadata_document_supported: true,
      scopes_supported: [
        'openid',
        'offline_access',
        'user/Patient.rs',
        'user/Observation.rs',
        'user/ResearchStudy.rs',
      ],
    })
  })

  it('publishes no private part of a key', async () => {
    const { issuer } = await start()
    const { keys } = (await (await fetch(`${issuer}/jwks`)).json()) as { keys: object[] }
    expect(keys).toHaveLength(1)
    expect(keys[0]).not.toHaveProperty('d')
  })
})

describe('registration', () => {
  it.each([
    'http://attacker.example/callback',
    'https://user:password@attacker.example/callback',
    'https://attacker.example/callback#fragment',
    'https://*.attacker.example/callback',
    'https://localhost/callback',
    'https://127.0.0.1/callback',
    'http://127.0.0.1.attacker.example/callback',
    'http://127.1/callback',
    'http://2130706433/callback',
    'http://0x7f.0.0.1/callback',
    'http://127.0.0.01/callback',
    'http://127.0.0.1./callback',
    'http://localhost./callback',
    'http:127.0.0.1/callback',
    'http://[::ffff:127.0.0.1]/callback',
    'http://0.0.0.0/callback',
    'https://0.0.0.0/callback',
    'https://localhost./callback',
    'https://app.localhost/callback',
    'https://[::ffff:127.0.0.1]/callback',
    'https://[::]/callback',
    'http://10.0.0.1/callback',
    'cursor://anything/callback',
    'javascript:alert(1)',
    'data:text/html,x',
    'https://attacker.example\\@good.example/callback',
    'callback',
    '',
  ])('refuses the redirect URI %s', async (uri) => {
    const setting = await start()
    const answer = await register(setting, {
      ...publicClient,
      redirect_uris: ['https://good.example/cb', uri],
    })
    expect(answer.status).toBe(400)
    expect(answer.body.error).toMatch(/^invalid_(redirect_uri|client_metadata)$/)
  })

  it.each(['/oauth/callback', '/oauth', '/oauth/interaction/x', '/mcp', '/mcp/?x=1', '/sse'])(
    'refuses our own %s as a redirect URI, under each name that this machine has',
    async (path) => {
      const setting = await start()
      const { port } = new URL(setting.origin)
      for (const host of ['127.0.0.1', 'localhost', '[::1]']) {
        const uri = `http://${host}:${port}${path}`
        const answer = await register(setting, { ...publicClient, redirect_uris: [uri] })
        expect([uri, answer.status, answer.body.error]).toEqual([uri, 400, 'invalid_redirect_uri'])
      }
      // The control: the same path of another program on this machine is that program's.
      const other = { ...publicClient, redirect_uris: [`http://127.0.0.1:4000${path}`] }
      expect((await register(setting, other)).status).toBe(201)
    },
  )

  it.each([
    'https://good.example/callback',
    'http://127.0.0.1/callback',
    'http://127.0.0.1:4000/callback',
    'http://localhost:4000/callback',
    'http://[::1]:4000/callback',
  ])('takes the redirect URI %s', async (uri) => {
    const setting = await start()
    expect((await register(setting, { ...publicClient, redirect_uris: [uri] })).status).toBe(201)
  })

  it.each([
    ['no redirect URI', { redirect_uris: [] }],
    ['too many', { redirect_uris: Array.from({ length: 21 }, (_, n) => `https://good.example/${n}`) }],
    ['one that is no text', { redirect_uris: [1] }],
    ['implicit tokens', { response_types: ['token'], grant_types: ['implicit'] }],
    ['a grant of its own', { grant_types: ['authorization_code', 'client_credentials'] }],
    ['unsigned ID tokens', { id_token_signed_response_alg: 'none' }],
    ['a novel', { client_name: 'x'.repeat(20_000) }],
  ])('refuses %s', async (_, metadata) => {
    const setting = await start()
    const good = { ...publicClient, redirect_uris: ['https://good.example/cb'] }
    expect((await register(setting, good)).status).toBe(201)
    expect((await register(setting, { ...good, ...metadata })).status).toBe(400)
  })

  it('has an end: clients that nobody signed in with give way with time, the others stay', async () => {
    const setting = await start({ broker: { registration: { limit: 2, unusedLifetime: 60 } } })
    const client = { ...publicClient, redirect_uris: ['https://good.example/cb'] }
    const assistant = new Assistant(setting.mcpUrl)
    await assistant.signIn()
    expect((await register(setting, client)).status).toBe(201)
    const full = await register(setting, client)
    expect(full).toMatchObject({ status: 429, body: { error: 'temporarily_unavailable' } })
    setting.clock.now += 61_000
    expect((await register(setting, client)).status).toBe(201)
    expect(await assistant.refresh()).toBe('AUTHORIZED')
  })

  it('can be closed', async () => {
    const setting = await start({ broker: { registration: { dynamic: false } } })
    const answer = await fetch(`${setting.issuer}/register`, { method: 'POST' })
    expect(answer.status).toBe(404)
  })
})

describe('a client id metadata document', () => {
  let host: DocumentHost

  beforeEach(async () => {
    host = await startDocumentHost()
  })
  afterEach(() => host.close())

  function authorizeUrl(setting: Setting, clientId: string): URL {
    const url = new URL(`${setting.issuer}/authorize`)
    url.search = new URLSearchParams({
      client_id: clientId,
      redirect_uri: 'http://127.0.0.1:33418/callback',
      response_type: 'code',
      code_challenge: 'x'.repeat(43),
      code_challenge_method: 'S256',
      resource: setting.mcpUrl,
    }).toString()
    return url
  }

  const visit = (setting: Setting, clientId: string) =>
    new Browser('http://127.0.0.1:33418/callback').visit(authorizeUrl(setting, clientId))

  it('is the registration of its client, which signs in with it', async () => {
    const url = `${host.origin}/client.json`
    host.documents.set('/client.json', documentOf(url))
    const setting = await start({ documents: host.access })
    const assistant = new Assistant(setting.mcpUrl, {}, url)
    await assistant.signIn()
    expect(assistant.claims.client_id).toBe(url)
    expect(assistant.page?.html).toContain('client.example.test')
    expect(await assistant.call('list_studies')).toContain('30006')
    expect(host.requests).toEqual(['/client.json'])
  })

  it('of a program on the own machine is no proof of it: the person is asked each time', async () => {
    const url = `${host.origin}/client.json`
    host.documents.set('/client.json', documentOf(url))
    const setting = await start({ documents: host.access })
    const assistant = new Assistant(setting.mcpUrl, {}, url)
    await assistant.signIn()
    assistant.page = undefined
    await assistant.signIn()
    expect(assistant.page).toBeDefined()
  })

  it.each([
    ['is one of another URL', (url: string) => documentOf(`${url}x`)],
    [
      'has a hostile redirect',
      (url: string) => documentOf(url, { redirect_uris: ['http://attacker.example/'] }),
    ],
    ['has a secret', (url: string) => documentOf(url, { client_secret: 'x' })],
    ['is too large', (url: string) => documentOf(url, { client_name: 'x'.repeat(17_000) })],
    ['is not JSON', () => '<html>'],
  ])('is refused when it %s', async (_, body) => {
    const url = `${host.origin}/client.json`
    host.documents.set('/client.json', body(url))
    const setting = await start({ documents: host.access })
    const page = await visit(setting, url)
    expect(page.status).toBe(400)
    expect(page.html).toContain('FHIR_MCP_INVALID_ARGUMENT')
    expect(host.requests).toContain('/client.json')
  })

  it('is refused when it is a redirect to one', async () => {
    const url = `${host.origin}/client.json`
    host.redirects.set('/client.json', `${host.origin}/elsewhere.json`)
    host.documents.set('/elsewhere.json', documentOf(url))
    const setting = await start({ documents: host.access })
    expect((await visit(setting, url)).status).toBe(400)
    expect(new Set(host.requests)).toEqual(new Set(['/client.json']))
  })

  it.each([
    'https://127.0.0.1',
    'https://localhost',
    'https://[::1]',
    'https://[::ffff:127.0.0.1]',
    'https://2130706433',
    'https://0x7f.1',
  ])('is not fetched from %s', async (origin) => {
    const url = `${origin}:${host.port}/client.json`
    host.documents.set('/client.json', documentOf(url))
    const setting = await start()
    expect((await visit(setting, url)).status).toBe(400)
    expect(host.requests).toEqual([])
  })

  it('is not fetched from a name of this machine: the address that is checked is the one that is used', async () => {
    const url = `${host.origin}/client.json`
    host.documents.set('/client.json', documentOf(url))
    const setting = await start({ documents: host.guarded(isPublicAddress) })
    expect((await visit(setting, url)).status).toBe(400)
    expect(host.requests).toEqual([])
  })

  it('is not fetched where documents are not taken', async () => {
    const url = `${host.origin}/client.json`
    host.documents.set('/client.json', documentOf(url))
    const setting = await start({ documents: host.access, broker: { registration: { documents: false } } })
    expect((await visit(setting, url)).status).toBe(400)
    expect(host.requests).toEqual([])
  })
})
