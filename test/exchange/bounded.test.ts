import { describe, expect, it } from 'vitest'
import { boundedClient, chunksOf } from '../../src/exchange/bounded.ts'
import { mergeBranches } from '../../src/exchange/merge.ts'
import { callOf, clientOf, emptySearchset, json, patient, startExchange } from './loopback.ts'

describe('bounded work', () => {
  it('cuts a list in pieces', () => {
    expect(chunksOf([1, 2, 3], 2)).toEqual([[1, 2], [3]])
    expect(chunksOf([], 2)).toEqual([])
  })

  it('sends no more requests at once than allowed, whatever kind they are', async () => {
    const waiting: (() => void)[] = []
    let most = 0
    const server = await startExchange((response, { url }) => {
      const body = url.includes('metadata')
        ? { resourceType: 'CapabilityStatement' }
        : url.includes('Patient/1')
          ? patient
          : emptySearchset
      waiting.push(() => json(response, body))
      most = Math.max(most, waiting.length)
      if (waiting.length === 2) for (const answer of waiting.splice(0)) answer()
    })
    const client = boundedClient(clientOf(server.baseUrl), 2)
    await Promise.all([
      client.search(callOf(), 'Patient', []),
      client.read(callOf(), 'Patient', '1'),
      client.metadata(callOf(), []),
      client.page(callOf(), '?_getpages=x'),
    ])
    expect(most).toBe(2)
    expect(server.arrivals).toHaveLength(4)
    await client.close()
  })
})

describe('a merge', () => {
  const branchOf = (items: number[]) => {
    let at = 0
    return {
      peek: async () => items[at],
      take: () => {
        at += 1
      },
      position: () => (at < items.length ? String(at) : null),
    }
  }

  it('takes from all branches in order, and says where they stand after each item', async () => {
    const branches = [branchOf([1, 4]), branchOf([2, 3]), branchOf([])]
    const merged = await mergeBranches(branches, (a, b) => a - b, 3)
    expect(merged.items).toEqual([1, 2, 3])
    expect(merged.positions).toEqual([
      ['0', '0', null],
      ['1', '0', null],
      ['1', '1', null],
      ['1', null, null],
    ])
  })

  it('ends with its branches', async () => {
    const merged = await mergeBranches([branchOf([1])], (a, b) => a - b, 9)
    expect(merged.items).toEqual([1])
    expect(merged.positions.at(-1)).toEqual([null])
  })
})
