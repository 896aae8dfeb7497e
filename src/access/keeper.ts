import { LRUCache } from 'lru-cache'
import { createFlights, type Read } from '../flight.ts'

/** Something that was read, and when the reading began; without a value once it was dropped. */
export interface Kept<T> {
  readonly at: number
  value: T | undefined
}

/** A bounded cache with one flight per name. */
export interface Keeper<T> {
  /** Changes whenever something is kept or dropped. */
  version(): number
  /** How many are kept, and the sum of what they count for. */
  holds(): { readonly entries: number; readonly size: number }
  /** What is kept under a name and has not expired. */
  find(name: string): Kept<T> | undefined
  /** What is kept, or else is read and kept. `fresh`: what is kept is dropped first. */
  get(name: string, read: Read<T>, signal: AbortSignal, fresh?: boolean): Promise<T>
}

export interface KeeperOptions {
  /** How long something is kept, in seconds. */
  readonly seconds: number
  /** The sum of sizes that is kept; what was used longest ago goes first. */
  readonly size: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Makes a cache. `sizeOf` says what something counts for. */
export function createKeeper<T extends object>(
  { seconds, size, now }: KeeperOptions,
  sizeOf: (value: T) => number,
): Keeper<T> {
  let version = 0
  const kept = new LRUCache<string, Kept<T> & { readonly counts: number }>({
    maxSize: size,
    sizeCalculation: ({ counts }) => counts,
    dispose: (dropped) => {
      version += 1
      dropped.value = undefined
    },
  })
  const flights = createFlights<T>((name, value, at) => {
    version += 1
    kept.set(name, { value, at, counts: sizeOf(value) })
  }, now)

  function find(name: string): Kept<T> | undefined {
    const found = kept.get(name)
    if (found === undefined) return undefined
    const age = now() - found.at
    // A clock that was set back must not make anything last longer.
    return age >= 0 && age < seconds * 1000 ? found : undefined
  }

  return {
    version: () => version,
    holds: () => ({ entries: kept.size, size: kept.calculatedSize }),
    find,
    get: async (name, read, signal, fresh = false) => {
      const found = fresh ? undefined : find(name)?.value
      if (found !== undefined) return found
      kept.delete(name)
      return flights.join(name, read, signal, fresh)
    },
  }
}
