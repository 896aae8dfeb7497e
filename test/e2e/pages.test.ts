import { beforeEach, describe, expect, it } from 'vitest'
import { permissionsClaim } from '../../src/test-kit/index.ts'
import type { TestClient } from './clients.ts'
import { type Gateway, startGateway } from './gateway.ts'
import { cursorOf, matches, totalOf } from './scenarios.ts'
import { siteForAll } from './site.ts'

const site = siteForAll()

const audience = 'https://mcp.test/mcp'
let gateway: Gateway
let client: TestClient

const tokenFor = (sub: string, ...studies: string[]) =>
  site.issuer.token({ sub, aud: audience, ...permissionsClaim({ studies }) })

async function start(byteBudget: number): Promise<void> {
  gateway = await startGateway({
    fhir: { baseUrl: site.exchange.url, credentials: 'none' },
    auth: { issuer: site.issuer.url, audience },
    results: { byteBudget },
  })
  client = await gateway.connect('http', await tokenFor('one', 'study-a'))
}

beforeEach(() => async () => gateway.close())

const refusal = 'FHIR_MCP_INVALID_ARGUMENT: An argument is not usable. cursor is not valid for this call'

describe('pages', () => {
  it.each([
    ['fhir', 65_536],
    ['fhir', 8192],
    ['fhir_full', 8192],
    ['table', 8192],
  ])(
    'of format %s within %d bytes give everything once, in order, and never more than that',
    async (format, budget) => {
      await start(budget)
      const seen: string[] = []
      let cursor: string | undefined
      do {
        const given = { patient_id: 'pat-5', format, limit: 40, ...(cursor === undefined ? {} : { cursor }) }
        const page = await client.call('get_patient_observations', given)
        expect(page.isError, page.text).toBe(false)
        expect(
          Buffer.byteLength(page.text) + Buffer.byteLength(JSON.stringify(page.structured)),
        ).toBeLessThanOrEqual(budget)
        if (format === 'table') {
          const {
            rows,
            columns,
            cursor: next,
          } = page.structured as { rows: string[][]; columns: string[]; cursor?: string }
          seen.push(...rows.map((row) => row[columns.indexOf('id')] ?? ''))
          cursor = next
        } else {
          expect(totalOf(page)).toBe(106)
          seen.push(...matches(page, 'Observation').map(String))
          cursor = cursorOf(page)
        }
      } while (cursor !== undefined)
      expect(seen).toHaveLength(106)
      expect(new Set(seen).size).toBe(106)
      expect(seen.at(-1)).toBe('obs-odd-4')
    },
  )

  it('with nothing on them have no cursor, and say why', async () => {
    await start(65_536)
    const page = await client.call('get_patient_observations', { patient_id: 'pat-5', start: '2030-01-01' })
    expect(totalOf(page)).toBe(0)
    expect(cursorOf(page)).toBeUndefined()
    expect(page.text).toContain('Nearest: the last before it at 2026-11-18')
  })

  it('belong to one principal, one tool and one set of arguments', async () => {
    await start(65_536)
    const given = { patient_id: 'pat-1', limit: 2 }
    const cursor = cursorOf(await client.call('get_patient_observations', given))
    const next = await client.call('get_patient_observations', { ...given, cursor })
    expect(next.isError).toBe(false)
    const other = await gateway.connect('http', await tokenFor('two', 'study-a'))
    expect((await other.call('get_patient_observations', { ...given, cursor })).text).toContain(refusal)
    for (const changed of [{ patient_id: 'pat-2' }, { order: 'oldest' }, { data_type: 'heart-rate' }]) {
      const called = await client.call('get_patient_observations', { ...given, ...changed, cursor })
      expect(called.text).toContain(refusal)
    }
    expect((await client.call('list_studies', { cursor })).text).toContain(refusal)
    const forged = `${cursor?.slice(0, -4)}AAAA`
    expect((await client.call('get_patient_observations', { ...given, cursor: forged })).text).toContain(
      refusal,
    )
  })

  it('carry no permission: a page after the right went is refused without a request', async () => {
    await start(65_536)
    const given = { patient_id: 'pat-1', limit: 2 }
    const cursor = cursorOf(await client.call('get_patient_observations', given))
    const withdrawn = await gateway.connect('http', await tokenFor('one', 'study-b'))
    await withdrawn.call('get_patient_demographics', { patient_id: 'pat-9' })
    site.exchange.reset()
    const called = await withdrawn.call('get_patient_observations', { ...given, cursor })
    expect(called.text).toContain('FHIR_MCP_FORBIDDEN')
    expect(site.exchange.count).toBe(0)
  })
})
