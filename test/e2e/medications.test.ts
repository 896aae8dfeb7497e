import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AnyResource, FhirVersion } from '../../src/fhir/types.ts'
import {
  permissionsClaim,
  startExchange,
  startIssuer,
  syntheticCohort,
  type TestExchange,
} from '../../src/test-kit/index.ts'
import { grantFor, on } from '../exchange/grants.ts'
import { startHapi } from '../exchange/hapi-stand-in.ts'
import { codeOf, exchangeOf } from '../exchange/opened.ts'
import type { TestClient } from './clients.ts'
import { type Gateway, startGateway } from './gateway.ts'

const audience = 'https://mcp.test/mcp'
const rxnorm = 'http://www.nlm.nih.gov/research/umls/rxnorm'
const nizatidine = {
  coding: [{ system: rxnorm, code: '476872', display: 'nizatidine 15 MG/ML Oral Solution [Axid]' }],
}
const furosemide = { coding: [{ system: rxnorm, code: '313988', display: 'furosemide 40 MG Oral Tablet' }] }

function requests(version: FhirVersion): AnyResource[] {
  const of = (id: string, reference: object, more: object = {}): AnyResource => ({
    resourceType: 'MedicationRequest',
    id: `req-${id}`,
    status: 'active',
    intent: 'order',
    ...(version === 'R4' ? { medicationReference: reference } : { medication: { reference } }),
    subject: { reference: 'Patient/pat-1' },
    authoredOn: '2026-05-05',
    ...more,
  })
  return [
    of(
      'contained',
      { reference: '#drug' },
      { contained: [{ resourceType: 'Medication', id: 'drug', code: nizatidine }] },
    ),
    of('displayed', { reference: 'Medication/axid', display: 'Axid, as said' }),
    of('plain', { reference: 'Medication/furosemide' }),
    of('again', { reference: 'Medication/furosemide' }),
    of('missing', { reference: 'Medication/gone' }),
    { resourceType: 'Medication', id: 'axid', code: nizatidine },
    { resourceType: 'Medication', id: 'furosemide', code: furosemide, status: 'active' },
    { resourceType: 'Medication', id: 'other', code: { text: 'of somebody else' } },
  ]
}

describe.each(['R4', 'R5'] as const)('a medication that is named by a reference (%s)', (version) => {
  let exchange: TestExchange<readonly AnyResource[]>
  let issuer: Awaited<ReturnType<typeof startIssuer>>
  let gateway: Gateway
  const clientWith = async (scope?: string): Promise<TestClient> => {
    const claims = permissionsClaim({ studies: ['study-a'] })
    const given = { sub: 'x', aud: audience, ...claims, ...(scope === undefined ? {} : { scope }) }
    return gateway.connect('http', await issuer.token(given))
  }
  beforeAll(async () => {
    const cohort = [...syntheticCohort(), ...requests(version)]
    exchange = await startExchange({ dialect: 'hapi', fhirVersion: version, cohort })
    issuer = await startIssuer()
    const fhir = {
      baseUrl: exchange.url,
      credentials: 'none' as const,
      types: ['MedicationRequest' as const],
    }
    gateway = await startGateway({ fhir, auth: { issuer: issuer.url, audience } }, undefined, version)
  })
  afterAll(async () => {
    await gateway.close()
    await Promise.all([exchange.close(), issuer.close()])
  })
  const given = { patient_id: 'pat-1', type: 'MedicationRequest' }

  it('has its name in every row, contained or not, by one request for all of them', async () => {
    const client = await clientWith()
    const before = exchange.requests.length
    const { text, structured } = await client.call('search_fhir', given)
    const nameOf = (id: string) =>
      text
        .split('\n')
        .find((line) => line.endsWith(` | ${id}`))
        ?.split(' | ')[1]
    expect(nameOf('req-contained')).toBe(`"nizatidine 15 MG/ML Oral Solution [Axid]" (${rxnorm}|476872)`)
    expect(nameOf('req-displayed')).toBe('"Axid, as said"')
    expect(nameOf('req-plain')).toBe(`"furosemide 40 MG Oral Tablet" (${rxnorm}|313988)`)
    expect(nameOf('req-again')).toBe(nameOf('req-plain'))
    expect(nameOf('req-missing')).toBe('without a name')
    const asked = exchange.requests.slice(before).filter(({ path }) => path.includes('/Medication/_search'))
    expect(asked).toHaveLength(1)
    const entries = structured.entry as { resource: AnyResource; search: { mode: string } }[]
    const included = entries.filter(({ search }) => search.mode === 'include').map(({ resource }) => resource)
    expect(included).toEqual([
      expect.objectContaining({ resourceType: 'Medication', id: 'furosemide', code: furosemide }),
    ])
    expect(JSON.stringify(structured)).not.toContain('of somebody else')
  })

  it('has it in a table, and where the one is read', async () => {
    const client = await clientWith()
    const { structured } = await client.call('search_fhir', { ...given, format: 'table' })
    const names = Object.fromEntries((structured.rows as string[][]).map(([id, , name]) => [id, name]))
    expect(names['req-plain']).toContain('furosemide')
    const one = await client.call('read_fhir', { ...given, id: 'req-plain' })
    expect(one.text).toContain('\nmedication: "furosemide 40 MG Oral Tablet"')
    const inner = await client.call('read_fhir', { ...given, id: 'req-contained' })
    expect(inner.text).toContain('\nmedication: "nizatidine')
  })

  it('is not asked for where the scopes do not cover Medication', async () => {
    const client = await clientWith('user/Patient.rs user/MedicationRequest.rs')
    const before = exchange.requests.length
    const { text } = await client.call('search_fhir', given)
    expect(text).toContain('without a name | active')
    expect(text).toContain('nizatidine 15 MG/ML')
    expect(exchange.requests.slice(before).some(({ path }) => path.includes('/Medication/'))).toBe(false)
  })

  it('is no leak of anything else', async () => {
    const grant = grantFor({ studies: { s1: ['p1'] } }, on.patient('p1'))
    const server = await startHapi(version)
    expect(await codeOf(exchangeOf(server.baseUrl).medications(grant, ['x']))).toBe('FORBIDDEN')
    const allowed = grantFor({ studies: { s1: ['p1'] } }, on.patient('p1'), true, 'MedicationRequest')
    expect(await exchangeOf(server.baseUrl).medications(allowed, ['x', '', 'no id'])).toEqual([])
    for (const resource of [
      { resourceType: 'Patient', id: 'x' },
      { resourceType: 'Medication', id: 'not-asked-for' },
    ]) {
      const odd = await startHapi(version, { adds: [{ resource, search: { mode: 'match' } }] })
      expect(await codeOf(exchangeOf(odd.baseUrl).medications(allowed, ['x']))).toBe('EXCHANGE_LEAK')
    }
    const more = { resourceType: 'Medication', id: 'x', code: nizatidine, manufacturer: { display: 'Bo' } }
    const full = await startHapi(version, { adds: [{ resource: more }] })
    expect(await exchangeOf(full.baseUrl).medications(allowed, ['x'])).toEqual([
      { resourceType: 'Medication', id: 'x', code: nizatidine },
    ])
  })
})
