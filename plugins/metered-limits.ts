import { isFhirMcpError } from '../src/errors.ts'
import type { LimitName, Meter } from '../src/telemetry/meter.ts'
import type { Limits } from './limits.ts'

/** The same limits; what each of them refuses is counted. */
export function meteredLimits(limits: Limits, meter: Meter | undefined): Limits {
  if (meter === undefined) return limits

  /** A limit that is asked for this purpose alone refuses by RATE_LIMITED. */
  const counted = async <T>(limit: LimitName, asked: Promise<T>): Promise<T> => {
    try {
      return await asked
    } catch (thrown) {
      if (isFhirMcpError(thrown, 'RATE_LIMITED')) meter.limited(limit)
      throw thrown
    }
  }

  return {
    countRequest: (request) => counted('address', limits.countRequest(request)),
    countCall: (request) => counted('principal', limits.countCall(request)),
    countMessages(request, count) {
      try {
        limits.countMessages(request, count)
      } catch (thrown) {
        if (isFhirMcpError(thrown, 'RATE_LIMITED')) meter.limited('messages')
        throw thrown
      }
    },
    refusedTokens: {
      identify: (request, token, identify) =>
        counted('tokens', limits.refusedTokens.identify(request, token, identify)),
    },
    turns: { enter: (name, signal) => counted('turns', limits.turns.enter(name, signal)) },
    close: () => limits.close(),
  }
}
