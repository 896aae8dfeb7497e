import Fastify from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import { broker } from '../../src/broker/index.ts'
import { Assistant } from './assistant.ts'
import { Browser } from './browser.ts'
import { brokerOptions, startSetting } from './setting.ts'

const issuer = 'https://idp.example'

async function application() {
  const app = Fastify()
  onTestFinished(() => app.close())
  return { app, options: await brokerOptions('https://gateway.example', issuer) }
}

const config = { code: 'FHIR_MCP_CONFIG' }

describe('the plugin', () => {
  it('fails at register with options that are not usable', async () => {
    const { app, options } = await application()
    await expect(app.register(broker, { ...options, encryptionKey: 'short' })).rejects.toMatchObject(config)
  })

  it('fails inside of a prefix, where it could not answer at the root', async () => {
    const { app, options } = await application()
    app.register(async (scope) => scope.register(broker, options), { prefix: '/api' })
    await expect(app.ready()).rejects.toMatchObject(config)
  })

  it('fails the second time', async () => {
    const { app, options } = await application()
    await app.register(broker, options)
    app.register(async (scope) => scope.register(broker, options))
    await expect(app.ready()).rejects.toMatchObject(config)
  })

  it('is where publicUrl says, with secure cookies there', async () => {
    const { app, options } = await application()
    await app.register(broker, { ...options, publicUrl: 'https://gateway.example/prefix', path: '/sign-in' })
    const discovery = await app.inject('/.well-known/oauth-authorization-server/prefix/sign-in')
    expect(discovery.json()).toMatchObject({
      issuer: 'https://gateway.example/prefix/sign-in',
      token_endpoint: 'https://gateway.example/prefix/sign-in/token',
    })
    const registered = await app.inject({
      method: 'POST',
      url: '/sign-in/register',
      payload: { redirect_uris: ['https://client.example/cb'], token_endpoint_auth_method: 'none' },
    })
    const query = new URLSearchParams({
      client_id: registered.json().client_id,
      redirect_uri: 'https://client.example/cb',
      response_type: 'code',
      code_challenge: 'x'.repeat(43),
      code_challenge_method: 'S256',
    })
    const begun = await app.inject(`/sign-in/authorize?${query}`)
    expect(begun.headers.location).toMatch(/^\/prefix\/sign-in\/interaction\//)
    const cookies = [begun.headers['set-cookie']].flat()
    expect(cookies.length).toBeGreaterThan(0)
    for (const cookie of cookies) expect(cookie).toMatch(/secure/i)
  })

  it('takes a connected Redis client for its storage', async () => {
    const { app, options } = await application()
    const commands: string[] = []
    const redis = {
      async sendCommand([name = '', script = '']: string[]) {
        const counts = script.includes('INCR')
        commands.push(counts ? 'count' : name)
        return counts ? [1, 60_000] : 1
      },
    }
    await app.register(broker, { ...options, storage: { redis } })
    await app.inject({
      method: 'POST',
      url: '/oauth/register',
      payload: { redirect_uris: ['https://client.example/cb'], token_endpoint_auth_method: 'none' },
    })
    expect(commands).toEqual(['count', 'count', 'EVAL'])
  })
})

describe('a sign-in', () => {
  it('whose upstream does not answer ends on a page that says so', async () => {
    const setting = await startSetting()
    onTestFinished(() => setting.close())
    setting.upstream.instead = () => ({ status: 500 })
    const assistant = new Assistant(setting.mcpUrl)
    const page = await assistant.browser.visit(await assistant.start())
    expect(page.status).toBe(503)
    expect(page.html).toContain('FHIR_MCP_ISSUER_UNAVAILABLE')
    setting.upstream.instead = undefined
    expect((await assistant.signIn()).access_token).toBeTypeOf('string')
  })

  it('that nobody began is answered with a page', async () => {
    const setting = await startSetting()
    onTestFinished(() => setting.close())
    const page = await new Browser('none').visit(`${setting.issuer}/interaction/made-up`)
    expect(page.status).toBe(400)
    expect(page.html).toContain('FHIR_MCP_UNAUTHENTICATED')
  })
})

describe('a client that runs in a browser', () => {
  it('may ask for tokens from the origin of its redirect, and from no other', async () => {
    const setting = await startSetting()
    onTestFinished(() => setting.close())
    const assistant = new Assistant(setting.mcpUrl, { redirect_uris: ['https://client.example/cb'] })
    await assistant.start()
    const ask = (origin: string) =>
      fetch(`${setting.issuer}/token`, {
        method: 'POST',
        headers: { origin },
        body: new URLSearchParams({
          grant_type: 'refresh_token',
          refresh_token: 'x',
          client_id: assistant.information?.client_id ?? '',
        }),
      })
    const allowed = await ask('https://client.example')
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://client.example')
    const other = await ask('https://attacker.example')
    expect(other.headers.get('access-control-allow-origin')).toBeNull()
  })
})
