import rateLimit, { type FastifyRateLimitStore, normalizeIP } from '@fastify/rate-limit'
import Fastify, { type FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import { fhirMcpError } from '../src/errors.ts'
import { type Windows, windowLength } from '../src/limits/windows.ts'

/** Counts a request. Throws RATE_LIMITED, with the seconds until the window ends, when there were too many. */
export type Limiter = (request: FastifyRequest) => Promise<void>

/** What one limiter counts. */
export interface LimiterRule {
  /** Counts of one limiter are apart from those of others with the same windows. */
  readonly name: string
  /** Most requests in a window; 0: any number. */
  readonly max: number
  readonly keyOf: (request: FastifyRequest) => string
  readonly detail: string
}

/**
 * Makes limiters of `@fastify/rate-limit` that count in these windows. They are made on a Fastify of their own: on a gateway's,
 * a rate limit that is there already would take their place and their store, and its routes would be limited.
 */
export async function limitersOver(windows: Windows): Promise<(rule: LimiterRule) => Limiter> {
  const own = Fastify()
  await own.register(rateLimit, { global: false, store: storeOver(windows) })
  return ({ name, max, keyOf, detail }) => {
    if (max === 0) return async () => undefined
    const count = own.createRateLimit({
      max,
      timeWindow: windowLength,
      keyGenerator: (request) => `${name} ${keyOf(request)}`,
    })
    return async (request) => {
      const counted = await count(request)
      if (counted.isAllowed || !counted.isExceeded) return
      throw fhirMcpError('RATE_LIMITED', { detail, retryAfter: Math.max(1, counted.ttlInSeconds) })
    }
  }
}

const addresses = new LRUCache<string, string>({ max: 10_000 })

/**
 * The address that a request is counted under, as the gateway's `trustProxy` gives it: of IPv6 the network (/64), since every
 * one of its addresses is its owner's.
 */
export function addressKey({ ip }: { readonly ip: string | undefined }): string {
  // A socket that is a file has no address.
  if (ip === undefined) return 'none'
  const known = addresses.get(ip)
  if (known !== undefined) return known
  const key = normalizeIP(ip)
  addresses.set(ip, key)
  return key
}

function storeOver(windows: Windows) {
  return class implements FastifyRateLimitStore {
    incr(key: string, callback: Parameters<FastifyRateLimitStore['incr']>[1]): void {
      const counted = windows.add(key)
      if (counted instanceof Promise) counted.then((count) => callback(null, count), callback)
      else callback(null, counted)
    }

    child(): FastifyRateLimitStore {
      return this
    }
  }
}
