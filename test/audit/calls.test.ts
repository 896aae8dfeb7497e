import { readFileSync } from 'node:fs'
import Fastify, { type FastifyInstance } from 'fastify'
import { beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineTool, FhirMcpError, type FhirMcpOptions, fhirMcp } from '../../plugins/index.ts'
import type { AnyResource } from '../../src/fhir/types.ts'
import { permissionsClaim, startExchange } from '../../src/test-kit/index.ts'
import { connectStdio, type TestClient } from '../e2e/clients.ts'
import { type Gateway, startGateway } from '../e2e/gateway.ts'
import { siteForAll } from '../e2e/site.ts'
import { mcpHeaders, rpc } from '../plugins/gateway.ts'
import { auditFile, linesIn, recordsIn } from './records.ts'

const site = siteForAll()

const audience = 'https://mcp.test/mcp'
let path: string
let gateway: Gateway
let client: TestClient

const person = { sub: 'ada', aud: audience, client_id: 'assistant' }
const permitted = permissionsClaim({ studies: ['study-a'] })
const options = (): FhirMcpOptions => ({
  fhir: { baseUrl: site.exchange.url, credentials: 'none', dialect: 'hapi' },
  auth: { issuer: site.issuer.url, audience },
  audit: { path },
})

/** Own tools, as a gateway adds them: what they answer is not FHIR. */
const ownRule = { needs: [{ type: 'Patient', interaction: 'search' }], patients: true } as const
const own = (name: string, run: Parameters<typeof defineTool>[0]['run']) =>
  defineTool({
    name,
    title: name,
    description: name,
    output: 'content',
    input: z.strictObject({}),
    rule: { ...ownRule, needs: [] },
    subject: () => ({ kind: 'study', study: 'study-a' }),
    run,
  })

const groupOf = (patients: readonly string[]) => ({
  resourceType: 'Group',
  type: 'person',
  actual: true,
  member: patients.map((id) => ({ entity: { reference: `Patient/${id}` } })),
})

/** A study with so many people in it. */
const studyOf = (patients: number): AnyResource[] => [
  { resourceType: 'ResearchStudy', id: 'study-a', status: 'active' },
  ...Array.from({ length: patients }, (_, n) => ({
    resourceType: 'ResearchSubject',
    id: `s${n}`,
    status: 'on-study',
    study: { reference: 'ResearchStudy/study-a' },
    individual: { reference: `Patient/p${n}` },
  })),
]

function addOwnTools(app: FastifyInstance): void {
  app.fhirMcp.tool(
    own('own_names', async (_, { exchange: asked, grant }) => {
      const { patients } = await asked.patients(grant, {}, ['pat-2', 'pat-3'])
      return { text: `${patients.length} people of whom nobody is named` }
    }),
  )
  app.fhirMcp.tool(
    own('own_crowd', async (_, { grant }) => ({
      structured: groupOf([...(grant.terms.patients?.members ?? [])]),
    })),
  )
  app.fhirMcp.tool(own('own_gossip', async () => ({ structured: groupOf(['pat-1', 'pat-10']) })))
  app.fhirMcp.tool(
    own('own_choices', async () => {
      throw new FhirMcpError('AMBIGUOUS', {
        choices: ['Patient/pat-1', 'Patient/pat-2', 'study-a'].map((id) => ({ id, label: 'A' })),
      })
    }),
  )
  app.fhirMcp.tool(
    own('own_ids', async (_, { grant }) => ({
      text: [...(grant.terms.patients?.members ?? [])].slice(0, 2).join(' and '),
    })),
  )
}

beforeEach(async () => {
  site.exchange.reset()
  path = auditFile()
  gateway = await startGateway(options(), addOwnTools)
  client = await gateway.connect('http', await site.issuer.token({ ...person, ...permitted }))
  return () => gateway.close()
})

const last = () => recordsIn(path).at(-1)

