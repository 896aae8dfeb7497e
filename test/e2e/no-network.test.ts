import { readFileSync } from 'node:fs'
import { generateKeyPair } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineTool } from '../../plugins/index.ts'
import { countNetwork, type NetworkCount, permissionsClaim } from '../../src/test-kit/index.ts'
import { connectSse, type TestClient } from './clients.ts'
import { type Gateway, startGateway } from './gateway.ts'
import { siteForAll } from './site.ts'

const site = siteForAll()

const audience = 'https://mcp.test/mcp'

/** An own tool about an organization, by the public API. */
const countOrganizationPatients = defineTool({
  name: 'count_organization_patients',
  title: 'Count patients of an organization',
  description: 'How many patients an organization has.',
  input: z.strictObject({ organization_id: z.string() }),
  output: 'object',
  rule: { needs: [{ types: ['Patient'] }], patients: true },
  subject: ({ organization_id }) => ({ kind: 'organization', organization: organization_id }),
  async run(_, { grant }) {
    return { text: String(grant.terms.patients?.members.size) }
  },
})

let gateway: Gateway
let network: NetworkCount

const permitted = permissionsClaim({ studies: ['study-a', 'study-b'], organizations: { 'org-1': 'viewer' } })
const tokenOf = (claims: object, how = {}) =>
  site.issuer.token({ sub: 'somebody', aud: audience, ...claims }, how)

/** A gateway of its own for each test: nothing is warm. */
beforeEach(async () => {
  gateway = await startGateway({
    fhir: { baseUrl: site.exchange.url, credentials: 'none' },
    auth: { issuer: site.issuer.url, audience },
    access: { roles: { viewer: ['*'], nurse: ['get_study_count'], '*': ['*'] } },
  })
  network = countNetwork({ only: [site.exchange.origin] })
  site.exchange.reset()
  return async () => {
    network.stop()
    await gateway.close()
  }
})

/** Nothing was sent, by what the process sends and by what the exchange got. */
function expectSilence() {
  expect(network.requests).toEqual([])
  expect(site.exchange.requests).toEqual([])
}

async function connected(claims: object): Promise<TestClient> {
  return gateway.connect('http', await tokenOf(claims))
}

const forbidden = 'FHIR_MCP_FORBIDDEN: Not found, or not within what this token may see.'

describe('the counter', () => {
  it('counts an allowed call', async () => {
    const client = await connected(permitted)
    const called = await client.call('get_study_metadata', { study_id: 'study-a' })
    expect(called.isError).toBe(false)
    expect(network.count).toBeGreaterThan(0)
    expect(site.exchange.count).toBe(network.count)
  })
})

