import type { FastifyRequest } from 'fastify'
import { addressKey, limitersOver } from '../../plugins/limiter.ts'
import type { WindowsSurroundings } from '../limits/open-windows.ts'
import { openWindows } from '../limits/open-windows.ts'
import type { BrokerAddress } from './address.ts'
import type { BrokerSettings } from './options.ts'

/** The limits of a broker: by address, since there is no principal before there is a token. */
export interface BrokerLimits {
  /** Counts a request of an address. Throws RATE_LIMITED. */
  count(request: FastifyRequest): Promise<void>
  close(): void
}

/** Opens the limits of a broker, in Redis where its storage is there. Throws CONFIG. */
export async function createBrokerLimits(
  { limits, storage }: Pick<BrokerSettings, 'limits' | 'storage'>,
  address: Pick<BrokerAddress, 'path'>,
  surroundings: WindowsSurroundings,
): Promise<BrokerLimits> {
  const { redis, prefix } = storage === 'memory' ? { redis: undefined, prefix: '' } : storage
  const windows = await openWindows(
    { redis, prefix: `${prefix}Limit:`, setting: 'storage.redis' },
    surroundings,
  )
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
