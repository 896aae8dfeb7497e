import type { FastifyRequest } from 'fastify'
import { addressKey, limitersOver } from '../../plugins/limiter.ts'
import type { WindowsSurroundings } from '../limits/open-windows.ts'
import { openWindows } from '../limits/open-windows.ts'
import type { BrokerAddress } from './address.ts'
import type { BrokerSettings } from './options.ts'
import type { RedisClient } from './storage-redis.ts'

/** The limits of a broker: by address, since there is no principal before there is a token. */
export interface BrokerLimits {
  /** Counts a request of an address. Throws RATE_LIMITED. */
  count(request: FastifyRequest): Promise<void>
  close(): void
}

/** Where a broker counts. */
export interface BrokerLimitsPlace extends WindowsSurroundings {
  /** The Redis of its storage; undefined: in memory. */
  readonly redis: RedisClient | undefined
  readonly prefix: string
}

/** Opens the limits of a broker. */
export async function createBrokerLimits(
  limits: BrokerSettings['limits'],
  address: Pick<BrokerAddress, 'path'>,
  { redis, prefix, now, log }: BrokerLimitsPlace,
): Promise<BrokerLimits> {
  const place = { redis, prefix: `${prefix}Limit:`, setting: 'storage.redis' }
  const windows = await openWindows(place, { now, log })
  const limiter = await limitersOver(windows)
  const keyOf = addressKey
  const detail = 'This address has sent too many.'
  const requests = limiter({ name: 'broker', max: limits.requestsPerAddress, keyOf, detail })
  const registrations = limiter({ name: 'register', max: limits.registrationsPerAddress, keyOf, detail })
  // oidc-provider takes other cases and a slash at the end as well.
  const registering = `${address.path}/register`.toLowerCase()
  return {
    async count(request) {
      const path = request.url.toLowerCase()
      if (!path.startsWith(`${address.path.toLowerCase()}/`)) return
      if (request.method === 'POST' && path.startsWith(registering)) await registrations(request)
      await requests(request)
    },
    close: () => windows.close(),
  }
}