describe('the record of a call', () => {
  it('says who, what, when, how it ended and what it cost, and is there when the answer is', async () => {
    await client.call('get_patient_demographics', { patient_id: 'Patient/pat-1' })
    const [record] = recordsIn(path)
    expect(record).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      kind: 'tool',
      name: 'get_patient_demographics',
      issuer: site.issuer.url,
      subject: 'ada',
      client: 'assistant',
      arguments: ['patient_id'],
      target: { kind: 'patient', id: 'pat-1', decided: true },
      patients: ['pat-1'],
      outcome: 'allowed',
      duration: expect.any(Number),
      requests: site.exchange.requests.length,
      received: expect.any(Number),
      bytes: expect.any(Number),
    })
    expect(record?.bytes).toBeGreaterThan(200)
    expect(record?.received).toBeGreaterThan(200)
  })

  it.each(['fhir', 'table'])('names every patient of a list, as %s', async (format) => {
    const called = await client.call('list_study_patients', { study_id: 'study-a', limit: 3, format })
    const listed = [...new Set(JSON.stringify(called.structured).match(/pat-\d+/g))].sort()
    expect(listed.length).toBeGreaterThanOrEqual(3)
    expect([...(last()?.patients ?? [])].sort()).toEqual(listed)
    expect(last()?.target).toEqual({ kind: 'study', id: 'study-a', decided: true })
  })

  it.each(['fhir', 'table'])(
    'names who is shown by a search, not whom it looked through, as %s',
    async (format) => {
      await client.call('search_patients', {
        study_id: 'study-a',
        birthdate: 'ge1900-01-01',
        limit: 1,
        format,
      })
      expect(site.exchange.requests.some(({ path: asked }) => asked.startsWith('/fhir/Patient'))).toBe(true)
      expect(last()?.patients.length).toBeLessThanOrEqual(2)
      expect(last()?.patients).toContain('pat-1')
    },
  )

  it('names the patients that are counted one by one, and none for a count of all together', async () => {
    await client.call('count_study_observations', { study_id: 'study-a', by_patient: true })
    expect(last()?.patients.length).toBeGreaterThan(3)
    await client.call('count_study_observations', { study_id: 'study-a' })
    expect(last()).toMatchObject({ patients: [], target: { kind: 'study', id: 'study-a' } })
  })

  it('names the patients of whom a summary has a row, and none for a summary of all together', async () => {
    await client.call('summarize_study_observations', { study_id: 'study-a', by: 'patient' })
    expect(last()?.patients.length).toBeGreaterThan(3)
    await client.call('summarize_study_observations', { study_id: 'study-a' })
    expect(last()).toMatchObject({ patients: [], target: { kind: 'study', id: 'study-a' } })
  })

  it.each([
    ['get_patient_observations', { limit: 2 }],
    ['get_patient_observations', { limit: 2, format: 'table' }],
    ['summarize_patient_observations', {}],
    ['chart_patient_observations', { data_types: ['heart-rate'] }],
    ['get_patient_date_range', {}],
    ['count_patient_observations', {}],
  ])('names the patient of %s', async (tool, more) => {
    await client.call(tool, { patient_id: 'pat-1', ...more })
    expect(last()).toMatchObject({ name: tool, patients: ['pat-1'], outcome: 'allowed' })
  })

  it('names no patient where there is none in the answer', async () => {
    await client.call('list_studies')
    expect(last()).toMatchObject({ patients: [], target: { kind: 'reach', decided: true } })
    await client.call('get_data_type', { data_type: 'heart-rate' })
    expect(last()).toMatchObject({ name: 'get_data_type', arguments: ['data_type'], requests: 0 })
    expect(last()).not.toHaveProperty('target')
  })

  it('names whoever an own tool was given, and whomever it names', async () => {
    expect((await client.call('own_names')).text).toContain('2 people')
    expect(last()?.patients).toEqual(['pat-2', 'pat-3'])
    const { text } = await client.call('own_ids')
    expect(last()?.patients).toEqual(text.split(' and '))
  })

  it('ends with 5,000 ids, and says how many more there were', async () => {
    const crowd = await startExchange({ dialect: 'hapi', fhirVersion: 'R4', cohort: studyOf(5003) })
    await gateway.close()
    const access = { rosterLimit: 6000 }
    const fhir = { baseUrl: crowd.url, credentials: 'none', dialect: 'hapi' } as const
    gateway = await startGateway({ ...options(), fhir, access }, addOwnTools)
    client = await gateway.connect('http', await site.issuer.token({ ...person, ...permitted }))
    await client.call('own_crowd')
    expect(last()).toMatchObject({ patientsCut: 3, patients: expect.arrayContaining(['p0', 'p4999']) })
    await crowd.close()
  })

  it('does not name who was not let through, whatever an answer says', async () => {
    await client.call('own_gossip')
    expect(last()).toMatchObject({ patients: ['pat-1'], outcome: 'allowed' })
  })

  it('names whom an ambiguity offers to choose from', async () => {
    expect((await client.call('own_choices')).isError).toBe(true)
    expect(last()).toMatchObject({ code: 'FHIR_MCP_AMBIGUOUS', patients: ['pat-1', 'pat-2'] })
  })

  it('is kept of resources and of completions, which are lists of ids', async () => {
    await client.readResource('exchange://patient/pat-1')
    expect(last()).toMatchObject({
      kind: 'resource',
      name: 'exchange://patient/{id}',
      arguments: ['id'],
      patients: ['pat-1'],
    })
    const values = await client.complete('exchange://patient/{id}', 'id', 'pat-1')
    expect(last()).toMatchObject({ kind: 'completion', arguments: ['id'], patients: values })
    expect(values.length).toBeGreaterThan(0)
  })

  it('is kept over HTTP of the newest era, HTTP+SSE and stdio alike', async () => {
    const token = await site.issuer.token({ ...person, ...permitted })
    for (const by of ['http-2026', 'sse'] as const) {
      await (await gateway.connect(by, token)).call('get_patient_demographics', { patient_id: 'pat-1' })
      expect(last()).toMatchObject({ subject: 'ada', patients: ['pat-1'] })
    }
    const other = auditFile()
    const stdio = await connectStdio({
      FHIR_MCP_FHIR_BASE_URL: site.exchange.url,
      FHIR_MCP_FHIR_CREDENTIALS: 'none',
      FHIR_MCP_FHIR_DIALECT: 'hapi',
      FHIR_MCP_AUTH_ISSUER: site.issuer.url,
      FHIR_MCP_AUTH_AUDIENCE: audience,
      FHIR_MCP_ACCESS_TOKEN: token,
      FHIR_MCP_AUDIT_PATH: other,
    })
    await stdio.call('get_patient_demographics', { patient_id: 'pat-1' })
    expect(recordsIn(other)).toMatchObject([{ subject: 'ada', patients: ['pat-1'] }])
    await stdio.close()
  })
})

