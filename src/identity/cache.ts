import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Principal } from '../access/principal.ts'
import { type FhirMcpError, isFhirMcpError } from '../errors.ts'
import type { IssuerKeys } from './jwks.ts'

/** What is kept from when it was kept: a clock that was set back must not make anything last longer. */
interface Kept<T> {
  readonly value: T
  readonly from: number
  readonly until: number
}

/** A principal that is kept. */
interface KeptPrincipal extends Kept<Principal> {
  /** When it is looked at again, in milliseconds since the epoch, and with which version of the issuer's keys it was made. */
  readonly lookAgainAt: number
  readonly version: number
}

/** A principal, and how long it may be kept, in seconds since the epoch. */
export interface Identified {
  readonly principal: Principal
  readonly keepUntil: number
  /** Whether a signature vouches for it. */
  readonly signed: boolean
}

/** Finds a principal by the digest of its token, or has it loaded: once for all who wait for it. */
export type PrincipalCache = (
  tokens: readonly string[],
  signal: AbortSignal,
  load: () => Promise<Identified>,
) => Promise<Principal>

const refusalLifetime = 5000
/** What is known goes on that much longer while the issuer cannot be asked. */
const lookAgainLater = 60_000

/**
 * Keeps up to `size` principals as long as each may be, and refusals for 5 seconds, apart from each other so that bad
 * tokens cannot push out good ones. A principal by a signature is looked at again when the issuer's keys are older than they
 * may be, and when they have changed, so that a key that was removed opens nothing any more; while the issuer cannot be asked
 * it goes on. What could not be asked (ISSUER_UNAVAILABLE, EXCHANGE_UNAVAILABLE) is not kept. A caller who goes away
 * leaves; the flight goes on for the others. `now` is in milliseconds. No token is ever held, only SHA-256 digests.
 */
export function createPrincipalCache(
  size: number,
  keys: Pick<IssuerKeys, 'until' | 'version'>,
  now: () => number,
): PrincipalCache {
  const principals = new LRUCache<string, KeptPrincipal>({ max: size })
  const refusals = new LRUCache<string, Kept<FhirMcpError>>({ max: size })
  const flights = new Map<string, Promise<Principal>>()

  function find<T extends Kept<object>>(kept: LRUCache<string, T>, key: string): T | undefined {
    const found = kept.get(key)
    const time = now()
    return found !== undefined && time >= found.from && time < found.until ? found : undefined
  }

  function isDue({ lookAgainAt, version }: KeptPrincipal): boolean {
    return now() >= lookAgainAt || (lookAgainAt < Infinity && version !== keys.version())
  }

  async function fly(
    key: string,
    load: () => Promise<Identified>,
    earlier: KeptPrincipal | undefined,
  ): Promise<Principal> {
    // From before: keys that change while it is loaded have it looked at again.
    const version = keys.version()
    try {
      const from = now()
      const { principal, keepUntil, signed } = await load()
      const until = keepUntil * 1000
      const lookAgainAt = signed ? keys.until() : Infinity
      if (until > now()) principals.set(key, { value: principal, from, until, lookAgainAt, version })
      return principal
    } catch (error) {
      if (earlier !== undefined && couldNotAsk(error)) {
        principals.set(key, { ...earlier, lookAgainAt: now() + lookAgainLater, version })
        return earlier.value
      }
      if (isFhirMcpError(error) && !couldNotAsk(error)) {
        const from = now()
        principals.delete(key)
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
    if (known !== undefined && !isDue(known)) return known.value
    const refused = find(refusals, key)
    if (refused !== undefined) throw refused.value
    const flight = flights.get(key) ?? fly(key, load, known)
    flights.set(key, flight)
    return waitFor(flight, signal)
  }
}

function couldNotAsk(error: unknown): boolean {
  return isFhirMcpError(error, 'ISSUER_UNAVAILABLE') || isFhirMcpError(error, 'EXCHANGE_UNAVAILABLE')
}

function waitFor<T>(flight: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason)
    signal.addEventListener('abort', leave, { once: true })
    flight.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave))
  })
}
