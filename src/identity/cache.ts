import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Principal } from '../access/principal.ts'
import { type FhirMcpError, isFhirMcpError } from '../errors.ts'

/** A principal, and how long it may be kept, in seconds since the epoch. */
export interface Identified {
  readonly principal: Principal
  readonly keepUntil: number
}

/** Finds a principal by the digest of its token, or has it loaded: once for all who wait for it. */
export type PrincipalCache = (
  tokens: readonly string[],
  signal: AbortSignal,
  load: () => Promise<Identified>,
) => Promise<Principal>

const refusalLifetime = 5000

/**
 * Keeps up to `size` principals as long as each may be, and refusals for 5 seconds, apart from each other so that bad
 * tokens cannot push out good ones. What could not be asked (EXCHANGE_UNAVAILABLE) is not kept. A caller who goes away
 * leaves; the flight goes on for the others. `now` is in milliseconds. No token is ever held, only SHA-256 digests.
 */
export function createPrincipalCache(size: number, now: () => number): PrincipalCache {
  const principals = new LRUCache<string, Identified>({ max: size })
  const refusals = new LRUCache<string, { readonly error: FhirMcpError; readonly until: number }>({
    max: size,
  })
  const flights = new Map<string, Promise<Principal>>()

  async function fly(key: string, load: () => Promise<Identified>): Promise<Principal> {
    try {
      const identified = await load()
      if (identified.keepUntil * 1000 > now()) principals.set(key, identified)
      return identified.principal
    } catch (error) {
      if (isFhirMcpError(error) && !isFhirMcpError(error, 'EXCHANGE_UNAVAILABLE')) {
        refusals.set(key, { error, until: now() + refusalLifetime })
      }
      throw error
    } finally {
      flights.delete(key)
    }
  }

  return async (tokens, signal, load) => {
    signal.throwIfAborted()
    const key = hash('sha256', JSON.stringify(tokens), 'base64url')
    const known = principals.get(key)
    if (known !== undefined && now() < known.keepUntil * 1000) return known.principal
    const refused = refusals.get(key)
    if (refused !== undefined && now() < refused.until) throw refused.error
    const flight = flights.get(key) ?? fly(key, load)
    flights.set(key, flight)
    return waitFor(flight, signal)
  }
}

function waitFor<T>(flight: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason)
    signal.addEventListener('abort', leave, { once: true })
    flight.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave))
  })
}
