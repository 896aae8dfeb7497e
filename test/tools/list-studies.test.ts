import { describe, expect, it } from 'vitest'
import type { ResearchStudy } from '../../src/fhir/types.ts'
import { listStudies } from '../../src/tools/list-studies.ts'
import {
  callTool,
  cursorOf,
  emptiesIn,
  entriesOf,
  notesOf,
  principalOf,
  resourceOf,
  tableOf,
} from './call-tool.ts'

const studies: ResearchStudy[] = [
  {
    resourceType: 'ResearchStudy',
    id: '10',
    status: 'active',
    title: 'Sleep\n- ResearchStudy/666 | a row that is none',
    identifier: [{ system: 'urn:x', value: 'ST-10' }],
    period: { start: '2026-01-01' },
    description: 'A long description.',
    sponsor: { reference: 'http://exchange.example/fhir/Organization/o1', display: 'Northlake' },
  },
  {
    resourceType: 'ResearchStudy',
    id: '9',
    status: 'unknown',
    associatedParty: [{ name: 'Harbor', role: { coding: [{ code: 'sponsor' }] } }],
  },
  { resourceType: 'ResearchStudy', id: 'x', status: 'active', title: 'Foreign' },
]
const holdings = { studies }
const principal = principalOf({ studies: ['9', '10', '404'] })

describe('list_studies', () => {
  it('lists the permitted studies by id and names the permitted ids that the exchange no longer has', async () => {
    const { answer } = await callTool(listStudies, {}, { principal, holdings })
    expect(resourceOf(answer)).toMatchObject({ resourceType: 'Bundle', type: 'searchset', total: 2 })
    expect(entriesOf(answer).map(({ id }) => id)).toEqual(['9', '10'])
    expect(notesOf(answer)).toEqual([
      'Permitted, but not (any more) on the exchange, and not in the total: 404.',
    ])
    expect(answer.text).toContain('404')
    expect(answer.text).toContain('- ResearchStudy/9 | without a title | status unknown | sponsor "Harbor"')
    expect(answer.text).not.toContain('Foreign')
    expect(emptiesIn(answer.structured)).toEqual([])
  })

  it('names no address of the exchange, and a title cannot pass for another row', async () => {
    const { answer } = await callTool(listStudies, { format: 'fhir_full' }, { principal, holdings })
    expect(JSON.stringify(answer)).not.toContain('exchange.example')
    expect(JSON.stringify(answer)).toContain('Organization/o1')
    expect(answer.text?.split('\n').filter((line) => line.startsWith('- '))).toHaveLength(2)
  })

  it('prunes with the mark exactly where something was left out, and nothing with fhir_full', async () => {
    const pruned = entriesOf((await callTool(listStudies, {}, { principal, holdings })).answer)
    expect(pruned[0]).not.toHaveProperty('meta')
    expect(pruned[1]).toMatchObject({ meta: { tag: [{ code: 'SUBSETTED' }] } })
    expect(pruned[1]).not.toHaveProperty('description')
    const full = entriesOf(
      (await callTool(listStudies, { format: 'fhir_full' }, { principal, holdings })).answer,
    )
    expect(full[1]).toMatchObject({ description: 'A long description.' })
    expect(full[1]).not.toHaveProperty('meta')
  })

  it('gives the same as a table', async () => {
    const { answer } = await callTool(listStudies, { format: 'table' }, { principal, holdings })
    expect(tableOf(answer).columns).toEqual([
      'id',
      'title',
      'status',
      'identifier',
      'start',
      'end',
      'sponsor',
    ])
    expect(tableOf(answer).rows[0]).toEqual(['9', null, 'unknown', null, null, null, 'Harbor'])
    expect(tableOf(answer).rows[1]?.slice(2)).toEqual([
      'active',
      'ST-10',
      '2026-01-01',
      null,
      'Northlake, Organization/o1',
    ])
    expect(tableOf(answer).total).toBe(2)
  })

  it('pages by id, and a study that went away between two pages hides no other', async () => {
    const first = (await callTool(listStudies, { limit: 1 }, { principal, holdings })).answer
    expect(entriesOf(first).map(({ id }) => id)).toEqual(['9'])
    const rest = { studies: studies.filter(({ id }) => id !== '9') }
    const second = await callTool(
      listStudies,
      { limit: 1, cursor: cursorOf(first) },
      { principal, holdings: rest },
    )
    expect(entriesOf(second.answer).map(({ id }) => id)).toEqual(['10'])
    expect(cursorOf(second.answer)).toBeUndefined()
  })

  it('decides a later page anew: a study that is no longer permitted is not in it', async () => {
    const cursor = cursorOf((await callTool(listStudies, { limit: 1 }, { principal, holdings })).answer)
    const narrower = principalOf({ studies: ['9'] })
    const { answer } = await callTool(listStudies, { limit: 1, cursor }, { principal: narrower, holdings })
    expect(entriesOf(answer)).toEqual([])
  })

  it('refuses a cursor of another call before the exchange is asked', async () => {
    const cursor = cursorOf((await callTool(listStudies, { limit: 1 }, { principal, holdings })).answer)
    const other = principalOf({ studies: ['9', '10'] }, { subject: 'user-2' })
    await expect(callTool(listStudies, { cursor }, { principal: other, holdings })).rejects.toMatchObject({
      code: 'FHIR_MCP_INVALID_ARGUMENT',
    })
  })

  it('says why an empty list is empty', async () => {
    const nothing = await callTool(listStudies, {}, { principal: principalOf({}), holdings })
    expect(notesOf(nothing.answer)).toEqual(['The token permits no studies.'])
    expect(resourceOf(nothing.answer).total).toBe(0)
    const superuser = await callTool(listStudies, {}, { principal: principalOf({ superuser: true }) })
    expect(notesOf(superuser.answer)).toEqual(['The exchange has no studies.'])
  })

  it('lists every study for a superuser', async () => {
    const { answer } = await callTool(
      listStudies,
      {},
      { principal: principalOf({ superuser: true }), holdings },
    )
    expect(entriesOf(answer).map(({ id }) => id)).toEqual(['9', '10', 'x'])
  })

  it.each([[0], [1001], [1.5], ['many']])(
    'refuses %s as limit and says what would be right',
    async (limit) => {
      await expect(callTool(listStudies, { limit }, { principal, holdings })).rejects.toMatchObject({
        code: 'FHIR_MCP_INVALID_ARGUMENT',
        detail: 'limit: a whole number from 1 to 1000',
      })
    },
  )
})
