import { openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import Fastify from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type FhirMcpOptions, fhirMcp } from '../../plugins/index.ts'
import { permissionsClaim } from '../../src/test-kit/index.ts'
import { connectStdio } from '../e2e/clients.ts'
import { siteForAll } from '../e2e/site.ts'
import { mcpHeaders, rpc } from '../plugins/gateway.ts'
import { auditFile, recordsIn } from './records.ts'

const site = siteForAll()

const audience = 'https://mcp.test/mcp'

const tokenFor = () =>
  site.issuer.token({ sub: 'ada', aud: audience, ...permissionsClaim({ studies: ['study-a'] }) })

async function gatewayWith(audit: FhirMcpOptions['audit']) {
  const lines: string[] = []
  const app = Fastify({ logger: { stream: { write: (line: string) => void lines.push(line) } } })
  onTestFinished(() => app.close())
  await app.register(fhirMcp, {
    fhir: { baseUrl: site.exchange.url, credentials: 'none', dialect: 'hapi' },
    auth: { issuer: site.issuer.url, audience },
    publicUrl: 'https://mcp.test',
    audit,
  })
  const token = await tokenFor()
  async function send(method: string, params: Record<string, unknown>) {
    const headers = { ...mcpHeaders, authorization: `Bearer ${token}` }
    return (await app.inject({ method: 'POST', url: '/mcp', headers, payload: rpc(method, params) })).json()
  }
  const call = async (name: string, args = {}) => (await send('tools/call', { name, arguments: args })).result
  return { app, lines, send, call }
}

/** A file whose folder can be taken away: then it cannot be written, whoever runs the tests. */
function fragileFile() {
  const path = join(dirname(auditFile()), 'folder', 'audit.ndjson')
  const folder = dirname(path)
  return {
    path,
    fail() {
      renameSync(folder, `${folder}.away`)
      writeFileSync(folder, '')
    },
    mend() {
      rmSync(folder)
      renameSync(`${folder}.away`, folder)
    },
  }
}

const demographics = ['get_patient_demographics', { patient_id: 'pat-1' }] as const

describe('a record that cannot be kept', () => {
  it('ends the call without its data, and calls are answered again when it can', async () => {
    const file = fragileFile()
    const { app, lines, call, send } = await gatewayWith({ path: file.path })
    expect(JSON.stringify(await call(...demographics))).toContain('Halvorsen')
    file.fail()
    const refused = await call(...demographics)
    expect(refused.isError).toBe(true)
    expect(refused.structuredContent.issue[0].details.coding[0].code).toBe('FHIR_MCP_STORAGE_UNAVAILABLE')
    expect(refused.content[0].text).toContain('cannot be written, so nothing is answered')
    expect(JSON.stringify(refused)).not.toMatch(/Halvorsen|pat-1|ENOTDIR|folder/)
    const resource = await send('resources/read', { uri: 'exchange://patient/pat-1' })
    expect(resource.error.data.code).toBe('FHIR_MCP_STORAGE_UNAVAILABLE')
    const completion = await send('completion/complete', {
      ref: { type: 'ref/resource', uri: 'exchange://patient/{id}' },
      argument: { name: 'id', value: 'pat' },
    })
    expect(completion.error.data.code).toBe('FHIR_MCP_STORAGE_UNAVAILABLE')
    const local = await call('get_data_type', { data_type: 'heart-rate' })
    expect(local.isError).toBe(true)
    // Neither a denial nor a failure is answered without its record.
    const unrecorded = [
      await call('get_patient_demographics', { patient_id: 'pat-10' }),
      await call('get_patient_demographics', { patient_id: 7 }),
      await call('no_such_tool'),
    ]
    for (const answer of unrecorded) {
      expect(answer.content[0].text).toContain('FHIR_MCP_STORAGE_UNAVAILABLE')
      expect(answer.content[0].text).not.toMatch(/FORBIDDEN|INVALID_ARGUMENT|Unknown/)
    }
    file.mend()
    expect((await call('get_patient_demographics', { patient_id: 'pat-10' })).content[0].text).toContain(
      'FHIR_MCP_FORBIDDEN',
    )
    expect(JSON.stringify(await call(...demographics))).toContain('Halvorsen')
    await app.close()
    expect(recordsIn(file.path)).toMatchObject([
      { outcome: 'allowed' },
      { outcome: 'denied', target: { id: 'pat-10' } },
      { outcome: 'allowed' },
    ])
    const text = lines.join('')
    expect(text).toContain('records cannot be kept, calls are refused')
    expect(text).toContain('records are kept again')
    expect(text.match(/records cannot be kept/g)).toHaveLength(1)
    expect(text).not.toMatch(/pat-1/)
  })

  it('has a 503 in place of a denial that HTTP answers', async () => {
    const file = fragileFile()
    const { app } = await gatewayWith({ path: file.path })
    const claims = { sub: 'ada', aud: audience, scope: 'user/Observation.rs', ...permissionsClaim({}) }
    const authorization = `Bearer ${await site.issuer.token(claims)}`
    const payload = rpc('tools/call', { name: demographics[0], arguments: demographics[1] })
    const headers = { ...mcpHeaders, authorization }
    const denied = () => app.inject({ method: 'POST', url: '/mcp', headers, payload })
    expect((await denied()).statusCode).toBe(403)
    const unknown = `Bearer ${await site.issuer.token({ sub: 'ada', aud: audience })}`
    const unread = () =>
      app.inject({ method: 'POST', url: '/mcp', headers: { ...headers, authorization: unknown }, payload })
    expect((await unread()).statusCode).toBe(403)
    file.fail()
    expect((await unread()).statusCode).toBe(503)
    const refused = await denied()
    expect(refused.statusCode).toBe(503)
    expect(refused.headers['www-authenticate']).toBeUndefined()
    expect(refused.json().error.data.code).toBe('FHIR_MCP_STORAGE_UNAVAILABLE')
    expect(refused.body).not.toContain('SCOPE')
    file.mend()
    expect((await denied()).statusCode).toBe(403)
    expect(recordsIn(file.path)).toHaveLength(3)
  })

  it('is counted where calls are to go on', async () => {
    const file = fragileFile()
    const { app, lines, call } = await gatewayWith({ path: file.path, onFailure: 'continue' })
    file.fail()
    for (const _ of [1, 2]) expect(JSON.stringify(await call(...demographics))).toContain('Halvorsen')
    expect(app.fhirMcp.auditStatus()).toMatchObject({ failed: 2, failing: true })
    file.mend()
    await call(...demographics)
    expect(app.fhirMcp.auditStatus()).toMatchObject({ failed: 2, failing: false })
    await app.close()
    expect(recordsIn(file.path)).toHaveLength(1)
    expect(lines.join('')).toContain('records cannot be kept, calls go on without')
    expect(lines.map((line) => JSON.parse(line)).at(-1)).toMatchObject({ failed: 2 })
  })

  it.runIf(process.platform === 'linux')('is refused on a full disk', async () => {
    const full = await gatewayWith({ descriptor: openSync('/dev/full', 'w') })
    const refused = await full.call(...demographics)
    expect(refused.isError).toBe(true)
    expect(refused.content[0].text).toContain('is on a full disk')
    expect(JSON.stringify(refused)).not.toMatch(/configuration|exchange/i)
    expect(full.lines.join('')).toContain('ENOSPC')
    const goingOn = await gatewayWith({ descriptor: openSync('/dev/full', 'w'), onFailure: 'continue' })
    expect((await goingOn.call(...demographics)).isError).toBeUndefined()
  })
})

