import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { AnyResource } from '../../src/fhir/types.ts'
import {
  permissionsClaim,
  startExchange,
  startIssuer,
  syntheticCohort,
  type TestExchange,
  type TestIssuer,
} from '../../src/test-kit/index.ts'
import { type Gateway, startGateway } from './gateway.ts'
import { valuesOf } from './scenarios.ts'

const audience = 'https://mcp.test/mcp'
const tool = 'summarize_study_observations'
let issuer: TestIssuer
let exchange: TestExchange<AnyResource[]>
let gateway: Gateway

beforeAll(async () => {
  issuer = await startIssuer()
  exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4' })
  gateway = await startGateway({
    fhir: { baseUrl: exchange.url, credentials: 'none' },
    auth: { issuer: issuer.url, audience },
    access: { rosterSeconds: 0 },
    results: { byteBudget: 12_288 },
  })
})
afterAll(async () => {
  await gateway.close()
  await issuer.close()
  await exchange.close()
})

const connect = async (sub: string, ...studies: string[]) =>
  gateway.connect('http', await issuer.token({ sub, aud: audience, ...permissionsClaim({ studies }) }))

const reading = z.object({
  resourceType: z.literal('Observation'),
  status: z.string(),
  subject: z.object({ reference: z.string() }),
  code: z.object({ coding: z.array(z.object({ code: z.string() })) }),
  valueQuantity: z.object({ value: z.number(), comparator: z.undefined().optional() }),
  dataAbsentReason: z.undefined().optional(),
})

/** The heart rates of the cohort, straight from its resources. */
function heartRatesOf(patients: readonly string[]): number[] {
  return syntheticCohort().flatMap((resource) => {
    const { data } = reading.safeParse(resource)
    const counts = data !== undefined && !['entered-in-error', 'cancelled'].includes(data.status)
    const isRate = data?.code.coding.some(({ code }) => code === '8867-4')
    return counts && isRate && patients.includes(data.subject.reference.slice(8))
      ? [data.valueQuantity.value]
      : []
  })
}

const ofStudyA = ['pat-1', 'pat-16', 'pat-2', 'pat-3', 'pat-4', 'pat-5', 'pat-6']
const parts = z.object({
  parameter: z.array(
    z.looseObject({
      name: z.string(),
      part: z.array(z.looseObject({ name: z.string() })).optional(),
    }),
  ),
})

describe('a summary of a study', () => {
  it('has the numbers of its enrolled patients, as the resources themselves give them', async () => {
    const client = await connect('one', 'study-a')
    const told: unknown[] = []
    const onprogress = ({ progress, total }: { progress: number; total?: number | undefined }) =>
      void told.push([progress, total])
    const asked = { study_id: 'study-a', data_type: 'heart-rate' }
    const called = await client.call(tool, asked, { onprogress })
    expect(called.isError, called.text).toBe(false)
    const rates = heartRatesOf(ofStudyA).sort((a, b) => a - b)
    const mean = rates.reduce((sum, value) => sum + value, 0) / rates.length
    const [series, ...others] = parts
      .parse(called.structured)
      .parameter.filter(({ name }) => name === 'series')
    expect(others).toEqual([])
    const figures = Object.fromEntries((series?.part ?? []).map((one) => [one.name, one]))
    expect(figures.n).toMatchObject({ valueInteger: rates.length })
    expect(figures.min).toMatchObject({ valueQuantity: { value: rates[0], unit: '/min' } })
    expect(figures.max).toMatchObject({ valueQuantity: { value: rates.at(-1) } })
    expect(
      z.object({ valueQuantity: z.object({ value: z.number() }) }).parse(figures.mean).valueQuantity.value,
    ).toBeCloseTo(mean, 9)
    const at = (rates.length - 1) * 0.95
    const [low = 0, high = 0] = [rates[Math.floor(at)], rates[Math.ceil(at)]]
    expect(
      z.object({ valueQuantity: z.object({ value: z.number() }) }).parse(figures.p95).valueQuantity.value,
    ).toBeCloseTo(low + (high - low) * (at % 1), 9)
    expect(told).toEqual(ofStudyA.map((_, n) => [n + 1, ofStudyA.length]))
  })

  it('of a study out of reach costs no request, and reads like one that is not there', async () => {
    const client = await connect('one', 'study-a')
    exchange.reset()
    const forbidden = await client.call(tool, { study_id: 'study-b' })
    const unknown = await client.call(tool, { study_id: 'no-such-study' })
    expect(forbidden.text).toContain('FHIR_MCP_FORBIDDEN')
    expect(forbidden).toEqual(unknown)
    expect(exchange.count).toBe(0)
    await client.call(tool, { study_id: 'study-a', data_type: 'heart-rate' })
    expect(exchange.count).toBeGreaterThan(0)
  })

  it('by patient goes on by its cursor, for the same caller and arguments alone', async () => {
    const client = await connect('one', 'study-a', 'study-b')
    const given = { study_id: 'study-a', by: 'patient' }
    const first = await client.call(tool, given)
    const { cursor } = valuesOf(first)
    expect(cursor, first.text).toEqual(expect.any(String))
    const refusal = 'FHIR_MCP_INVALID_ARGUMENT: An argument is not usable. cursor is not valid for this call'
    const another = await connect('two', 'study-a', 'study-b')
    expect((await another.call(tool, { ...given, cursor })).text).toContain(refusal)
    for (const changed of [{ study_id: 'study-b' }, { by: 'week' }, { data_type: 'heart-rate' }]) {
      expect((await client.call(tool, { ...given, ...changed, cursor })).text).toContain(refusal)
    }
    const forged = `${String(cursor).slice(0, -4)}AAAA`
    expect((await client.call(tool, { ...given, cursor: forged })).text).toContain(refusal)
    const withdrawn = await connect('one', 'study-b')
    exchange.reset()
    expect((await withdrawn.call(tool, { ...given, cursor })).text).toContain('FHIR_MCP_FORBIDDEN')
    expect(exchange.count).toBe(0)
    const second = await client.call(tool, { ...given, cursor })
    expect(second.isError, second.text).toBe(false)
    expect(second.text).toContain('came on earlier pages')
  })

  it('leaves out whoever left the study between two pages', async () => {
    const client = await connect('one', 'study-a')
    const given = { study_id: 'study-a', by: 'patient' }
    const first = await client.call(tool, given)
    const { cursor } = valuesOf(first)
    const shown = ofStudyA.filter((id) => first.text.includes(`Patient/${id} `))
    const gone = ofStudyA.at(-1) ?? ''
    expect(shown).not.toContain(gone)
    const kept = exchange.cohort.splice(0)
    exchange.cohort.push(
      ...kept.map((resource) =>
        resource.resourceType === 'ResearchSubject' && JSON.stringify(resource).includes(`"Patient/${gone}"`)
          ? { ...resource, status: 'withdrawn' }
          : resource,
      ),
    )
    const seen = [...shown]
    let next: unknown = cursor
    while (next !== undefined) {
      const page = await client.call(tool, { ...given, cursor: next })
      expect(page.isError, page.text).toBe(false)
      expect(JSON.stringify(page.structured)).not.toContain(`Patient/${gone}"`)
      expect(valuesOf(page)).toMatchObject({ patients: ofStudyA.length - 1 })
      seen.push(...ofStudyA.filter((id) => page.text.includes(`Patient/${id} `)))
      next = valuesOf(page).cursor
    }
    exchange.cohort.splice(0, exchange.cohort.length, ...kept)
    expect(seen.sort()).toEqual(ofStudyA.filter((id) => id !== gone).sort())
  })
})