describe('the record of a denial', () => {
  const denied = async (tool: string, args: Record<string, unknown>) => {
    expect((await client.call(tool, args)).isError).toBe(true)
    await gateway.close()
    return last()
  }

  it('names what was asked for, as asked for', async () => {
    expect(await denied('get_patient_demographics', { patient_id: 'Patient/pat-10' })).toMatchObject({
      outcome: 'denied',
      code: 'FHIR_MCP_FORBIDDEN',
      target: { kind: 'patient', id: 'pat-10', decided: false },
      patients: [],
      bytes: 0,
    })
  })

  it('names a study that was asked for', async () => {
    const record = await denied('list_study_patients', { study_id: 'study-c' })
    expect(record?.target).toEqual({ kind: 'study', id: 'study-c', decided: false })
  })

  it('has no title, identifier or code that somebody was asked for by', async () => {
    const record = await denied('list_study_patients', { study_id: 'Secret study of Mr Smith' })
    expect(record).toMatchObject({ outcome: 'denied', target: { kind: 'study', decided: false } })
    expect(JSON.stringify(record)).not.toContain('Secret')
  })

  it('is kept of arguments that are refused, without their values, and without names that we do not have', async () => {
    const record = await denied('search_patients', { name: 'Achebe', 'Chidi Achebe': 1, limit: 'x' })
    expect(record).toMatchObject({
      outcome: 'failed',
      code: 'FHIR_MCP_INVALID_ARGUMENT',
      arguments: ['name', 'limit'],
    })
    expect(readFileSync(path, 'utf8')).not.toContain('Achebe')
  })

  it('is kept of a tool and a resource that there are not', async () => {
    await expect(client.call('get_secrets_of_smith')).rejects.toThrow('Unknown tool')
    await expect(client.readResource('exchange://smith/1')).rejects.toThrow()
    await gateway.close()
    expect(recordsIn(path)).toMatchObject([
      { kind: 'tool', name: 'unknown', outcome: 'denied' },
      { kind: 'resource', name: 'unknown', outcome: 'denied' },
    ])
    expect(readFileSync(path, 'utf8')).not.toContain('smith')
  })

  it('is kept of a scope that is missing, which HTTP refuses before the call', async () => {
    const token = await site.issuer.token({ ...person, ...permitted, scope: 'user/ResearchStudy.rs' })
    const answer = await gateway.app.inject({
      method: 'POST',
      url: '/mcp',
      headers: { ...mcpHeaders, authorization: `Bearer ${token}` },
      payload: rpc('tools/call', { name: 'get_patient_demographics', arguments: { patient_id: 'pat-1' } }),
    })
    expect(answer.statusCode).toBe(403)
    await gateway.close()
    expect(recordsIn(path)).toMatchObject([
      {
        code: 'FHIR_MCP_INSUFFICIENT_SCOPE',
        outcome: 'denied',
        target: { kind: 'patient', id: 'pat-1', decided: false },
        patients: [],
      },
    ])
  })

  it('is kept of a known person whose claim cannot be used, and answers nothing before it is', async () => {
    const send = async (claims: object, token?: string) =>
      gateway.app.inject({
        method: 'POST',
        url: '/mcp?query=smith',
        headers: {
          ...mcpHeaders,
          authorization: `Bearer ${token ?? (await site.issuer.token({ ...person, ...claims }))}`,
        },
        payload: rpc('tools/list', {}),
      })
    const unreadable = [
      {},
      { jhe_permissions: { studies: 'all of Smith' } },
      { jhe_permissions: 7 },
      { ...permitted, patient: 'Smith, Ada' },
    ]
    for (const claims of unreadable) {
      const answer = await send(claims)
      expect(answer.statusCode).toBe(403)
      expect(last()).toEqual({
        id: expect.any(String),
        time: expect.any(String),
        kind: 'request',
        name: 'POST /mcp',
        issuer: site.issuer.url,
        subject: 'ada',
        client: 'assistant',
        arguments: [],
        patients: [],
        outcome: 'denied',
        code: 'FHIR_MCP_NO_PERMISSIONS',
        duration: expect.any(Number),
        requests: 0,
        received: 0,
        bytes: 0,
      })
    }
    expect(recordsIn(path)).toHaveLength(unreadable.length)
    expect(readFileSync(path, 'utf8')).not.toMatch(/smith/i)
    // The controls: nobody is known by a bad token, and a claim that is read is refused nothing.
    expect((await send({}, 'a.bad.token')).statusCode).toBe(401)
    expect((await send({ aud: 'https://another.example' })).statusCode).toBe(401)
    expect((await send(permitted)).statusCode).toBe(200)
    expect(recordsIn(path)).toHaveLength(unreadable.length)
  })

  it('is kept of one over stdio, too', async () => {
    const stdio = await connectStdio({
      FHIR_MCP_FHIR_BASE_URL: site.exchange.url,
      FHIR_MCP_FHIR_CREDENTIALS: 'none',
      FHIR_MCP_AUTH_ISSUER: site.issuer.url,
      FHIR_MCP_AUTH_AUDIENCE: audience,
      FHIR_MCP_AUDIT_PATH: path,
      FHIR_MCP_ACCESS_TOKEN: await site.issuer.token(person),
    })
    expect((await stdio.call('list_studies')).text).toContain('FHIR_MCP_NO_PERMISSIONS')
    expect(last()).toMatchObject({ kind: 'request', name: 'stdio', subject: 'ada', outcome: 'denied' })
    await stdio.close()
  })

  it('is kept of an answer that was held back', async () => {
    site.exchange.misbehave(({ path: asked }) =>
      asked.startsWith('/fhir/Patient') ? { kind: 'another-patient', patient: 'pat-10' } : undefined,
    )
    const record = await denied('list_study_patients', { study_id: 'study-a' })
    expect(record).toMatchObject({
      outcome: 'failed',
      code: 'FHIR_MCP_EXCHANGE_LEAK',
      patients: [],
      bytes: 0,
    })
  })
})

