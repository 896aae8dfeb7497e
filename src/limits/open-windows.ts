import { connectRedis } from './connect-redis.ts'
import { createRedisWindows, type LimitsLog, type RedisClient } from './redis-windows.ts'
import { createMemoryWindows, type Windows } from './windows.ts'

/** Where counts are kept. */
export interface WindowsPlace {
  /** URL of a Redis or a connected client; undefined: in the memory of this process. */
  readonly redis: string | RedisClient | undefined
  /** What the keys in that Redis begin with. */
  readonly prefix: string
  /** What `redis` is called in the configuration. */
  readonly setting: string
}

/** What windows take from the process that they run in. */
export interface WindowsSurroundings {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly log: LimitsLog
}

/** Opens the windows of a configuration. Throws CONFIG for a URL without the package `redis`. */
export async function openWindows(place: WindowsPlace, { now, log }: WindowsSurroundings): Promise<Windows> {
  const { redis, prefix, setting } = place
  const fallback = createMemoryWindows(now)
  if (redis === undefined) return fallback
  const parts = { prefix, setting, fallback, log, now }
  if (typeof redis !== 'string')
    return createRedisWindows({ ...parts, client: redis, onClose: () => undefined })
  const { client, close } = await connectRedis(redis, setting)
  return createRedisWindows({ ...parts, client, onClose: close })
}