describe('a call that the claims forbid opens no socket', () => {
  it.each([
    ['get_study_metadata', { study_id: 'study-c' }],
    ['get_study_metadata', { study_id: 'no-such-study' }],
    ['list_study_patients', { study_id: 'study-c' }],
    ['count_study_observations', { study_id: 'ResearchStudy/study-c' }],
    ['get_patient_demographics', { study_id: 'study-c', patient_id: 'C010' }],
    ['search_patients', { study_id: 'study-c', name: 'Anybody' }],
  ])('%s on a study out of reach: %j', async (tool, given) => {
    const client = await connected(permitted)
    const called = await client.call(tool, given)
    expect(called.isError).toBe(true)
    expect(called.text).toContain(forbidden)
    expectSilence()
  })

  it('in the very words of the README', async () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
    const shown = JSON.parse(/```json\n(.*?)```/s.exec(readme)?.[1] ?? '{}')
    const client = await connected(permitted)
    const { text, structured, isError } = await client.call('get_study_metadata', { study_id: 'study-c' })
    expect(shown).toEqual({ content: [{ type: 'text', text }], structuredContent: structured, isError })
  })

  it('on an organization out of reach', async () => {
    await gateway.close()
    gateway = await startGateway(
      {
        fhir: { baseUrl: site.exchange.url, credentials: 'none' },
        auth: { issuer: site.issuer.url, audience },
      },
      (app) => app.fhirMcp.tool(countOrganizationPatients),
    )
    const client = await connected(permitted)
    const denied = await client.call('count_organization_patients', { organization_id: 'org-2' })
    expect(denied.text).toContain(forbidden)
    expectSilence()
    const allowed = await client.call('count_organization_patients', { organization_id: 'org-1' })
    expect(allowed.text).toBe('6')
    expect(network.count).toBeGreaterThan(0)
  })

  it.each([
    'get_patient_demographics',
    'get_patient_observations',
    'count_patient_observations',
    'summarize_patient_observations',
    'get_patient_date_range',
  ])('%s on any patient, where nothing is permitted', async (tool) => {
    const client = await connected(permissionsClaim())
    for (const patient_id of ['pat-1', 'no-such-patient']) {
      expect((await client.call(tool, { patient_id })).text).toContain(forbidden)
    }
    expectSilence()
  })

  it('on a patient out of reach, once the rosters are warm', async () => {
    const client = await connected(permitted)
    expect((await client.call('get_patient_demographics', { patient_id: 'pat-4' })).isError).toBe(false)
    network.reset()
    site.exchange.reset()
    for (const patient_id of ['pat-10', 'pat-13', 'pat-14', 'no-such-patient']) {
      expect((await client.call('get_patient_demographics', { patient_id })).text).toContain(forbidden)
    }
    expectSilence()
  })

  it.each([
    ['expired', { expiresIn: -60 }, 'FHIR_MCP_TOKEN_EXPIRED'],
    ['unsigned', { alg: 'none' }, 'FHIR_MCP_TOKEN_INVALID'],
    ['of another type', { typ: 'JWT' }, 'FHIR_MCP_TOKEN_INVALID'],
  ])('with a token that is %s', async (_, how, code) => {
    await expectRefusal(await tokenOf(permitted, how), 401, code)
  })

  it('with a token of another hand', async () => {
    const { privateKey } = await generateKeyPair('RS256')
    await expectRefusal(await tokenOf(permitted, { key: privateKey }), 401, 'FHIR_MCP_TOKEN_INVALID')
  })

  it('with a token for another audience', async () => {
    await expectRefusal(await tokenOf({ ...permitted, aud: 'http://other.test' }), 401, 'FHIR_MCP_AUDIENCE')
  })

  it('with a token for another issuer', async () => {
    await expectRefusal(
      await tokenOf({ ...permitted, iss: 'http://other.test' }),
      401,
      'FHIR_MCP_TOKEN_INVALID',
    )
  })

  it.each([
    ['missing', {}],
    ['malformed', { jhe_permissions: { studies: 'study-a', organizations: [] } }],
    ['half', { jhe_permissions: { studies: ['study-a'] } }],
    ['with one bad entry', { jhe_permissions: { studies: ['study-a', '../study-b'], organizations: [] } }],
  ])('with a permissions claim that is %s', async (_, claims) => {
    await expectRefusal(await tokenOf(claims), 403, 'FHIR_MCP_NO_PERMISSIONS')
  })

  it('without a token', async () => {
    await expectRefusal(undefined, 401, 'FHIR_MCP_UNAUTHENTICATED')
  })

  it('by role: the tool is not listed, and a call reads as if there were none', async () => {
    const client = await connected(permissionsClaim({ organizations: { 'org-1': 'nurse' } }))
    const names = (await client.listTools()).map((tool) => tool.name)
    expect(names).toContain('get_study_count')
    expect(names).not.toContain('get_patient_demographics')
    const call = (name: string) =>
      client.call(name, { patient_id: 'pat-1' }).catch((thrown: Error) => thrown.message)
    expect(await call('get_patient_demographics')).toBe(await call('no_such_tool'))
    expectSilence()
  })

  it('by scope, over HTTP: 403 that names all scopes', async () => {
    const token = await tokenOf({ ...permitted, scope: 'user/ResearchStudy.rs' })
    const response = await post(token, 'get_patient_observations', { patient_id: 'pat-4' })
    expect(response.status).toBe(403)
    const challenge = response.headers.get('www-authenticate')
    expect(challenge).toContain('error="insufficient_scope"')
    expect(challenge).toContain('scope="user/Observation.rs user/Patient.rs"')
    expectSilence()
  })

  it.each(['launch/patient openid fhirUser', 'openid online_access', 'USER/Patient.rs', 'patient/'])(
    'by scopes of SMART that give no data, with the word that decided: %s',
    async (scope) => {
      const token = await tokenOf({ ...permitted, scope })
      const response = await post(token, 'get_patient_demographics', { patient_id: 'pat-4' })
      expect(response.status).toBe(403)
      const word = scope.split(' ').find((one) => one !== 'openid')
      expect(await response.text()).toContain(`Its scope ${word} is one of SMART App Launch`)
      expectSilence()
    },
  )

  it.each(['openid profile email offline_access', 'access_as_user User.Read', '', undefined])(
    'by auth.requireScopes, a token without SMART scopes, which is read by its claims otherwise: %s',
    async (scope) => {
      const token = await tokenOf({ ...permitted, scope })
      expect((await post(token, 'get_study_metadata', { study_id: 'study-a' })).status).toBe(200)
      await gateway.close()
      gateway = await startGateway({
        fhir: { baseUrl: site.exchange.url, credentials: 'none' },
        auth: { issuer: site.issuer.url, audience, requireScopes: true },
      })
      network.reset()
      site.exchange.reset()
      const response = await post(token, 'get_study_metadata', { study_id: 'study-a' })
      expect(response.status).toBe(403)
      expect(await response.text()).toContain('auth.requireScopes')
      expectSilence()
    },
  )

  it('by scope, over SSE: an error that names all scopes', async () => {
    const token = await tokenOf({ ...permitted, scope: 'user/ResearchStudy.rs' })
    const client = await connectSse(`${gateway.origin}/sse`, token)
    const called = await client.call('get_patient_observations', { patient_id: 'pat-4' })
    await client.close()
    expect(called.isError).toBe(true)
    expect(called.text).toContain('FHIR_MCP_INSUFFICIENT_SCOPE')
    expect(called.text).toContain('user/Observation.rs user/Patient.rs')
    expectSilence()
  })

  it('by a patient scope, on anybody but the patient context', async () => {
    const client = await connected({ ...permitted, scope: 'patient/*.rs', patient: 'pat-4' })
    for (const patient_id of ['pat-5', 'no-such-patient']) {
      expect((await client.call('get_patient_observations', { patient_id })).text).toContain(forbidden)
    }
    expectSilence()
    expect((await client.call('get_patient_observations', { patient_id: 'pat-4', limit: 1 })).isError).toBe(
      false,
    )
    expect(network.count).toBeGreaterThan(0)
  })

  it('by a patient scope, tells nothing of others by their participant codes', async () => {
    const client = await connected({ ...permitted, scope: 'patient/*.rs', patient: 'pat-4' })
    const named = (patient_id: string) =>
      client.call('get_patient_observations', { patient_id, study_id: 'study-a', limit: 1 })
    expect((await named('A004')).isError).toBe(false)
    expect((await named('A001')).text).toBe((await named('Z999')).text)
    const listed = await client.call('list_study_patients', { study_id: 'study-a', enrolment: 'all' })
    expect(listed.text).toContain('pat-4')
    expect(JSON.stringify(listed)).not.toMatch(/pat-(?!4)|A00[^4]|A01/)
  })

  it.each([
    '../Observation?code=x',
    'pat-4/../pat-10',
    'pat-4?_include=*',
    'pat-4,pat-10',
    'pat-4|pat-10',
    'pat-4%2fpat-10',
    'pat-4\nHost: elsewhere',
    'Observation/obs-1',
    'Patient/../../metadata',
    'p'.repeat(65),
    'pat\u20104',
    '..',
    '',
  ])('with a malformed id: %j', async (patient_id) => {
    const client = await connected(permitted)
    const called = await client.call('get_patient_demographics', { patient_id })
    expect(called.isError).toBe(true)
    expect(called.text).toContain('FHIR_MCP_INVALID_ARGUMENT')
    expectSilence()
  })
})