describe('what is kept', () => {
  const calls: [string, Record<string, unknown>][] = [
    ['search_patients', { name: 'Achebe', birthdate: 'ge1900-01-01', study_id: 'study-a' }],
    ['search_patients', { identifier: 'MRN0002' }],
    ['get_patient_demographics', { patient_id: 'pat-2' }],
    ['get_patient_demographics', { patient_id: 'A002', study_id: 'study-a' }],
    ['get_patient_observations', { patient_id: 'pat-1', data_type: 'heart-rate', start: '2026-10-01' }],
    ['list_study_patients', { study_id: 'study-a', detail: 'identified' }],
    ['get_patient_demographics', { patient_id: 'pat-10' }],
  ]
  const values = /Achebe|Chidi|1956|1900-01-01|MRN0002|heart-rate|2026-10-01|identified/

  it('holds no value, no token, and ids of patients in the audit alone: the log has hashes', async () => {
    const lines: string[] = []
    const stream = { write: (line: string) => void lines.push(line) }
    const app = Fastify({ logger: { level: 'trace', stream } })
    await app.register(fhirMcp, { ...options(), publicUrl: 'https://mcp.test' })
    const token = await site.issuer.token({ ...person, ...permitted })
    const answers: string[] = []
    for (const [name, args] of calls) {
      const headers = { ...mcpHeaders, authorization: `Bearer ${token}` }
      const payload = rpc('tools/call', { name, arguments: args })
      answers.push((await app.inject({ method: 'POST', url: '/mcp', headers, payload })).body)
    }
    await app.close()
    // The controls: the answers do have values, and the audit does have ids.
    expect(answers.join('')).toMatch(/Achebe/)
    const audit = linesIn(path).join('\n')
    expect(linesIn(path)).toHaveLength(calls.length)
    expect(audit).toMatch(/pat-1\b/)
    expect(audit).not.toMatch(values)
    expect(audit).not.toContain(token)
    const log = lines.join('')
    expect(log).not.toMatch(values)
    expect(log).not.toMatch(/pat-\d|"ada"/)
    expect(log).not.toContain(token)
    const called = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'mcp call')
    expect(called.map(({ record }) => record)).toEqual(recordsIn(path).map(({ id }) => id))
    expect(new Set(called.map(({ subject }) => subject)).size).toBe(1)
    const hashes = called.flatMap(({ patients }) => patients ?? [])
    expect(hashes.length).toBeGreaterThan(5)
    for (const hash of hashes) expect(hash).toMatch(/^[\w-]{16}$/)
    // pat-1 was listed and asked for: the same hash within this process.
    expect(called[4].patients).toHaveLength(1)
    expect(called[5].patients).toContain(called[4].patients[0])
  })

  it('hashes with a configured key alike in every process, and otherwise not', async () => {
    const hashOf = async (logKey?: string) => {
      const lines: string[] = []
      const app = Fastify({ logger: { stream: { write: (line: string) => void lines.push(line) } } })
      const audit = { path, ...(logKey === undefined ? {} : { logKey }) }
      await app.register(fhirMcp, { ...options(), audit, publicUrl: 'https://mcp.test' })
      const token = await site.issuer.token({ ...person, ...permitted })
      const headers = { ...mcpHeaders, authorization: `Bearer ${token}` }
      const payload = rpc('tools/call', { name: 'list_studies', arguments: {} })
      await app.inject({ method: 'POST', url: '/mcp', headers, payload })
      await app.close()
      const called = lines.map((line) => JSON.parse(line)).find(({ msg }) => msg === 'mcp call')
      return called.subject
    }
    const key = Buffer.alloc(32, 7).toString('base64url')
    expect(await hashOf(key)).toBe(await hashOf(key))
    expect(await hashOf()).not.toBe(await hashOf())
  })
})
