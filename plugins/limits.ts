import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify'
import type { Options } from '../src/config/options.ts'
import { tooManyCalls } from '../src/limits/count-calls.ts'
import { openWindows } from '../src/limits/open-windows.ts'
import { personKey } from '../src/limits/person-key.ts'
import { createTurns, type Turns } from '../src/limits/turns.ts'
import { bearerOfRequest } from './bearer-of-request.ts'
import { sendRefusal } from './errors.ts'
import { addressKey, type Limiter, limitersOver } from './limiter.ts'
import { protocolRefusal } from './refusal.ts'
import { createRefusedTokens, type RefusedTokens } from './refused-tokens.ts'

/** The limits of one registration. */
export interface Limits {
  /** Counts a request of an address, before anything is known of its token. Throws RATE_LIMITED. */
  readonly countRequest: Limiter
  /** Counts a call of the person whose request this is. Throws RATE_LIMITED. */
  readonly countCall: Limiter
  readonly refusedTokens: RefusedTokens
  readonly turns: Turns
  close(): void
}

/** Messages that a batch may hold: each of them is work, while the body is counted once for its address. */
const largestBatch = 100

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
    refusedTokens: createRefusedTokens(limits.refusedTokensPerAddress, now),
    turns: createTurns({ atOnce: callsAtOnce, waiting: callsWaiting, patience }),
    close: () => windows.close(),
  }
}

/** Refuses a batch of too many messages, before any is looked at. */
export async function checkBatch(
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply | undefined> {
  const { body } = request
  if (!Array.isArray(body) || body.length <= largestBatch) return undefined
  return sendRefusal(reply, protocolRefusal(413, `A batch may hold ${largestBatch} messages`))
}