describe('a patient with a cold roster', () => {
  it('is decided on by rosters of permitted studies and organizations alone; no request names the patient', async () => {
    const client = await connected(permitted)
    expect((await client.call('get_patient_observations', { patient_id: 'pat-10' })).text).toContain(
      forbidden,
    )
    expect(site.exchange.count).toBeGreaterThan(0)
    for (const { method, path, body } of site.exchange.requests) {
      expect(`${method} ${path} ${body}`).not.toContain('pat-10')
      expect(decodeURIComponent(path)).toMatch(
        /^\/fhir\/(metadata|ResearchSubject\?study=ResearchStudy\/study-[ab]&|Patient\?organization=Organization\/org-1&)/,
      )
    }
  })

  it('reads the same, to the letter, whether the patient exists or not', async () => {
    const client = await connected(permitted)
    const [out, none] = [
      await client.call('get_patient_demographics', { patient_id: 'pat-10' }),
      await client.call('get_patient_demographics', { patient_id: 'no-such-patient' }),
    ]
    expect(out).toEqual(none)
  })
})

async function expectRefusal(token: string | undefined, status: number, code: string) {
  const response = await post(token, 'get_study_metadata', { study_id: 'study-a' })
  expect(response.status).toBe(status)
  expect(await response.text()).toContain(code)
  expectSilence()
}

function post(token: string | undefined, name: string, given: object): Promise<Response> {
  const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: given } }
  return fetch(`${gateway.origin}/mcp`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(call),
  })
}
