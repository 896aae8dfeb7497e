import { describe, expect, it } from 'vitest'
import { handedOn } from '../../src/exchange/handed-on.ts'

const tick = () => new Promise(setImmediate)

describe('what is handed on', () => {
  it('comes from all workers, each of which waits until it was taken', async () => {
    let given = 0
    const work = async (give: (n: number) => Promise<void>) => {
      const count = async (from: number) => {
        for (let n = from; n < from + 3; n += 1) {
          given += 1
          await give(n)
        }
      }
      await Promise.all([count(0), count(10)])
    }
    const taken: number[] = []
    for await (const n of handedOn(work)) {
      taken.push(n)
      await tick()
      // One that is being looked at, and one of the other worker that waits.
      expect(given).toBeLessThanOrEqual(taken.length + 1)
    }
    expect(taken.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 10, 11, 12])
  })

  it('ends with what the work threw, after what it gave', async () => {
    const taken: number[] = []
    const read = async () => {
      const work = async (give: (n: number) => Promise<void>) => {
        await give(1)
        throw new Error('broken')
      }
      for await (const n of handedOn(work)) taken.push(n)
    }
    await expect(read()).rejects.toThrow('broken')
    expect(taken).toEqual([1])
  })

  it('asks for nothing more once its reader has left', async () => {
    let given = 0
    const work = async (give: (n: number) => Promise<void>): Promise<void> => {
      for (;;) {
        given += 1
        await give(given)
      }
    }
    for await (const _ of handedOn(work)) break
    await tick()
    expect(given).toBe(1)
  })
})
