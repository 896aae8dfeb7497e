import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Principal } from '../access/principal.ts'
import { type FhirMcpError, isFhirMcpError } from '../errors.ts'

/** What is kept from when it was kept: a clock that was set back must not make anything last longer. */
interface Kept<T> {
  readonly value: T
  readonly from: number
  readonly until: number
}

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
 * tokens cannot push out good ones. What could not be asked (ISSUER_UNAVAILABLE, EXCHANGE_UNAVAILABLE) is not kept. A caller who goes away
 * leaves; the flight goes on for the others. `now` is in milliseconds. No token is ever held, only SHA-256 digests.
 */
export function createPrincipalCache(size: number, now: () => number): PrincipalCache {
  const principals = new LRUCache<string, Kept<Principal>>({ max: size })
  const refusals = new LRUCache<string, Kept<FhirMcpError>>({ max: size })
  const flights = new Map<string, Promise<Principal>>()

  function find<T extends object>(kept: LRUCache<string, Kept<T>>, key: string): T | undefined {
    const found = kept.get(key)
    if (found === undefined) return undefined
    const time = now()
    return time >= found.from && time < found.until ? found.value : undefined
  }

  async function fly(key: string, load: () => Promise<Identified>): Promise<Principal> {
    try {
      const from = now()
      const { principal, keepUntil } = await load()
      const until = keepUntil * 1000
      if (until > now()) principals.set(key, { value: principal, from, until })
      return principal
    } catch (error) {
      if (isFhirMcpError(error) && !couldNotAsk(error)) {
        const from = now()
        refusals.set(key, { value: error, from, until: from + refusalLifetime })
      }
      throw error
    } finally {
      flights.delete(key)
    }
  }

  return async (tokens, signal, load) => {
    signal.throwIfAborted()
    const key = hash('sha256', JSON.stringify(tokens), 'base64url')
    const known = find(principals, key)
    if (known !== undefined) return known
    const refused = find(refusals, key)
    if (refused !== undefined) throw refused
    const flight = flights.get(key) ?? fly(key, load)
    flights.set(key, flight)
    return waitFor(flight, signal)
  }
}

function couldNotAsk(error: FhirMcpError): boolean {
  return isFhirMcpError(error, 'ISSUER_UNAVAILABLE') || isFhirMcpError(error, 'EXCHANGE_UNAVAILABLE')
}

function waitFor<T>(flight: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason)
    signal.addEventListener('abort', leave, { once: true })
    flight.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave))
  })
}
