import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ExchangeCall } from '../../src/exchange/exchange.ts'
import { withinTime } from '../../src/exchange/within-time.ts'
import { callOf } from './loopback.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A question that is answered when it is told to, and ends with its signal. */
function question() {
  let answer: (text: string) => void = () => undefined
  let sent: () => void = () => undefined
  const ask = ({ signal, onRequest }: ExchangeCall) =>
    new Promise<string>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('ended')))
      answer = resolve
      sent = () => onRequest?.()
    })
  return { ask, answer: () => answer('yes'), sent: () => sent() }
}

describe('a question with a time of its own', () => {
  it('ends with EXCHANGE_TIMEOUT so long after it was sent, and counts its request', async () => {
    const { ask, sent } = question()
    const call = callOf()
    const asked = withinTime(call, 3000, ask)
    sent()
    vi.advanceTimersByTime(3000)
    await expect(asked).rejects.toMatchObject({ code: 'FHIR_MCP_EXCHANGE_TIMEOUT' })
    expect(call.requests()).toBe(1)
  })

  it('is answered where it waited for a connection, or was sent once more', async () => {
    const { ask, answer, sent } = question()
    const asked = withinTime(callOf(), 3000, ask)
    vi.advanceTimersByTime(60_000)
    sent()
    vi.advanceTimersByTime(2999)
    sent()
    vi.advanceTimersByTime(2999)
    answer()
    expect(await asked).toBe('yes')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('ends with the reason of its caller, and with its own error', async () => {
    const end = new AbortController()
    const { ask } = question()
    const asked = withinTime(callOf(undefined, end.signal), 3000, ask)
    end.abort(new Error('gone'))
    await expect(asked).rejects.toThrow('gone')
    await expect(withinTime(callOf(undefined, end.signal), 3000, ask)).rejects.toThrow('gone')
    const failing = withinTime(callOf(), 3000, () => Promise.reject(new Error('broken')))
    await expect(failing).rejects.toThrow('broken')
  })
})
