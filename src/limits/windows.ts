import { LRUCache } from 'lru-cache'

/** Length of the windows in which is counted, in milliseconds. */
export const windowLength = 60_000

/** What was counted under a name. */
export interface Count {
  readonly current: number
  /** Milliseconds until the count begins anew. */
  readonly ttl: number
}

/** Counts by name, each in fixed windows of `windowLength` that begin with the first count. */
export interface Windows {
  /** Counts one more. Never rejects. */
  add(name: string): Count | Promise<Count>
  close(): void
}

/** The same in the memory of this process. */
export interface MemoryWindows extends Windows {
  /** Counts so many more; one by default. */
  add(name: string, count?: number): Count
  /** What was counted so far. */
  peek(name: string): Count
}

interface Open {
  current: number
  readonly end: number
}

/** Counts `size` names at the most, the latest ones. `now` gives milliseconds since the epoch. */
export function createMemoryWindows(now: () => number, size = 50_000): MemoryWindows {
  const windows = new LRUCache<string, Open>({ max: size })

  function find(name: string, time: number): Open | undefined {
    const open = windows.get(name)
    // A clock that was set back must not make a window longer.
    return open !== undefined && open.end > time && open.end - time <= windowLength ? open : undefined
  }

  return {
    add(name, count = 1) {
      const time = now()
      const known = find(name, time)
      const open = known ?? { current: 0, end: time + windowLength }
      if (known === undefined) windows.set(name, open)
      open.current += count
      return { current: open.current, ttl: open.end - time }
    },
    peek(name) {
      const time = now()
      const open = find(name, time)
      return open === undefined ? { current: 0, ttl: 0 } : { current: open.current, ttl: open.end - time }
    },
    close: () => windows.clear(),
  }
}
