import { brokerName, variableOf } from '../config/env.ts'
import { type Finding, fail, ok, skipped } from './finding.ts'
import type { Probes } from './probes.ts'

/** The longest wait for a connection, in milliseconds. */
const patience = 5000

/** Whether the Redis of the broker and that of the limits answer, where they are configured. */
export async function checkRedis({ broker, options }: Probes): Promise<Finding> {
  const storage = broker?.storage
  const configured: (readonly [string, string])[] = []
  if (typeof storage === 'object' && typeof storage.redis === 'string') {
    configured.push([brokerName(['storage', 'redis']), storage.redis])
  }
  if (typeof options.limits.redis === 'string') {
    configured.push([variableOf(['limits', 'redis']), options.limits.redis])
  }
  if (configured.length === 0)
    return skipped('None is configured: sign-ins and limits are those of one process.')
  const { createClient } = await import('redis').catch(() => ({ createClient: undefined }))
  if (createClient === undefined) {
    return fail('The package redis is not installed.', 'Install it: npm install redis.')
  }
  const silent: string[] = []
  for (const [variable, url] of configured) {
    const client = createClient({ url, socket: { connectTimeout: patience, reconnectStrategy: false } })
    // What went wrong is in the rejection; it may name the URL, which holds a password.
    client.on('error', () => undefined)
    try {
      await client.connect()
      await client.withAbortSignal(AbortSignal.timeout(patience)).ping()
    } catch {
      silent.push(variable)
    }
    if (client.isOpen) client.destroy()
  }
  if (silent.length === 0) return ok('It answers.')
  return fail(
    `What ${silent.join(' and ')} names does not answer.`,
    'Start it, or correct host, port, user and password in the URL; rediss:// is with TLS.',
  )
}
