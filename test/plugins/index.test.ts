import Fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { auditTo } from '../../plugins/audit.ts'
import defaultExport, {
  errorCatalog,
  FhirMcpError,
  type FhirMcpOptions,
  fhirMcp,
  wellKnown,
} from '../../plugins/index.ts'
import {
  permissionsClaim,
  startExchange,
  startIssuer,
  type TestExchange,
  type TestIssuer,
} from '../../src/test-kit/index.ts'
import { mcpHeaders, rpc } from './gateway.ts'

const publicUrl = 'https://gateway.example.org'
let issuer: TestIssuer
let exchange: TestExchange<unknown>

beforeAll(async () => {
  issuer = await startIssuer()
  exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4' })
})
afterAll(async () => {
  await issuer.close()
  await exchange.close()
})

async function registered(
  options: Partial<FhirMcpOptions> = {},
  lines: string[] = [],
): Promise<FastifyInstance> {
  const stream = { write: (line: string) => void lines.push(line) }
  const app = Fastify({ logger: { level: 'info', stream }, forceCloseConnections: true })
  onTestFinished(() => app.close())
  await app.register(fhirMcp, {
    fhir: { baseUrl: exchange.url, credentials: 'none' },
    auth: { issuer: issuer.url },
    publicUrl,
    ...options,
  })
  return app
}

const tokenFor = (aud: string) =>
  issuer.token({ sub: 'ada', aud, ...permissionsClaim({ studies: ['study-a'] }) })

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
      issuer: issuer.url,
      sources: ['userinfo' as const],
      clients: ['a'],
      allowTokensWithoutAudience: true,
    }
    await registered({ auth }, lines)
    expect(lines.join('')).toContain('fhir.credentials is none')
    expect(lines.join('')).toContain('auth.allowTokensWithoutAudience is set')
    const quiet: string[] = []
    const forwarding = { baseUrl: exchange.url, credentials: 'forward', audience: exchange.origin } as const
    await registered({ fhir: forwarding }, quiet)
    expect(quiet.join('')).not.toContain('fhir.credentials')
  })

  it('fails at register for settings that contradict each other', async () => {
    const auth = { issuer: issuer.url }
    const app = Fastify()
    onTestFinished(() => app.close())
    const options = { fhir: { baseUrl: exchange.url, credentials: 'none' as const }, auth }
    await expect(app.register(fhirMcp, options)).rejects.toMatchObject({ code: 'FHIR_MCP_CONFIG' })
    const sources = ['exchange' as const]
    await expect(registered({ auth: { issuer: issuer.url, sources } })).resolves.toBeDefined()
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

  it('writes a line for the audit of each call: who and what, no arguments, no patient', async () => {
    const lines: string[] = []
    const app = await registered({}, lines)
    const token = await tokenFor(`${publicUrl}/mcp`)
    await call(app, token, 'get_study_metadata', { study_id: 'study-a' })
    await call(app, token, 'get_patient_demographics', { patient_id: 'pat-404' })
    const audits = lines
      .map((line) => JSON.parse(line))
      .flatMap(({ audit }) => (audit === undefined ? [] : [audit]))
    expect(audits).toMatchObject([
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

describe('the audit line', () => {
  it('leaves out the id of a patient and keeps that of a study', async () => {
    const lines: string[] = []
    const app = Fastify({ logger: { stream: { write: (line: string) => void lines.push(line) } } })
    const audit = auditTo(app.log)
    const call = {
      kind: 'tool',
      name: 'get_patient_demographics',
      issuer: 'i',
      subject: 's',
      client: undefined,
      outcome: 'allowed',
      code: undefined,
      requests: 1,
      duration: 2,
      time: '2026-01-01T00:00:00Z',
    } as const
    audit({ ...call, target: { kind: 'patient', id: 'pat-1' } })
    audit({ ...call, target: { kind: 'study', id: 'study-1' } })
    expect(lines.join('')).not.toContain('pat-1')
    expect(JSON.parse(lines[0] ?? '{}').audit.target).toEqual({ kind: 'patient' })
    expect(JSON.parse(lines[1] ?? '{}').audit.target).toEqual({ kind: 'study', id: 'study-1' })
  })
})
