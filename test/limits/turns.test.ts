import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createTurns } from '../../src/limits/turns.ts'

const { signal } = new AbortController()
const limited = { code: 'FHIR_MCP_RATE_LIMITED', retryAfter: 5 }

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

describe('turns', () => {
  it('let so many in, have so many wait in their order, and send the rest away', async () => {
    const turns = createTurns({ atOnce: 2, waiting: 2, patience: 1000 })
    const order: number[] = []
    const [first, second] = [await turns.enter('a', signal), await turns.enter('a', signal)]
    const third = turns.enter('a', signal).then(() => order.push(3))
    const fourth = turns.enter('a', signal).then(() => order.push(4))
    await expect(turns.enter('a', signal)).rejects.toMatchObject(limited)
    expect(order).toEqual([])
    first()
    first()
    await third
    expect(order).toEqual([3])
    second()
    await fourth
    expect(order).toEqual([3, 4])
  })

  it('are apart for each name', async () => {
    const turns = createTurns({ atOnce: 1, waiting: 0, patience: 1000 })
    await turns.enter('a', signal)
    await expect(turns.enter('a', signal)).rejects.toMatchObject(limited)
    expect(await turns.enter('b', signal)).toBeTypeOf('function')
  })

  it('are given up after the longest wait, and leave room for others', async () => {
    const turns = createTurns({ atOnce: 1, waiting: 1, patience: 1000 })
    const leave = await turns.enter('a', signal)
    const waiting = expect(turns.enter('a', signal)).rejects.toMatchObject(limited)
    await vi.advanceTimersByTimeAsync(1000)
    await waiting
    const next = turns.enter('a', signal)
    leave()
    expect(await next).toBeTypeOf('function')
  })

  it('are given up with the signal, before and while they wait', async () => {
    const turns = createTurns({ atOnce: 1, waiting: 5, patience: Infinity })
    const leave = await turns.enter('a', signal)
    const gone = new AbortController()
    const waiting = expect(turns.enter('a', gone.signal)).rejects.toThrow('gone')
    gone.abort(new Error('gone'))
    await waiting
    await expect(turns.enter('b', gone.signal)).rejects.toThrow('gone')
    leave()
    const again = await turns.enter('a', signal)
    again()
    expect(vi.getTimerCount()).toBe(0)
  })
})
