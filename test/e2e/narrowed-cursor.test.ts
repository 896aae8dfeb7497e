import { beforeEach, describe, expect, it } from 'vitest'
import { permissionsClaim } from '../../src/test-kit/index.ts'
import { auditFile, recordsIn } from '../audit/records.ts'
import { type Gateway, startGateway } from './gateway.ts'
import { cursorOf } from './scenarios.ts'
import { siteForAll } from './site.ts'

const site = siteForAll()
const audience = 'https://mcp.test/mcp'
const tool = 'get_patient_observations'
const all = 'user/Patient.rs user/Observation.rs'
/** The patient has vital signs alone: whatever else a page of theirs is held against is outside of it. */
const vitalSigns = 'user/Patient.rs user/Observation.rs?category=vital-signs'
const laboratory = 'user/Patient.rs user/Observation.rs?category=laboratory'
let path: string
let gateway: Gateway

beforeEach(async () => {
  path = auditFile()
  gateway = await startGateway({
    fhir: { baseUrl: site.exchange.url, credentials: 'none', dialect: 'hapi' },
    auth: { issuer: site.issuer.url, audience },
    audit: { path },
  })
  return () => gateway.close()
})

async function clientWith(scope?: string) {
  const claims = { sub: 'ada', aud: audience, ...permissionsClaim({ studies: ['study-a'] }) }
  const scoped = scope === undefined ? claims : { ...claims, scope }
  return gateway.connect('http', await site.issuer.token(scoped))
}

describe('a cursor', () => {
  const given = { patient_id: 'pat-1', limit: 2 }
  const firstPage = async (scope?: string) => cursorOf(await (await clientWith(scope)).call(tool, given))
  const nextPage = async (cursor: string | undefined, scope?: string) =>
    (await clientWith(scope)).call(tool, { ...given, cursor })

  it('goes on with a token of the same scopes, in any order, and of others that leave as much', async () => {
    expect((await nextPage(await firstPage(), all)).isError).toBe(false)
    expect((await nextPage(await firstPage(all))).isError).toBe(false)
    const several = `${vitalSigns} user/Observation.rs?category=laboratory`
    const reordered = several.split(' ').toReversed().join(' ')
    expect((await nextPage(await firstPage(several), reordered)).isError).toBe(false)
  })

  it.each([
    ['narrower', all, laboratory],
    ['narrower than none', undefined, laboratory],
    ['of another category', vitalSigns, laboratory],
  ])('is not valid where the scopes are %s, and nobody is alarmed', async (_, before, after) => {
    const cursor = await firstPage(before)
    expect(cursor).toEqual(expect.any(String))
    const refused = await nextPage(cursor, after)
    expect(refused.text).toContain('FHIR_MCP_INVALID_ARGUMENT')
    expect(refused.text).toContain('cursor is not valid for this call')
    expect(recordsIn(path).at(-1)).toMatchObject({ outcome: 'failed', code: 'FHIR_MCP_INVALID_ARGUMENT' })
    expect(recordsIn(path).map(({ code }) => code)).not.toContain('FHIR_MCP_EXCHANGE_LEAK')
    // The control: it is the cursor's, and the scopes read a first page of their own.
    expect((await nextPage(cursor, before)).isError).toBe(false)
    expect((await (await clientWith(after)).call(tool, given)).isError).toBe(false)
  })
})
