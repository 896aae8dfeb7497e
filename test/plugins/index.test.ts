import Fastify, { type FastifyInstance } from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import defaultExport, {
  errorCatalog,
  FhirMcpError,
  type FhirMcpOptions,
  fhirMcp,
  wellKnown,
} from '../../plugins/index.ts'
import { permissionsClaim, startIssuer } from '../../src/test-kit/index.ts'
import { auditFile, recordsIn } from '../audit/records.ts'
import { siteForAll } from '../e2e/site.ts'
import { mcpHeaders, rpc } from './gateway.ts'

const site = siteForAll()

const publicUrl = 'https://gateway.example.org'

async function registered(
  options: Partial<FhirMcpOptions> = {},
  lines: string[] = [],
): Promise<FastifyInstance> {
  const stream = { write: (line: string) => void lines.push(line) }
  const app = Fastify({ logger: { level: 'info', stream }, forceCloseConnections: true })
  onTestFinished(() => app.close())
  await app.register(fhirMcp, {
    fhir: { baseUrl: site.exchange.url, credentials: 'none' },
    auth: { issuer: site.issuer.url },
    publicUrl,
    audit: { sink: 'off' },
    ...options,
  })
  return app
}

const tokenFor = (aud: string) =>
  site.issuer.token({ sub: 'ada', aud, ...permissionsClaim({ studies: ['study-a'] }) })

async function call(app: FastifyInstance, token: string, name: string, args = {}) {
  const headers = { ...mcpHeaders, authorization: `Bearer ${token}` }
  const payload = rpc('tools/call', { name, arguments: args })
  return app.inject({ method: 'POST', url: '/mcp', headers, payload })
}

