import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { fhirMcpError } from '../errors.ts'
import { createQueue } from './queue.ts'
import type { Area, Storage } from './storage.ts'

/** What of a Redis client is used; one of `redis` (node-redis) is one. */
export interface RedisClient {
  sendCommand(command: string[]): Promise<unknown>
}

/** Milliseconds after which the lock of a process that died is free; a living one renews its own until its work is done. */
const lockLife = 10_000
/** Milliseconds that one waits for the work of others. */
const lockPatience = 60_000
const lockPause = 40

const renewal =
  "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0"
const release = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"

/** KEYS: index, entry. ARGV: id, value, seconds, limit. Redis's own clock, so that processes agree. */
const admission = `local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) then return 0 end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), ARGV[1])
redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
return 1`

/**
 * Storage of several processes, under keys that begin with `prefix`. `close` ends what `onClose` ends; `life` is the one of a
 * lock, in milliseconds. While Redis does not answer everything throws STORAGE_UNAVAILABLE.
 */
export function createRedisStorage(
  redis: RedisClient,
  prefix: string,
  onClose: () => Promise<void>,
  life = lockLife,
): Storage {
  const client: RedisClient = {
    sendCommand: (command) =>
      redis.sendCommand(command).catch(() => {
        throw fhirMcpError('STORAGE_UNAVAILABLE', { detail: 'What keeps sign-ins does not answer.' })
      }),
  }
  const queue = createQueue()
  const keyOf = (area: Area | 'Lock' | 'Index', id: string) => `${prefix}${area}:${id}`
  const lifeOf = (seconds: number) => String(Math.max(1, Math.ceil(seconds)))

  async function text(...command: string[]): Promise<string | undefined> {
    const reply = await client.sendCommand(command)
    return typeof reply === 'string' ? reply : undefined
  }

  async function locked<T>(name: string, work: () => Promise<T>): Promise<T> {
    const [key, mine] = [keyOf('Lock', name), randomUUID()]
    const end = Date.now() + lockPatience
    while ((await text('SET', key, mine, 'NX', 'PX', String(life))) === undefined) {
      if (Date.now() > end) {
        throw fhirMcpError('STORAGE_UNAVAILABLE', {
          detail: 'Another refresh of this sign-in is under way.',
        })
      }
      await wait(lockPause)
    }
    const renew = () => client.sendCommand(['EVAL', renewal, '1', key, mine, String(life)])
    // What cannot be renewed now is tried again; without Redis the work can keep nothing anyway.
    const renewing = setInterval(() => void renew().catch(() => undefined), life / 3)
    try {
      return await work()
    } finally {
      clearInterval(renewing)
      await client.sendCommand(['EVAL', release, '1', key, mine])
    }
  }

  return {
    get: (area, id) => text('GET', keyOf(area, id)),
    async set(area, id, value, seconds) {
      await client.sendCommand(['SET', keyOf(area, id), value, 'EX', lifeOf(seconds)])
    },
    take: (area, id) => text('GETDEL', keyOf(area, id)),
    async remove(area, id) {
      await client.sendCommand(['DEL', keyOf(area, id)])
    },
    async claim(area, id, seconds) {
      return (await text('SET', keyOf(area, id), '1', 'NX', 'EX', lifeOf(seconds))) !== undefined
    },
    async admit(area, id, value, seconds, limit) {
      const keys = [keyOf('Index', area), keyOf(area, id)]
      const command = ['EVAL', admission, '2', ...keys, id, value, lifeOf(seconds), String(limit)]
      return Number(await client.sendCommand(command)) === 1
    },
    // Whoever is of this process waits here, so that Redis is asked by one of each process.
    alone: (name, work) => queue(name, () => locked(name, work)),
    close: onClose,
  }
}

/** A connection to Redis. */
export interface RedisConnection {
  readonly client: RedisClient
  close(): Promise<void>
}

/** Connects to Redis by its URL. Throws CONFIG when the package `redis` is not installed or nobody answers. */
export async function connectRedis(url: string): Promise<RedisConnection> {
  const { createClient } = await import('redis').catch(() => {
    throw fhirMcpError('CONFIG', { detail: 'storage.redis as a URL needs the package redis.' })
  })
  let connected = false
  const client = createClient({
    url,
    // What cannot be asked now is refused, not kept waiting.
    disableOfflineQueue: true,
    socket: {
      connectTimeout: 5000,
      reconnectStrategy: (retries) => (connected ? Math.min(retries * 50, 1000) : false),
    },
  })
  // Without a listener a lost connection would end the process; commands reject by themselves.
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.ping()
    connected = true
  } catch {
    if (client.isOpen) client.destroy()
    throw fhirMcpError('CONFIG', { detail: 'storage.redis does not answer.' })
  }
  return {
    client: { sendCommand: (command) => client.sendCommand(command) },
    async close() {
      await client.close()
    },
  }
}
