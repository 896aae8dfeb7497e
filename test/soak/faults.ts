import { setTimeout as wait } from 'node:timers/promises'
import type { Fault } from '../../src/test-kit/fault.ts'

/** How often each kind was injected. */
export type Injected = Map<string, number>

/**
 * Two requests in ten meet a fault, by a fixed row, so that a run can be repeated: broken connections, half answers, server
 * errors, a limit of the exchange, answers that come late or too late.
 */
export function faultRow(injected: Injected): () => Fault | undefined {
  const row: readonly (readonly [string, () => Fault])[] = [
    ['reset', () => ({ kind: 'reset' })],
    ['500', () => ({ kind: 'status', status: 500 })],
    ['slow (50 ms)', () => ({ kind: 'hold', until: wait(50) })],
    ['503', () => ({ kind: 'status', status: 503, retryAfter: '0' })],
    ['429', () => ({ kind: 'status', status: 429, retryAfter: '30' })],
    ['half an answer', () => ({ kind: 'cut' })],
    ['slow (50 ms)', () => ({ kind: 'hold', until: wait(50) })],
    ['too slow (9 s)', () => ({ kind: 'hold', until: wait(9000) })],
  ]
  let nth = 0
  return () => {
    nth += 1
    if (nth % 5 !== 0) return undefined
    // Answers that are too slow hold connections, so there are fewer of them.
    const at = row[(nth / 5) % row.length]
    if (at === undefined || (at[0].startsWith('too slow') && nth % 400 !== 35)) return undefined
    injected.set(at[0], (injected.get(at[0]) ?? 0) + 1)
    return at[1]()
  }
}
