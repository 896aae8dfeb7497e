import type { Principal } from '../access/principal.ts'
import { fhirMcpError } from '../errors.ts'
import { personKey } from './person-key.ts'
import { createMemoryWindows } from './windows.ts'

/** What is said of calls over their limit. */
export const tooManyCalls = (max: number) => `At most ${max} calls are answered in a minute.`

/**
 * Counts calls where there is no HTTP server, in memory: `max` of one person in a window; 0: any number. What it returns
 * throws RATE_LIMITED, with the seconds until the window ends. `now` gives milliseconds since the epoch.
 */
export function createCallCount(max: number, now: () => number): (principal: Principal) => void {
  const windows = createMemoryWindows(now)
  return (principal) => {
    const { current, ttl } = windows.add(personKey(principal))
    if (max === 0 || current <= max) return
    throw fhirMcpError('RATE_LIMITED', {
      detail: tooManyCalls(max),
      retryAfter: Math.max(1, Math.ceil(ttl / 1000)),
    })
  }
}
