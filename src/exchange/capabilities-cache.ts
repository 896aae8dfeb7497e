import type { ExchangeCall } from './exchange.ts'

/** What is known of an exchange, kept for a while for all callers. */
export interface CapabilitiesCache<T> {
  /** What is kept, or else what the exchange says now. */
  get(call: ExchangeCall): Promise<T>
  /** What the exchange said last, however long ago; undefined before it was asked. */
  known(): T | undefined
}

export interface CapabilitiesCacheOptions {
  /** How long an answer is kept, in milliseconds; 5 minutes by default. */
  readonly ttl?: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

interface Flight<T> {
  readonly result: Promise<T>
  readonly end: AbortController
  waiting: number
}

/**
 * Keeps what `ask` finds out about an exchange. One request serves all who wait for it: it ends early only when none of them
 * is left, and where it fails the others try once more, because it may have failed for the first caller's credential alone.
 */
export function createCapabilitiesCache<T>(
  ask: (call: ExchangeCall) => Promise<T>,
  { ttl = 300_000, now }: CapabilitiesCacheOptions,
): CapabilitiesCache<T> {
  let kept: { readonly value: T; readonly until: number } | undefined
  let flight: Flight<T> | undefined

  function start(call: ExchangeCall): Flight<T> {
    const end = new AbortController()
    const until = now() + ttl
    const result = ask({ ...call, signal: end.signal })
    const started: Flight<T> = { result, end, waiting: 0 }
    const land = () => {
      if (flight === started) flight = undefined
    }
    result.then((value) => {
      kept = { value, until }
      land()
    }, land)
    flight = started
    return started
  }

  async function join(shared: Flight<T>, signal: AbortSignal): Promise<T> {
    shared.waiting += 1
    const { promise: gone, stop } = whenAborted(signal)
    try {
      return await Promise.race([shared.result, gone])
    } finally {
      stop()
      shared.waiting -= 1
      if (shared.waiting === 0) {
        if (flight === shared) flight = undefined
        shared.end.abort()
      }
    }
  }

  return {
    known: () => kept?.value,
    async get(call) {
      call.signal.throwIfAborted()
      if (kept !== undefined && now() < kept.until) return kept.value
      const shared = flight
      if (shared === undefined) return join(start(call), call.signal)
      try {
        return await join(shared, call.signal)
      } catch (thrown) {
        if (call.signal.aborted) throw thrown
        return join(flight ?? start(call), call.signal)
      }
    },
  }
}

function whenAborted(signal: AbortSignal): { promise: Promise<never>; stop: () => void } {
  const done = new AbortController()
  const promise = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true, signal: done.signal })
  })
  return { promise, stop: () => done.abort() }
}
