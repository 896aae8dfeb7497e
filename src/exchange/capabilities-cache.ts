import { createFlights } from '../flight.ts'
import type { ExchangeCall } from './exchange.ts'

/** What is known of an exchange, kept for a while for all callers. */
export interface CapabilitiesCache<T> {
  /** What is kept, or else what the exchange says now: one request serves all who wait for it. */
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

/** Keeps what `ask` finds out about an exchange. */
export function createCapabilitiesCache<T>(
  ask: (call: ExchangeCall) => Promise<T>,
  { ttl = 300_000, now }: CapabilitiesCacheOptions,
): CapabilitiesCache<T> {
  let kept: { readonly value: T; readonly at: number } | undefined
  const flights = createFlights<T>((_, value, at) => {
    kept = { value, at }
  }, now)
  return {
    known: () => kept?.value,
    async get(call) {
      call.signal.throwIfAborted()
      if (kept !== undefined && now() < kept.at + ttl) return kept.value
      return flights.join('capabilities', (signal) => ask({ ...call, signal }), call.signal)
    },
  }
}