describe('the plugin', () => {
  it('is the default export and a named one, with its companions', () => {
    expect(defaultExport).toBe(fhirMcp)
    expect(typeof wellKnown).toBe('function')
    expect(new FhirMcpError('FORBIDDEN').entry).toBe(errorCatalog.FORBIDDEN)
  })

  it('takes publicUrl with the path for its audience', async () => {
    const app = await registered()
    const granted = await call(app, await tokenFor(`${publicUrl}/mcp`), 'get_study_count')
    expect(granted.json().result.isError).toBeUndefined()
    const foreign = await call(app, await tokenFor('https://other.example.org/mcp'), 'get_study_count')
    expect([foreign.statusCode, foreign.json().error.data.code]).toEqual([401, 'FHIR_MCP_AUDIENCE'])
  })

  it('says at start what an operator should know', async () => {
    const lines: string[] = []
    const auth = {
      issuer: site.issuer.url,
      sources: ['userinfo' as const],
      clients: ['a'],
      allowTokensWithoutAudience: true,
    }
    await registered({ auth }, lines)
    expect(lines.join('')).toContain('fhir.credentials is none')
    expect(lines.join('')).toContain('auth.allowTokensWithoutAudience is set')
    const quiet: string[] = []
    const forwarding = {
      baseUrl: site.exchange.url,
      credentials: 'forward',
      audience: site.exchange.origin,
    } as const
    await registered({ fhir: forwarding }, quiet)
    expect(quiet.join('')).not.toContain('fhir.credentials')
  })

  it('takes opaque tokens of other clients by a scope, and says everywhere which', async () => {
    const { issuer } = site
    const app = await registered({
      auth: {
        issuer: issuer.url,
        sources: ['introspection'],
        introspection: {
          url: issuer.introspectionUrl,
          clientId: issuer.client.id,
          clientSecret: issuer.client.secret,
        },
        acceptedScopes: ['mcp'],
      },
    })
    const tokenWith = (scope: string) =>
      issuer.opaque({
        introspection: {
          sub: 'ada',
          client_id: 'jupyterhub',
          scope,
          ...permissionsClaim({ studies: ['study-a'] }),
        },
      })
    const accepted = await call(app, tokenWith('openid mcp'), 'get_study_count')
    expect(accepted.json().result.isError).toBeUndefined()
    const refused = await call(app, tokenWith('openid'), 'get_study_count')
    expect([refused.statusCode, refused.json().error.data.code]).toEqual([403, 'FHIR_MCP_INSUFFICIENT_SCOPE'])
    expect(refused.headers['www-authenticate']).toContain('error="insufficient_scope", scope="mcp"')
    const without = await app.inject({
      method: 'POST',
      url: '/mcp',
      headers: mcpHeaders,
      payload: rpc('ping'),
    })
    expect([without.statusCode, without.headers['www-authenticate']]).toEqual([
      401,
      expect.stringContaining('scope="mcp"'),
    ])
    const metadata = await app.inject('/.well-known/oauth-protected-resource/mcp')
    expect(metadata.json().scopes_supported).toEqual(expect.arrayContaining(['mcp', 'user/Patient.rs']))
  })

  it('names every issuer in its metadata, and takes a token of each', async () => {
    const other = await startIssuer()
    onTestFinished(() => other.close())
    const { issuer } = site
    const app = await registered({ auth: { issuer: issuer.url, issuers: [{ issuer: other.url }] } })
    const metadata = await app.inject('/.well-known/oauth-protected-resource/mcp')
    expect(metadata.json().authorization_servers).toEqual([issuer.url, other.url])
    for (const one of [issuer, other]) {
      const token = await one.token({
        sub: 'ada',
        aud: `${publicUrl}/mcp`,
        ...permissionsClaim({ studies: ['study-a'] }),
      })
      const answer = await call(app, token, 'get_my_access')
      expect(answer.json().result.structuredContent).toMatchObject({ subject: 'ada', issuer: one.url })
    }
    await other.close()
    expect((await app.inject('/ready')).statusCode).toBe(200)
  })

  it('does not get ready with a role that names a tool which there is not, its own tools aside', async () => {
    const withRoles = async (roles: Record<string, string[]>) =>
      (await registered({ access: { roles } })).ready()
    await expect(withRoles({ viewer: ['get_study_metdata'] })).rejects.toThrow(
      'the role viewer names get_study_metdata, which is no tool',
    )
    for (const known of ['get_study_metadata', 'search_fhir', '*']) {
      await expect(withRoles({ viewer: [known], guest: [] })).resolves.toBeDefined()
    }
  })

  it('fails at register for settings that contradict each other', async () => {
    const auth = { issuer: site.issuer.url }
    const app = Fastify()
    onTestFinished(() => app.close())
    const options = { fhir: { baseUrl: site.exchange.url, credentials: 'none' as const }, auth }
    await expect(app.register(fhirMcp, options)).rejects.toMatchObject({ code: 'FHIR_MCP_CONFIG' })
    const sources = ['exchange' as const]
    await expect(registered({ auth: { issuer: site.issuer.url, sources } })).resolves.toBeDefined()
  })

  it('is ready while exchange and issuer answer', async () => {
    expect((await (await registered()).inject('/ready')).json()).toEqual({ status: 'ready' })
    const lost = { fhir: { baseUrl: 'http://127.0.0.1:9/fhir', credentials: 'none' as const } }
    const withoutExchange = await (await registered(lost)).inject('/ready')
    expect([withoutExchange.statusCode, withoutExchange.json().status]).toEqual([503, 'not ready'])
    const withoutIssuer = await (await registered({ auth: { issuer: 'http://127.0.0.1:9' } })).inject(
      '/ready',
    )
    expect(withoutIssuer.statusCode).toBe(503)
  })

  it('leaves a record of each call in a stream of its own, and a line without ids in the log', async () => {
    const lines: string[] = []
    const path = auditFile()
    const app = await registered({ audit: { path } }, lines)
    const token = await tokenFor(`${publicUrl}/mcp`)
    await call(app, token, 'get_study_metadata', { study_id: 'study-a' })
    await call(app, token, 'get_patient_demographics', { patient_id: 'pat-404' })
    await app.close()
    expect(recordsIn(path)).toMatchObject([
      {
        name: 'get_study_metadata',
        subject: 'ada',
        outcome: 'allowed',
        target: { kind: 'study', id: 'study-a' },
      },
      { name: 'get_patient_demographics', outcome: 'denied', code: 'FHIR_MCP_FORBIDDEN' },
    ])
    expect(lines.join('')).not.toContain('pat-404')
    expect(lines.join('')).not.toContain(token)
  })
})
