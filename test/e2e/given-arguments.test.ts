import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineLocalTool } from '../../plugins/index.ts'
import { permissionsClaim } from '../../src/test-kit/index.ts'
import { type Gateway, startGateway } from './gateway.ts'
import { siteForAll } from './site.ts'
import type { TestClient } from './test-client.ts'

const audience = 'https://mcp.test/mcp'
const site = siteForAll()
let gateway: Gateway
let client: TestClient

const tally = defineLocalTool({
  name: 'tally',
  title: 'Tally',
  description: 'Counts what it was given.',
  input: z.object({ ids: z.array(z.string()), most: z.number().default(3), strict: z.boolean().optional() }),
  output: 'object',
  local: true,
  run: async (given) => ({ text: JSON.stringify(given), structured: { given } }),
})

beforeAll(async () => {
  gateway = await startGateway(
    {
      fhir: { baseUrl: site.exchange.url, credentials: 'none' },
      auth: { issuer: site.issuer.url, audience },
    },
    (app) => app.fhirMcp.tool(tally),
  )
  const claims = permissionsClaim({ studies: ['study-a'] })
  client = await gateway.connect('http', await site.issuer.token({ sub: 'ada', aud: audience, ...claims }))
})
afterAll(() => gateway.close())

const codesAsked = { resourceType: 'Bundle', type: 'searchset' }

describe('arguments of a call', () => {
  it('may be null or empty where they are optional, and the answer says which were', async () => {
    const asked = { patient_id: 'pat-2', limit: 3 }
    const empty = { start: null, end: '', data_type: null, cursor: null, format: null }
    const given = await client.call('get_patient_observations', { ...asked, ...empty })
    const plain = await client.call('get_patient_observations', asked)
    expect(given.structured).toMatchObject({ ...codesAsked, total: plain.structured.total })
    const words = 'Given without a value, so taken as left out: start, end, data_type, cursor, format.'
    expect(given.text.split('\n')[1]).toBe(words)
    expect(JSON.stringify(given.structured)).toContain(words)
    expect(plain.text).not.toContain('Given without a value')
    const table = await client.call('get_patient_observations', { ...asked, start: null, format: 'table' })
    expect(table.structured.notes).toContain('Given without a value, so taken as left out: start.')
    const count = await client.call('count_patient_observations', { patient_id: 'pat-2', end: '' })
    expect(count.structured.parameter).toContainEqual({ name: 'givenWithoutValue', valueString: 'end' })
  })

  it('go on with the cursor of a call that left them out', async () => {
    const asked = { study_id: 'study-a', limit: '2' }
    const first = await client.call('list_study_patients', { ...asked, format: 'table', enrolment: null })
    const { cursor } = z.object({ cursor: z.string() }).parse(first.structured)
    const next = await client.call('list_study_patients', {
      study_id: 'study-a',
      limit: 2,
      format: 'table',
      cursor,
    })
    expect(next.isError, next.text).toBe(false)
  })

  it('may be numbers and truths as texts, and lists as one or as JSON', async () => {
    const limited = await client.call('get_patient_observations', {
      patient_id: 'pat-2',
      limit: '3',
      format: 'table',
    })
    expect(limited.structured.rows).toHaveLength(3)
    const counted = await client.call('count_study_observations', { study_id: 'study-a', by_patient: 'true' })
    expect(counted.text).toContain('pat-2')
    for (const data_types of ['heart-rate', '["heart-rate"]']) {
      const charted = await client.call('chart_patient_observations', { patient_id: 'pat-2', data_types })
      expect(charted.isError, charted.text).toBe(false)
    }
  })

  it('of own tools are read in the same way', async () => {
    const called = await client.call('tally', { ids: 40006, most: '7', strict: null })
    expect(called.structured).toEqual({ given: { ids: ['40006'], most: 7 } })
    expect(called.text).toBe(
      '{"ids":["40006"],"most":7}\nGiven without a value, so taken as left out: strict.',
    )
  })

  it('of another kind are answered with the argument that takes them, whether there is such a thing or not', async () => {
    // The code of an enrolled patient, the id of a patient out of reach, and nothing.
    const texts = new Set<string>()
    for (const patient_id of ['A002', 'pat-10', 'MRN-0001', 'nothing']) {
      const called = await client.call('get_patient_demographics', { patient_id })
      expect(called.isError).toBe(true)
      texts.add(called.text)
    }
    expect(texts.size).toBe(1)
    expect([...texts][0]).toMatch(/^FHIR_MCP_FORBIDDEN/)
    expect([...texts][0]).toContain('A participant code needs study_id beside it; for a record number (MRN)')
    const written = await client.call('get_patient_demographics', { patient_id: 'urn:mrn|MRN-0001' })
    expect(written.text).toContain('ask search_patients with identifier')
    const found = await client.call('get_patient_demographics', { patient_id: 'A002', study_id: 'study-a' })
    expect(found.isError, found.text).toBe(false)
  })

  it('that there are not are answered with those that there are, without a request', async () => {
    site.exchange.reset()
    const called = await client.call('get_patient_date_range', { patient: 'pat-2' })
    expect(called.isError).toBe(true)
    expect(called.text).toContain(
      'patient_id is missing; there is no argument patient; the arguments are patient_id, study_id, data_type, time_zone',
    )
    const large = await client.call('get_patient_demographics', { patient_id: 2 ** 60 })
    expect(large.text).toContain('patient_id: a whole number beyond 2^53 loses digits')
    expect(site.exchange.requests).toEqual([])
  })
})
