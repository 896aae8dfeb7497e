import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AnyResource } from '../../src/fhir/types.ts'
import {
  permissionsClaim,
  startExchange,
  startIssuer,
  syntheticCohort,
  type TestExchange,
  type TestIssuer,
} from '../../src/test-kit/index.ts'
import { record } from '../tools/record.ts'
import type { TestClient } from './clients.ts'
import { type Gateway, startGateway } from './gateway.ts'

const audience = 'http://mcp.test/mcp'
/** What stands in a text, before it is written as JSON. */
const planted = 'Alpha§Beta'
const whole = 'AlphaBeta'

/** Texts of a resource in which the character stands. */
function withTexts(resource: AnyResource): AnyResource {
  switch (resource.resourceType) {
    case 'Patient':
      return { ...resource, name: [{ family: planted, given: [planted, 'Bea'] }] }
    case 'ResearchStudy':
      return resource.id !== 'study-a'
        ? resource
        : { ...resource, title: planted, description: `a\tb\r\n${planted}` }
    case 'ResearchSubject':
      return resource.id?.endsWith('1') ? { ...resource, identifier: [{ value: planted }] } : resource
    case 'Observation':
      return { ...resource, note: [{ text: planted }] }
    case 'Condition':
      return { ...resource, code: { text: planted } }
    default:
      return resource
  }
}

function planting(character: string) {
  const change = (body: unknown): unknown => {
    if (!isResource(body)) return body
    const entry = Array.isArray(body.entry)
      ? body.entry.map((one: { resource: AnyResource }) => ({ ...one, resource: withTexts(one.resource) }))
      : undefined
    const texts = entry === undefined ? withTexts(body) : { ...body, entry }
    return JSON.stringify(texts).replaceAll('§', character)
  }
  return { kind: 'rewrite', change } as const
}

function isResource(value: unknown): value is AnyResource & { entry?: unknown } {
  return typeof value === 'object' && value !== null && 'resourceType' in value
}

const calls: readonly (readonly [string, Record<string, unknown>])[] = [
  ...(['fhir', 'fhir_full', 'table'] as const).flatMap((format) => [
    ['list_studies', { format }] as const,
    ['search_patients', { birthdate: 'ge1900-01-01', detail: 'identified', format }] as const,
    ['get_patient_observations', { patient_id: 'pat-1', limit: 3, format }] as const,
  ]),
  ['get_study_metadata', { study_id: 'study-a', format: 'fhir_full' }],
  ['get_patient_demographics', { patient_id: 'pat-1', format: 'fhir_full' }],
  ['search_fhir', { patient_id: 'pat-1', type: 'Condition' }],
  ['read_fhir', { patient_id: 'pat-1', type: 'Condition', id: 'pat-1-condition-1' }],
]

describe.each([
  ['escaped', '\\u0000'],
  ['escaped in short', '\\b'],
  ['escaped in capitals', '\\u001F'],
  ['raw, which no JSON has', '\u0000'],
  ['raw, another', '\u000c'],
])('a control character that FHIR forbids, %s,', (_, character) => {
  let issuer: TestIssuer
  let exchange: TestExchange<AnyResource[]>
  let gateway: Gateway
  let client: TestClient

  beforeAll(async () => {
    issuer = await startIssuer()
    exchange = await startExchange({
      dialect: 'hapi',
      fhirVersion: 'R4',
      cohort: [...syntheticCohort(), ...record('R4')],
    })
    exchange.misbehave((request) =>
      request.path.startsWith('/fhir/metadata') ? undefined : planting(character),
    )
    gateway = await startGateway({
      fhir: { baseUrl: exchange.url, credentials: 'none', dialect: 'hapi', types: ['Condition'] },
      auth: { issuer: issuer.url, audience },
    })
    const claims = permissionsClaim({ studies: ['study-a'] })
    client = await gateway.connect('http', await issuer.token({ sub: 'x', aud: audience, ...claims }))
  })
  afterAll(async () => {
    await gateway.close()
    await exchange.close()
    await issuer.close()
  })

  it('is in what the exchange says (control)', async () => {
    const body = await (await fetch(`${exchange.url}/Patient/pat-1`)).text()
    expect(body).toContain(`Alpha${character}Beta`)
  })

  it.each(calls)('is removed from the answer of %s %j, which says so', async (tool, given) => {
    const called = await client.call(tool, given)
    expect(called.isError, called.text).toBe(false)
    expect(JSON.stringify(called.structured)).toContain(whole)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(JSON.stringify(called)).not.toMatch(/\\u00[01]|\\b|\\f|[\u0000-\u0009\u000b-\u001f]/)
    const note = /Control characters, which FHIR forbids: [1-9]\d* removed\./
    expect(called.text).toMatch(note)
  })

  it('is the only thing that fhir_full changes in a text, and is counted', async () => {
    const given = { study_id: 'study-a', format: 'fhir_full' }
    const { structured, text } = await client.call('get_study_metadata', given)
    expect(structured).toMatchObject({ title: whole, description: `a\tb\r\n${whole}` })
    expect(text).toContain('Control characters, which FHIR forbids: 2 removed.')
    expect(JSON.stringify(structured)).not.toContain('SUBSETTED')
  })

  it('stands in the way of no title and no participant code', async () => {
    const study = await client.call('get_study_metadata', { study_id: `title=${whole}` })
    expect(study.isError, study.text).toBe(false)
    const found = await client.call('search_patients', { participant_code: whole, study_id: 'study-a' })
    expect(found.structured).toMatchObject({ total: 1 })
    const { text } = await client.call('get_patient_demographics', { patient_id: whole, study_id: 'study-a' })
    expect(text).toContain('Patient: pat-1')
  })
})
