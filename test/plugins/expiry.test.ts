import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { atExpiry } from '../../plugins/expiry.ts'

describe('the wait for an expiry', () => {
  beforeEach(() => void vi.useFakeTimers({ now: 1_000_000_000 }))
  afterEach(() => void vi.useRealTimers())
  const now = () => Date.now()

  it('ends at the second, once', () => {
    const run = vi.fn()
    atExpiry(1_000_010, now, run)
    vi.advanceTimersByTime(9_999)
    expect(run).not.toHaveBeenCalled()
    vi.advanceTimersByTime(100_000)
    expect(run).toHaveBeenCalledOnce()
  })

  it('is made in steps where it is longer than a timer can hold', () => {
    const run = vi.fn()
    atExpiry(1_000_000 + 60 * 86_400, now, run)
    vi.advanceTimersByTime(60 * 86_400_000 - 1)
    expect(run).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(run).toHaveBeenCalledOnce()
  })

  it('is over at once for a time that has passed, and can be called off', () => {
    const run = vi.fn()
    atExpiry(1, now, run)
    vi.advanceTimersByTime(0)
    expect(run).toHaveBeenCalledOnce()
    atExpiry(1_000_100, now, run)()
    vi.advanceTimersByTime(1_000_000)
    expect(run).toHaveBeenCalledOnce()
  })
})