describe('the audit at start', () => {
  it('says where records go, and that they go nowhere', async () => {
    const path = auditFile()
    expect((await gatewayWith({ path })).lines.join('')).toContain(`calls are recorded in ${path}`)
    const { lines, call } = await gatewayWith({ sink: 'off' })
    expect(lines.join('')).toContain('audit.sink is off: no record of any call is kept')
    expect((await call(...demographics)).isError).toBeUndefined()
  })

  it.each<[string, FhirMcpOptions['audit'], string]>([
    ['a descriptor that is not open', { descriptor: 987 }, 'audit.descriptor is not open'],
    ['a folder', { path: tmpdir() }, 'audit.path'],
    ['a short key', { sink: 'off', logKey: 'c2hvcnQ' }, 'audit.logKey'],
    ['fhir without a server', { sink: 'fhir' }, 'audit.fhir is required with sink fhir'],
    ['a server without fhir', { fhir: { baseUrl: 'https://a.example' } }, 'is not used without sink fhir'],
    [
      'a server in the clear',
      { sink: 'fhir', fhir: { baseUrl: 'http://audit.example' } },
      'audit.fhir.baseUrl must be an https URL',
    ],
    ['both', { path: '/tmp/a', descriptor: 3 }, 'audit.descriptor must not be there with a path'],
  ])('fails for %s', async (_, audit, message) => {
    await expect(gatewayWith(audit)).rejects.toThrow(message)
  })

  it('refuses stdout over stdio, where it is the protocol', async () => {
    const lines: string[] = []
    const environment = {
      FHIR_MCP_FHIR_BASE_URL: site.exchange.url,
      FHIR_MCP_FHIR_CREDENTIALS: 'none',
      FHIR_MCP_AUTH_ISSUER: site.issuer.url,
      FHIR_MCP_AUTH_AUDIENCE: audience,
      FHIR_MCP_ACCESS_TOKEN: await tokenFor(),
      FHIR_MCP_AUDIT_DESCRIPTOR: '1',
    }
    await Promise.race([
      connectStdio(environment, lines),
      new Promise<void>((resolve) => {
        const look = () => (lines.length > 0 ? resolve() : setImmediate(look))
        look()
      }),
    ])
    expect(lines.join('')).toContain('audit.descriptor must not be 1 over stdio')
  })
})
