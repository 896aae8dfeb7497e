import { readFileSync } from 'node:fs'
import { beforeEach, describe, expect, it } from 'vitest'
import { countNetwork, type NetworkCount, permissionsClaim } from '../../src/test-kit/index.ts'
import { chunksOf, pngOfAnswer } from '../charts/png.ts'
import type { TestClient } from './clients.ts'
import { type Gateway, startGateway } from './gateway.ts'
import { siteForAll } from './site.ts'

const site = siteForAll()

const audience = 'https://mcp.test/mcp'
let gateway: Gateway
let network: NetworkCount
let client: TestClient

beforeEach(async () => {
  gateway = await startGateway({
    fhir: { baseUrl: site.exchange.url, credentials: 'none' },
    auth: { issuer: site.issuer.url, audience },
  })
  const claims = { sub: 'x', aud: audience, ...permissionsClaim({ studies: ['study-a'] }) }
  client = await gateway.connect('http', await site.issuer.token(claims))
  network = countNetwork({ only: [site.exchange.origin] })
  site.exchange.reset()
  return async () => {
    network.stop()
    await gateway.close()
  }
})

const chart = (patient_id: string, more: Record<string, unknown> = {}) =>
  client.call('chart_patient_observations', {
    patient_id,
    data_types: ['heart-rate', 'blood-pressure'],
    ...more,
  })

/** Names, identifiers and ids of a patient of the cohort. */
function wordsOf(patient: string): string[] {
  const file = new URL('../../fixtures/cohort/Patient.ndjson', import.meta.url)
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  const found = lines.map((line) => JSON.parse(line)).find(({ id }) => id === patient)
  return [
    patient,
    found.name[0].family,
    ...found.name[0].given,
    ...found.identifier.map(({ value }: { value: string }) => value),
  ]
}

describe('a picture over MCP', () => {
  it('comes beside its figures and its text', async () => {
    const { content, structured, text, isError } = await chart('pat-1')
    expect(isError, text).toBe(false)
    expect(content.map(({ type }) => type)).toEqual(['text', 'image'])
    expect(text).toMatch(/^Chart: Heart rate, \d+ readings from .*; Blood pressure as a band, /m)
    expect(structured).toMatchObject({ resourceType: 'Parameters' })
  })

  it('names nobody', async () => {
    const { content } = await chart('pat-1')
    const png = pngOfAnswer({ content })
    const words = wordsOf('pat-1')
    expect(words.length).toBeGreaterThan(2)
    for (const word of words) expect(png.toString('latin1')).not.toContain(word)
    expect(new Set(chunksOf(png))).toEqual(new Set(['IHDR', 'IDAT', 'IEND']))
  })

  it('is the same for light and for dark in all but its colours', async () => {
    const [light, dark] = [await chart('pat-1'), await chart('pat-1', { theme: 'dark' })]
    expect(pngOfAnswer(light).equals(pngOfAnswer(dark))).toBe(false)
    expect(dark.text.split('\n').slice(2)).toEqual(light.text.split('\n').slice(2))
  })

  it('is none of a patient out of reach, for whom no request is sent', async () => {
    await chart('pat-1')
    network.reset()
    site.exchange.reset()
    for (const patient of ['pat-10', 'no-such-patient']) {
      const { content, isError, text } = await chart(patient)
      expect(isError).toBe(true)
      expect(text).toContain('FHIR_MCP_FORBIDDEN')
      expect(content.map(({ type }) => type)).toEqual(['text'])
    }
    expect(network.requests).toEqual([])
    expect(site.exchange.requests).toEqual([])
    expect((await chart('pat-1')).isError).toBe(false)
    expect(network.count).toBeGreaterThan(0)
  })

  it('is none where nothing is permitted, for which no request is sent', async () => {
    const nobody = await gateway.connect(
      'http',
      await site.issuer.token({ sub: 'y', aud: audience, ...permissionsClaim() }),
    )
    network.reset()
    site.exchange.reset()
    const { content, isError } = await nobody.call('chart_patient_observations', {
      patient_id: 'pat-1',
      data_types: ['heart-rate'],
    })
    expect([isError, content.length]).toEqual([true, 1])
    expect(network.requests).toEqual([])
    expect(site.exchange.requests).toEqual([])
  })

  it('is none where the exchange answers with another patient', async () => {
    site.exchange.misbehave((request) =>
      request.path.startsWith('/fhir/Observation')
        ? { kind: 'another-patient', patient: 'pat-10' }
        : undefined,
    )
    const { content, isError } = await chart('pat-1')
    expect([isError, content.map(({ type }) => type)]).toEqual([true, ['text']])
    site.exchange.misbehave(() => undefined)
    expect((await chart('pat-1')).isError).toBe(false)
  })
})
