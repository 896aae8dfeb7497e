import { createRemoteJWKSet, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import type { ExchangeRequest } from '../../src/test-kit/exchange.ts'
import type { Fault } from '../../src/test-kit/fault.ts'
import { auditFile, recordsIn } from '../audit/records.ts'
import { issued, keyPair, startTokenEndpoint } from '../exchange/credentials/token-endpoint-double.ts'
import { Assistant } from './assistant.ts'
import { type HapiSetting, person, startHapiSetting } from './hapi-setting.ts'
import { drawn } from './markup.ts'
import { manager, startSetting } from './setting.ts'

/** Signs in and says what the consent page showed. */
async function consented({ mcpUrl }: Pick<HapiSetting, 'mcpUrl'>): Promise<string> {
  const assistant = new Assistant(mcpUrl)
  await assistant.signIn()
  return drawn(assistant.page?.html ?? '')
}

const searched = ({ path }: ExchangeRequest) => path.includes('/ResearchStudy')
const authorizations = ({ exchange }: HapiSetting) =>
  new Set(exchange.requests.filter(searched).map(({ headers }) => headers.authorization))

describe('the names on the consent page', () => {
  it.each(['R4', 'R5'] as const)(
    'come from an exchange of HAPI style (%s), by the permissions',
    async (fhirVersion) => {
      const setting = await startHapiSetting({ fhirVersion })
      for (const study of setting.exchange.cohort) {
        const sponsor = { reference: 'Organization/org-2', display: 'Uni Hospital' }
        if (study.id !== 'study-b') continue
        if (fhirVersion === 'R4') Object.assign(study, { sponsor })
        else
          Object.assign(study, {
            associatedParty: [{ role: { coding: [{ code: 'sponsor' }] }, party: sponsor }],
          })
      }
      const page = await consented(setting)
      expect(page).toContain('Study A')
      expect(page).toContain('Study B at Uni Hospital')
      expect(page).toContain('all patients of Uni Hospital')
      expect(page).not.toContain('Study C')
      expect(page).not.toContain('study-a')
      const asked = setting.exchange.requests.filter(searched).map(({ path }) => decodeURIComponent(path))
      expect(asked).toEqual([expect.stringContaining('_id=study-a,study-b')])
      expect(authorizations(setting)).toEqual(new Set([undefined]))
    },
  )

  it('come from a JupyterHealth Exchange with the token of this very sign-in', async () => {
    const setting = await startSetting()
    const assistant = new Assistant(setting.mcpUrl)
    await assistant.signIn()
    const [studies, upstreams] = [setting.exchange.cohort.studies, [...setting.upstream.accessTokens.keys()]]
    const page = drawn(assistant.page?.html ?? '')
    for (const { id, name } of studies) {
      expect(page.includes(name)).toBe(manager.claim.studies.some((study) => study.id === String(id)))
    }
    const sent = new Set(setting.exchange.requests.map(({ headers }) => headers.authorization))
    expect(sent).toEqual(new Set(upstreams.map((token) => `Bearer ${token}`)))
    await setting.close()
  })

  it('are read with a held token, and with that of nobody else', async () => {
    const tokens: (string | undefined)[] = []
    const authorize = (authorization: string | undefined) => {
      tokens.push(authorization)
      return true
    }
    const setting = await startHapiSetting({ fhir: { credentials: 'held' }, authorize })
    expect(await consented(setting)).toContain('Study A')
    const [token] = [...setting.upstream.accessTokens].find(([, subject]) => subject === person.id) ?? []
    expect(new Set(tokens)).toEqual(new Set([`Bearer ${token}`]))
  })

  it("are read with the plugin's own token of backend services", async () => {
    const { pem } = await keyPair('RS384')
    const endpoint = await startTokenEndpoint(() => issued('of-the-plugin'))
    const client = { id: 'gateway', key: pem, tokenUrl: endpoint.url, scopes: ['system/*.rs'] }
    const setting = await startHapiSetting({
      fhir: { credentials: 'backend-services', client },
      authorize: (authorization) => authorization === 'Bearer of-the-plugin',
    })
    expect(await consented(setting)).toContain('Study A')
  })

  it('are read with a token that one of the broker was exchanged for: short, for studies alone, in no name of a client', async () => {
    const endpoint = await startTokenEndpoint(() => issued('exchanged'))
    const client = { id: 'gateway', secret: 'of-the-gateway', tokenUrl: endpoint.url }
    const setting = await startHapiSetting({
      fhir: { credentials: 'token-exchange', audience: 'https://fhir.example.org', client },
      authorize: (authorization) => authorization === 'Bearer exchanged',
    })
    expect(await consented(setting)).toContain('Study A')
    expect(endpoint.asked).toHaveLength(1)
    const token = endpoint.asked[0]?.form.get('subject_token') ?? ''
    const keys = createRemoteJWKSet(new URL(`${setting.issuer}/jwks`))
    const { payload } = await jwtVerify(token, keys, {
      issuer: setting.issuer,
      audience: setting.mcpUrl,
      typ: 'at+jwt',
    })
    expect(payload).toMatchObject({
      sub: person.id,
      scope: 'user/ResearchStudy.rs',
      client_id: setting.issuer,
      jhe_permissions: { studies: [{ id: 'study-a' }, { id: 'study-b', organization: 'org-2' }] },
    })
    expect(payload).not.toHaveProperty('grant_id')
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(60)
    for (const held of setting.upstream.accessTokens.keys()) {
      expect(JSON.stringify(endpoint.asked.map(({ form }) => [...form]))).not.toContain(held)
    }
  })

  it('leave a record like any other question', async () => {
    const path = auditFile()
    const setting = await startHapiSetting({ audit: { path } })
    await consented(setting)
    expect(recordsIn(path)).toMatchObject([
      { name: 'list_studies', subject: person.id, outcome: 'allowed', patients: [] },
    ])
  })

  it('stay texts, whatever the exchange says', async () => {
    const setting = await startHapiSetting()
    for (const study of setting.exchange.cohort) {
      if (study.id === 'study-a') study.title = '<img src=x onerror=alert(1)>\u202E'
    }
    const assistant = new Assistant(setting.mcpUrl)
    await assistant.signIn()
    expect(assistant.page?.html).toContain('<bdi>&lt;img src=x onerror=alert(1)&gt;</bdi>')
    expect(assistant.page?.html).toContain('hidden characters left out')
  })
})

describe('ids stand on the consent page, and the sign-in goes on,', () => {
  const never = new Promise(() => undefined)
  const foreign = {
    fullUrl: 'x',
    resource: { resourceType: 'ResearchStudy', id: 'study-c', title: 'Study C' },
  }
  const withForeign = (body: unknown) => {
    if (typeof body !== 'object' || body === null || !('entry' in body) || !Array.isArray(body.entry))
      return body
    return { ...body, entry: [...body.entry, { ...foreign, search: { mode: 'match' } }] }
  }
  const faults: readonly (readonly [string, Fault])[] = [
    ['breaks the connection', { kind: 'reset' }],
    ['answers with an error', { kind: 'status', status: 500 }],
    ['refuses', { kind: 'status', status: 403 }],
    ['answers with a page', { kind: 'html' }],
    ['does not answer in time', { kind: 'hold', until: never }],
    ['adds a study that the permissions do not name', { kind: 'rewrite', change: withForeign }],
    ['passes over the filter', { kind: 'ignore', parameters: ['_id'] }],
  ]
  it.each(faults)('when the exchange %s', async (_, fault) => {
    const setting = await startHapiSetting({ patience: 250 })
    setting.exchange.misbehave((request) => (searched(request) ? fault : undefined))
    const page = await consented(setting)
    expect(page).toContain('Study study-a')
    expect(page).not.toMatch(/Study [ABC]\b/)
    expect(setting.exchange.requests.some(searched)).toBe(true)
  })

  it('when the exchange has a study no more, the others by name', async () => {
    const setting = await startHapiSetting()
    const { cohort } = setting.exchange
    cohort.splice(
      cohort.findIndex(({ id }) => id === 'study-a'),
      1,
    )
    const page = await consented(setting)
    expect(page).toContain('Study study-a')
    expect(page).toContain('Study B')
  })

  it('without a request, when the permissions name no study', async () => {
    const setting = await startHapiSetting()
    setting.upstream.claims.set(person.id, { studies: [], organizations: ['org-2'] })
    expect(await consented(setting)).toContain('Organization org-2')
    expect(setting.exchange.count).toBe(0)
  })

  it('without a request, when the plugin takes tokens for another resource', async () => {
    const setting = await startHapiSetting({ auth: { audience: 'https://elsewhere.example/mcp' } })
    expect(await consented(setting)).toContain('Study study-a')
    expect(setting.exchange.count).toBe(0)
  })
})
