import { hash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import type { Principal } from '../src/access/principal.ts'
import { fhirMcpError, isFhirMcpError } from '../src/errors.ts'
import { isBearerForm, presentedJwt } from '../src/identity/token-form.ts'
import { createMemoryWindows, windowLength } from '../src/limits/windows.ts'
import { addressKey } from './limiter.ts'

/** Keeps addresses that send many bad tokens from having more of them looked at. */
export interface RefusedTokens {
  /**
   * Identifies a token. From an address that has sent too many bad ones, those are still looked at that cost no question: JWTs, whose
   * keys are at hand, and tokens that were seen before. Of other new ones a few are asked about, spread over the window; for the
   * rest RATE_LIMITED is thrown. Behind one address there are often many people.
   */
  identify(request: FastifyRequest, token: string, identify: () => Promise<Principal>): Promise<Principal>
}

const kept = 20_000
/** Of opaque tokens beyond the limit so many of those that were refused are asked about again in a window. */
const share = 0.1

/**
 * Counts different tokens that were refused for what they are, `max` for each address in a window; 0: any number. It counts in
 * memory in any case, since what it saves is this process's own work. `now` gives milliseconds since the epoch.
 */
export function createRefusedTokens(max: number, now: () => number): RefusedTokens {
  if (max === 0) return { identify: (_, __, identify) => identify() }
  const counts = createMemoryWindows(now)
  // By digest, each with the time until which it is known; apart, so that bad ones cannot push out good ones.
  const verified = new LRUCache<string, number>({ max: kept })
  const refused = new LRUCache<string, number>({ max: kept })
  const pause = windowLength / Math.max(1, Math.floor(max * share))
  /** When a new opaque token was last asked about, for addresses beyond their limit. */
  const asked = new LRUCache<string, number>({ max: kept })

  /** Whether one more may be asked about now; a clock that was set back keeps nobody out. */
  function mayAsk(address: string): boolean {
    const since = now() - (asked.get(address) ?? Number.NEGATIVE_INFINITY)
    if (since >= 0 && since < pause) return false
    asked.set(address, now())
    return true
  }

  return {
    async identify(request, token, identify) {
      const address = addressKey(request)
      const digest = hash('sha256', token, 'base64url')
      const isKnown = (until: number | undefined) => until !== undefined && now() < until
      const wasRefused = isKnown(refused.get(digest))
      const { current, ttl } = counts.peek(address)
      const isSeen = wasRefused || isKnown(verified.get(digest))
      if (current >= max && !isSeen && !isJwt(token) && !mayAsk(address)) {
        throw fhirMcpError('RATE_LIMITED', {
          detail: 'Too many tokens from this address were not accepted.',
          retryAfter: Math.max(1, Math.ceil(ttl / 1000)),
        })
      }
      try {
        const principal = await identify()
        verified.set(digest, principal.expiresAt * 1000)
        return principal
      } catch (thrown) {
        // An expired one was good: every client sends one now and then.
        if (isFhirMcpError(thrown, 'TOKEN_INVALID') || isFhirMcpError(thrown, 'AUDIENCE')) {
          if (!wasRefused) counts.add(address)
          refused.set(digest, now() + windowLength)
        }
        throw thrown
      }
    },
  }
}

/**
 * Whether a token is a JWT by its form: it is held against the issuer's keys here, and these are read again for unknown ones only so
 * often (`src/identity/jwks.ts`). A broken one is refused as it is.
 */
function isJwt(token: string): boolean {
  try {
    return isBearerForm(token) && presentedJwt(token) !== undefined
  } catch {
    return true
  }
}
