import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freePort } from '../../src/demo/gateway.ts'
import { startExchange } from '../../src/test-kit/exchange.ts'
import { recordsIn } from '../audit/records.ts'
import { temporaryFolder } from '../login/machine.ts'
import { confidentialClient, publicClient, startUpstream } from '../login/upstream.ts'
import { allow, askToSignIn, person, serving, signedIn, startPageSetting } from './setting.ts'

describe('the sign-in of the start page, at the broker', () => {
  it('shows studies by title, organizations with roles, scopes and expiry', async () => {
    const { origin } = await startPageSetting()
    const page = await signedIn(person(), origin)
    expect(page.url.href).toBe(`${origin}/`)
    for (const text of [
      '<bdi>10012</bdi>',
      'Studies, with their enrolled patients (2)',
      '<bdi>Northlake Cardiometabolic Study</bdi> <span class="quiet">at <bdi>Northlake Clinic</bdi>, id <bdi>30006</bdi>',
      '<bdi>Northlake Sleep and Steps Study</bdi>',
      'Organizations, with all their patients (1)',
      '<bdi>Northlake Clinic</bdi> <span class="quiet">id <bdi>20009</bdi>, role <bdi>manager</bdi>',
      '<bdi>user/ResearchStudy.rs</bdi>',
    ]) {
      expect(page.html).toContain(text)
    }
    expect(page.html).toMatch(/<time datetime="2\d{3}-[^"]*Z">2\d{3}-\d\d-\d\d \d\d:\d\d UTC</)
  })

  it('asks the broker for nothing that a patient could be read with', async () => {
    const { origin } = await startPageSetting()
    const consent = await askToSignIn(person(), origin)
    const offered = [...consent.html.matchAll(/name="scope" value="([^"]*)"/g)].map(([, scope]) => scope)
    expect(offered).toEqual(['user/ResearchStudy.rs'])
    expect(consent.html).toContain('The start page of this server')
  })

  it('leaves a record of both calls, and lets go of all that was held for the person', async () => {
    const file = join(temporaryFolder(), 'audit.ndjson')
    const { origin, upstream } = await startPageSetting({ FHIR_MCP_AUDIT_PATH: file })
    await signedIn(person(), origin)
    // The consent page has its names before any client has a token.
    const ofClients = recordsIn(file).filter(({ client }) => client !== undefined)
    const records = ofClients.map(({ name, client, subject, outcome }) => ({
      name,
      client,
      subject,
      outcome,
    }))
    const by = { client: 'start-page', subject: '10012', outcome: 'allowed' }
    expect(records).toEqual([
      { name: 'get_my_access', ...by },
      { name: 'list_studies', ...by },
    ])
    expect(upstream.secrets.size).toBeGreaterThan(0)
    expect([...upstream.accessTokens]).toEqual([])
  })

  it('is limited as any other caller, and shows ids where titles are not to be had', async () => {
    const { origin } = await startPageSetting({ FHIR_MCP_LIMITS_CALLS_PER_PRINCIPAL: '1' })
    const page = await signedIn(person(), origin)
    expect(page.html).toContain('Study <bdi>30006</bdi>')
    expect(page.html).not.toContain('Northlake Cardiometabolic Study')
    const refused = await signedIn(person(), origin)
    expect(refused.status).toBe(429)
    expect(refused.html).toContain('FHIR_MCP_RATE_LIMITED')
  })

  it('says so when the person denies', async () => {
    const { origin } = await startPageSetting()
    const browser = person()
    const page = await allow(browser, await askToSignIn(browser, origin), 'deny')
    expect(page.html).toContain('The sign-in was denied.')
    expect((await browser.visit(origin)).html).toContain('Sign in to see what you may reach')
  })

  it('forgets what it showed when it is told to', async () => {
    const { origin } = await startPageSetting()
    const browser = person()
    const page = await signedIn(browser, origin)
    const after = await browser.submit(page, [])
    expect(after.url.href).toBe(`${origin}/`)
    expect(after.html).not.toContain('Northlake')
    expect([...browser.cookies.keys()].filter((key) => key.includes('page'))).toEqual([])
  })
})

describe('the sign-in of the start page, at an issuer', () => {
  async function atIssuer(more: Readonly<Record<string, string>>, scopes?: string[]) {
    const port = await freePort()
    const origin = `http://127.0.0.1:${port}`
    const upstream = await startUpstream({
      resource: `${origin}/mcp`,
      people: {
        ada: {
          jhe_permissions: {
            studies: ['study-a'],
            organizations: [{ id: 'org-1', name: 'Northlake', role: 'viewer' }],
          },
        },
      },
      redirectUris: [`${origin}/page/callback`],
      ...(scopes === undefined ? {} : { scopes }),
    })
    const exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4' })
    onTestFinished(async () => {
      await upstream.close()
      await exchange.close()
    })
    const running = await serving({
      FHIR_MCP_PAGE: 'true',
      FHIR_MCP_PORT: String(port),
      FHIR_MCP_FHIR_BASE_URL: exchange.url,
      FHIR_MCP_FHIR_CREDENTIALS: 'none',
      FHIR_MCP_AUTH_ISSUER: upstream.url,
      FHIR_MCP_AUTH_AUDIENCE: `${origin}/mcp`,
      ...more,
    })
    return { origin, running, exchange }
  }

  it.each([
    ['a public client', { FHIR_MCP_PAGE_CLIENT_ID: publicClient.id }],
    [
      'a confidential client',
      {
        FHIR_MCP_PAGE_CLIENT_ID: confidentialClient.id,
        FHIR_MCP_PAGE_CLIENT_SECRET: confidentialClient.secret,
      },
    ],
  ])('works with %s there', async (_, variables) => {
    const { origin } = await atIssuer(variables)
    const browser = person()
    const form = await askToSignIn(browser, origin)
    const page = await browser.submit(form, [['login', 'ada']])
    expect(page.url.href).toBe(`${origin}/`)
    expect(page.html).toContain('<bdi>ada</bdi>')
    expect(page.html).toMatch(/<li><bdi>[^<]+<\/bdi> <span class="quiet">id <bdi>study-a<\/bdi>/)
    expect(page.html).toContain('role <bdi>viewer</bdi>')
    expect(page.html).toContain('not narrowed by scopes')
  })

  it('is left out without a client there, and the page says who can tell instead', async () => {
    const { origin } = await atIssuer({})
    const page = await person().visit(origin)
    expect(page.html).toContain('get_my_access')
    expect(page.html).not.toContain('Sign in to see')
    expect((await fetch(`${origin}/page/sign-in`)).status).toBe(404)
    expect((await fetch(`${origin}/page/callback?code=a&state=b`)).status).toBe(404)
  })

  it('shows a code of the catalog when the issuer does not answer, and nothing of the issuer', async () => {
    const { origin, running } = await atIssuer({
      FHIR_MCP_PAGE_CLIENT_ID: publicClient.id,
      FHIR_MCP_AUTH_ISSUER: 'http://127.0.0.1:9',
    })
    const page = await person().visit(`${origin}/page/sign-in`)
    expect(page.status).toBe(503)
    expect(page.html).toContain('FHIR_MCP_ISSUER_UNAVAILABLE')
    expect(page.html).not.toContain('127.0.0.1:9')
    expect(running.written().stderr).toContain('page failed')
  })
})
