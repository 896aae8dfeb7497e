import { setTimeout as wait } from 'node:timers/promises'
import { fhirMcpError } from '../errors.ts'
import type { RedisClient } from './redis-windows.ts'

/** A connection that is made, and made again, in the background. */
export interface RedisConnection {
  readonly client: RedisClient
  close(): void
}

/** Longest wait for the first connection, in milliseconds. */
const patience = 1000

/**
 * Connects to Redis by its URL. Where that does not answer it is tried again in the background: what limits must never do is
 * to keep a service from starting. Throws CONFIG when the package `redis` is not installed.
 */
export async function connectRedis(url: string, setting: string): Promise<RedisConnection> {
  const { createClient } = await import('redis').catch(() => {
    throw fhirMcpError('CONFIG', { detail: `${setting} as a URL needs the package redis.` })
  })
  const client = createClient({
    url,
    // What cannot be counted now is counted elsewhere, not kept waiting.
    disableOfflineQueue: true,
    socket: { connectTimeout: 5000, reconnectStrategy: (retries) => Math.min(retries * 50, 1000) },
  })
  // Without a listener a lost connection would end the process; commands reject by themselves.
  client.on('error', () => undefined)
  const connected = client.connect().catch(() => undefined)
  await Promise.race([connected, wait(patience, undefined, { ref: false })])
  return {
    client: { sendCommand: (command) => client.sendCommand(command) },
    close: () => client.destroy(),
  }
}
