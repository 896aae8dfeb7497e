import { LRUCache } from 'lru-cache'
import { createQueue } from './queue.ts'
import type { Area, Storage } from './storage.ts'

interface Entry {
  readonly value: string
  /** Milliseconds since the epoch. */
  readonly until: number
}

/** How many entries an area may have. */
export interface MemorySizes {
  /** Of what lasts minutes, and anybody can begin. */
  readonly passing: number
  /** Of what lasts as long as sign-ins. */
  readonly lasting: number
}

const lasting: readonly Area[] = ['Client', 'Consent', 'Grant', 'Holding', 'RefreshToken']

/**
 * Storage of one process: gone when it ends. Each area is bounded, and the longest unused gives way. `now` is in milliseconds
 * since the epoch.
 */
export function createMemoryStorage(sizes: MemorySizes, now: () => number): Storage {
  const areas = new Map<Area, LRUCache<string, Entry>>()
  const queue = createQueue()

  function areaOf(area: Area): LRUCache<string, Entry> {
    const known = areas.get(area)
    if (known !== undefined) return known
    const fresh = new LRUCache<string, Entry>({ max: sizes[lasting.includes(area) ? 'lasting' : 'passing'] })
    areas.set(area, fresh)
    return fresh
  }

  function live(area: Area, id: string): string | undefined {
    const entry = areaOf(area).get(id)
    if (entry === undefined) return undefined
    if (entry.until > now()) return entry.value
    areaOf(area).delete(id)
    return undefined
  }

  function put(area: Area, id: string, value: string, seconds: number): void {
    areaOf(area).set(id, { value, until: now() + seconds * 1000 })
  }

  function dropExpired(area: Area): void {
    for (const [id, { until }] of areaOf(area).entries()) if (until <= now()) areaOf(area).delete(id)
  }

  return {
    async get(area, id) {
      return live(area, id)
    },
    async set(area, id, value, seconds) {
      put(area, id, value, seconds)
    },
    async take(area, id) {
      const value = live(area, id)
      areaOf(area).delete(id)
      return value
    },
    async remove(area, id) {
      areaOf(area).delete(id)
    },
    async claim(area, id, seconds) {
      if (live(area, id) !== undefined) return false
      put(area, id, '', seconds)
      return true
    },
    async admit(area, id, value, seconds, limit) {
      dropExpired(area)
      if (!areaOf(area).has(id) && areaOf(area).size >= limit) return false
      put(area, id, value, seconds)
      return true
    },
    alone: queue,
    async close() {
      areas.clear()
    },
  }
}
