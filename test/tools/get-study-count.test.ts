import { describe, expect, it } from 'vitest'
import { getStudyCount } from '../../src/tools/get-study-count.ts'
import { callTool, emptiesIn, principalOf, resourceOf } from './call-tool.ts'

const study = (id: string) => ({ resourceType: 'ResearchStudy', id, status: 'active' }) as const
const holdings = { studies: [study('1'), study('2'), study('3')] }

describe('get_study_count', () => {
  it('counts from the claims, without a request, and says so', async () => {
    const principal = principalOf({ studies: ['1', 2, 'gone'] })
    const { answer, exchange } = await callTool(getStudyCount, {}, { principal, holdings })
    expect(exchange.asked).toEqual([])
    expect(resourceOf(answer)).toMatchObject({
      resourceType: 'Parameters',
      parameter: [
        { name: 'count', valueInteger: 3 },
        { name: 'source', valueCode: 'claims' },
        { name: 'asOf', valueInstant: '2026-11-23T05:00:10.000Z' },
      ],
    })
    expect(answer.text).toContain('Studies: 3')
    expect(answer.text).toContain('without a request')
  })

  it('gives 0 for permissions that are empty', async () => {
    const { answer, exchange } = await callTool(getStudyCount, {}, { principal: principalOf({}), holdings })
    expect(resourceOf(answer).parameter).toContainEqual({ name: 'count', valueInteger: 0 })
    expect(exchange.asked).toEqual([])
  })

  it('counts the exchange for a superuser, and the claims alone for anybody else', async () => {
    const principal = principalOf({ superuser: true, studies: ['1'] })
    const { answer, exchange } = await callTool(getStudyCount, {}, { principal, holdings })
    expect(resourceOf(answer).parameter).toContainEqual({ name: 'count', valueInteger: 3 })
    expect(resourceOf(answer).parameter).toContainEqual({ name: 'source', valueCode: 'exchange' })
    expect(exchange.asked).toEqual([{ method: 'studies' }])
  })

  it('tells organizations apart where the claim does', async () => {
    const principal = principalOf({
      studies: [
        { id: '1', organization: 'o1' },
        { id: '2', organization: 'o1' },
        { id: '3', organization: 'o2' },
        '4',
      ],
      organizations: [{ id: 'o1', name: 'Northlake\nClinic', role: 'manager' }],
    })
    const { answer } = await callTool(getStudyCount, {}, { principal, holdings })
    const organizations = (resourceOf(answer).parameter as { name: string; part?: unknown }[])
      .filter(({ name }) => name === 'organization')
      .map(({ part }) => part)
    expect(organizations).toEqual([
      [
        { name: 'id', valueId: 'o1' },
        { name: 'name', valueString: 'Northlake Clinic' },
        { name: 'count', valueInteger: 2 },
      ],
      [
        { name: 'id', valueId: 'o2' },
        { name: 'count', valueInteger: 1 },
      ],
      [{ name: 'count', valueInteger: 1 }],
    ])
    expect(answer.text).toContain('- 2 of Organization/o1 "Northlake Clinic"')
    expect(answer.text).toContain('- 1 of an organization that the claim does not name')
    expect(emptiesIn(answer.structured)).toEqual([])
  })

  it('stays within the byte budget for a claim with very many organizations', async () => {
    const studies = Array.from({ length: 2000 }, (_, n) => ({ id: `s${n}`, organization: `o${n}` }))
    const { answer } = await callTool(getStudyCount, {}, { principal: principalOf({ studies }), holdings })
    expect(Buffer.byteLength(JSON.stringify(answer.structured) + answer.text)).toBeLessThan(65_536)
    expect(answer.text).toContain('2000 organizations; the first 50 are told apart')
  })

  it('is refused to a token whose scopes do not cover studies', async () => {
    const principal = principalOf({ studies: ['1'], scope: 'user/Patient.rs' })
    await expect(callTool(getStudyCount, {}, { principal, holdings })).rejects.toMatchObject({
      code: 'FHIR_MCP_INSUFFICIENT_SCOPE',
    })
  })

  it('refuses an argument that it does not have', async () => {
    await expect(callTool(getStudyCount, { study: 1 }, { principal: principalOf({}) })).rejects.toMatchObject(
      {
        code: 'FHIR_MCP_INVALID_ARGUMENT',
      },
    )
  })
})
