import { LRUCache } from 'lru-cache'
import { createFlights, type Read } from '../../flight.ts'
import type { IssuedToken } from './token-endpoint.ts'

/** Tokens for the exchange, kept until shortly before they expire. */
export interface KeptTokens {
  /**
   * The Authorization header by the token of that name: what is kept, or else what `read` gets, once for all who wait. With
   * `refused`, a header that the exchange did not take, that token is dropped.
   */
  authorization(
    name: string,
    read: Read<IssuedToken>,
    signal: AbortSignal,
    refused: string | undefined,
  ): Promise<string>
}

/** How long before its end a token is not used any more, in seconds; for a short life, half of it. */
const margin = 30
const maxTokens = 10_000
const maxCharacters = 16_777_216

/** Keeps the tokens that were used last. `now` is in milliseconds since the epoch. */
export function createKeptTokens(now: () => number): KeptTokens {
  const kept = new LRUCache<string, { readonly header: string; readonly until: number }>({
    max: maxTokens,
    maxSize: maxCharacters,
    sizeCalculation: ({ header }) => header.length,
  })
  const flights = createFlights<IssuedToken>((name, { token, lifetime }, began) => {
    const usable = Math.max(lifetime - margin, lifetime / 2)
    kept.set(name, { header: headerOf(token), until: began + usable * 1000 })
  }, now)
  return {
    async authorization(name, read, signal, refused) {
      const found = kept.get(name)
      if (found !== undefined && found.header !== refused && now() < found.until) return found.header
      kept.delete(name)
      return headerOf((await flights.join(name, read, signal)).token)
    },
  }
}

function headerOf(token: string): string {
  return `Bearer ${token}`
}
