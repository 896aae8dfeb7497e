import { hash } from 'node:crypto'
import { type Count, type MemoryWindows, type Windows, windowLength } from './windows.ts'

/** What of a Redis client is used; one of `redis` (node-redis) is one. */
export interface RedisClient {
  sendCommand(command: string[]): Promise<unknown>
}

/** Says something to the operator. */
export type LimitsLog = (level: 'info' | 'warn', message: string) => void

/** What counting in Redis leans on. */
export interface RedisParts {
  readonly client: RedisClient
  /** What keys begin with. */
  readonly prefix: string
  /** What the Redis is called in the configuration. */
  readonly setting: string
  /** Counts while Redis does not answer. */
  readonly fallback: MemoryWindows
  readonly log: LimitsLog
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly onClose: () => void
}

/** Milliseconds that one answer may take; a count must not hold up what it is for. */
const patience = 500
/** Milliseconds without another attempt after a failed one. */
const pause = 1000

const counting = `local current = redis.call('INCR', KEYS[1])
local ttl = redis.call('PTTL', KEYS[1])
if ttl < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  ttl = tonumber(ARGV[1])
end
return {current, ttl}`

/**
 * Counts that several processes share. While Redis does not answer each process counts by itself, from zero: said once when it
 * begins and once when it ends. Names are kept as digests alone.
 */
export function createRedisWindows(parts: RedisParts): Windows {
  const { client, setting, fallback, log, now } = parts
  let gone = false
  let failedAt = Number.NEGATIVE_INFINITY

  async function count(name: string): Promise<Count> {
    const key = `${parts.prefix}${hash('sha256', name, 'base64url')}`
    const command = ['EVAL', counting, '1', key, String(windowLength)]
    const reply = await within(patience, client.sendCommand(command))
    const [current, ttl] = Array.isArray(reply) ? reply.map(Number) : []
    if (current === undefined || ttl === undefined || Number.isNaN(current + ttl)) {
      throw new TypeError('Redis answered with something else than a count')
    }
    return { current, ttl }
  }

  return {
    async add(name) {
      const since = now() - failedAt
      if (since >= 0 && since < pause) return fallback.add(name)
      try {
        const counted = await count(name)
        if (gone) log('info', `${setting} answers again: limits are counted there`)
        gone = false
        return counted
      } catch {
        if (!gone) log('warn', `${setting} does not answer: each process counts limits by itself meanwhile`)
        gone = true
        failedAt = now()
        return fallback.add(name)
      }
    },
    close() {
      fallback.close()
      parts.onClose()
    },
  }
}

function within<T>(milliseconds: number, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('Redis took too long')), milliseconds)
    answer.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
