import type { FastifyBaseLogger } from 'fastify'
import type { Options } from '../src/config/options.ts'
import { fhirMcpError } from '../src/errors.ts'
import { tooManyCalls } from '../src/limits/count-calls.ts'
import { openWindows } from '../src/limits/open-windows.ts'
import { personKey } from '../src/limits/person-key.ts'
import { createTurns, type Turns } from '../src/limits/turns.ts'
import { createMemoryWindows } from '../src/limits/windows.ts'
import { bearerOfRequest } from './bearer-of-request.ts'
import { addressKey, type Limiter, limitersOver } from './limiter.ts'
import type { CountMessages } from './messages.ts'
import { createRefusedTokens, type RefusedTokens } from './refused-tokens.ts'

/** The limits of one registration. */
export interface Limits {
  /** Counts a request of an address, before anything is known of its token. Throws RATE_LIMITED. */
  readonly countRequest: Limiter
  /** Counts a call of the person whose request this is. Throws RATE_LIMITED. */
  readonly countCall: Limiter
  /** Counts the messages of a body, whatever they ask for. Throws RATE_LIMITED. */
  readonly countMessages: CountMessages
  readonly refusedTokens: RefusedTokens
  readonly turns: Turns
  close(): void
}

/** Opens the limits that the options ask for. Throws CONFIG. */
export async function createLimits(
  { limits, path }: Pick<Options, 'limits' | 'path'>,
  now: () => number,
  log: FastifyBaseLogger,
): Promise<Limits> {
  const { redis, prefix, callsAtOnce, callsWaiting, patience } = limits
  const windows = await openWindows(
    { redis, prefix, setting: 'limits.redis' },
    { now, log: (level, message) => log[level](message) },
  )
  const limiter = await limitersOver(windows)
  return {
    countRequest: limiter({
      name: `${path} address`,
      max: limits.requestsPerAddress,
      keyOf: addressKey,
      detail: 'This address has sent too many.',
    }),
    countCall: limiter({
      name: `${path} principal`,
      max: limits.callsPerPrincipal,
      keyOf: (request) => personKey(bearerOfRequest(request).principal),
      detail: tooManyCalls(limits.callsPerPrincipal),
    }),
    countMessages: createMessageCount(limits.messagesPerPrincipal, now),
    refusedTokens: createRefusedTokens(limits.refusedTokensPerAddress, now),
    turns: createTurns({ atOnce: callsAtOnce, waiting: callsWaiting, patience }),
    close: () => windows.close(),
  }
}

/** Counted in memory in any case: it is this process that the messages would keep busy. */
function createMessageCount(max: number, now: () => number): CountMessages {
  if (max === 0) return () => undefined
  const windows = createMemoryWindows(now)
  return (request, count) => {
    const { current, ttl } = windows.add(personKey(bearerOfRequest(request).principal), count)
    if (current <= max) return
    throw fhirMcpError('RATE_LIMITED', {
      detail: `At most ${max} messages are taken in a minute.`,
      retryAfter: Math.max(1, Math.ceil(ttl / 1000)),
    })
  }
}
