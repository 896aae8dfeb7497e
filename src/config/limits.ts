import { z } from 'zod'
import type { RedisClient } from '../limits/redis-windows.ts'
import { milliseconds, perMinute } from './fields.ts'

/** Where counts are kept that several processes share: a URL, or a client of the package `redis`. */
export const limitsRedis = z
  .union([
    z.string().regex(/^rediss?:\/\//),
    z.custom<RedisClient>(
      (value) =>
        typeof value === 'object' &&
        value !== null &&
        'sendCommand' in value &&
        typeof value.sendCommand === 'function',
      'must be a redis:// URL or a connected client of the package redis',
    ),
  ])
  .optional()

const pressureSchema = z
  .object({
    eventLoopDelay: z
      .number()
      .nonnegative()
      .default(500)
      .describe(
        'Mean delay of the event loop over a second beyond which requests are refused, in milliseconds; 0: any',
      ),
    heapUsed: z
      .number()
      .min(0)
      .max(1)
      .default(0.9)
      .describe("Share of Node.js's heap limit beyond which requests are refused; 0: any"),
    eventLoopUtilization: z
      .number()
      .min(0)
      .max(1)
      .default(0)
      .describe('Share of the time that the event loop may be busy; 0: any'),
  })
  .prefault({})

export const limitsSchema = z
  .object({
    callsPerPrincipal: perMinute(300, 'Calls of one person (issuer and subject), whatever their clients,'),
    messagesPerPrincipal: perMinute(
      1200,
      'Messages of one person (issuer and subject) of any kind, each of a batch by itself,',
    ),
    requestsPerAddress: perMinute(6000, 'Requests from one address'),
    refusedTokensPerAddress: perMinute(
      100,
      'Different tokens from one address that are not accepted, beyond which few new opaque ones from there are asked about,',
    ),
    callsAtOnce: z
      .number()
      .int()
      .min(1)
      .default(8)
      .describe('Calls of one person that are under way at the same time'),
    callsWaiting: z
      .number()
      .int()
      .nonnegative()
      .default(16)
      .describe('Calls of one person that wait for one of those to end; further ones are refused'),
    patience: milliseconds(5000, 'Longest such wait'),
    redis: limitsRedis.describe(
      'URL of the Redis in which is counted, for several processes; without it each counts in its memory',
    ),
    prefix: z.string().default('fhir-mcp:limits:').describe('What the keys in that Redis begin with'),
    pressure: pressureSchema,
  })
  .prefault({})

export type LimitsOptions = z.output<typeof limitsSchema>
