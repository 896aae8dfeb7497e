import { describe, expect, it } from 'vitest'
import { createCursors } from '../../src/results/cursor.ts'
import { compareIds, openPosition, type PagedCall, pageById, pagedCall } from '../../src/results/keyset.ts'

const cursors = createCursors(new Uint8Array(32), () => 0)
const principal = { issuer: 'https://issuer.example', subject: 'user-1' }

function callWith(
  more: { limit?: number; cursor?: string | undefined; byteBudget?: number } = {},
): PagedCall {
  const { byteBudget = 65_536, limit = 2, cursor } = more
  return pagedCall('list', { limit, cursor }, { cursors, principal, byteBudget })
}

const same = (id: string) => id

describe('the order of ids', () => {
  it('has whole numbers first and by size, then all others', () => {
    expect(['b', '10', 'a-1', '9', 'a', '07', '7', 'a'].sort(compareIds)).toEqual([
      '7',
      '9',
      '07',
      '10',
      'a',
      'a',
      'a-1',
      'b',
    ])
  })
})

describe('pages by id', () => {
  it('give every id once, whatever order they came in', async () => {
    const all = ['5', '1', '4', '2', '3']
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const call = callWith({ cursor })
      const page = pageById(call, all, same, await openPosition(call))
      seen.push(...page.items)
      cursor = await page.cursorAfter(page.items.length)
    } while (cursor !== undefined)
    expect(seen).toEqual(['1', '2', '3', '4', '5'])
  })

  it('neither repeat nor hide a row when others come and go between two pages', async () => {
    const first = pageById(callWith(), ['1', '3', '5', '7'], same, undefined)
    const call = callWith({ cursor: await first.cursorAfter(2) })
    expect(pageById(call, ['2', '5', '6', '7'], same, await openPosition(call)).items).toEqual(['5', '6'])
  })

  it('continue after the rows that were shown, not after those that were asked for', async () => {
    const page = pageById(callWith(), ['1', '2', '3'], same, undefined)
    const call = callWith({ cursor: await page.cursorAfter(1) })
    expect(await openPosition(call)).toBe('1')
    expect(await page.cursorAfter(0)).toBeUndefined()
  })

  it('are no larger than what could fit the byte budget', () => {
    const all = Array.from({ length: 1000 }, (_, n) => String(n))
    expect(pageById(callWith({ limit: 1000, byteBudget: 12_800 }), all, same, undefined).items).toHaveLength(
      100,
    )
    expect(pageById(callWith({ byteBudget: 1 }), all, same, undefined).items).toHaveLength(1)
  })

  it('have no end of an empty list to continue from', async () => {
    expect(await pageById(callWith(), [], same, undefined).cursorAfter(0)).toBeUndefined()
  })

  it('refuse a position that is not an id', async () => {
    const cursor = await cursors.seal(callWith(), { branch: 1 })
    await expect(openPosition(callWith({ cursor }))).rejects.toMatchObject({
      code: 'FHIR_MCP_INVALID_ARGUMENT',
    })
  })
})
