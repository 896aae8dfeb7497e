import { unreadableClaim } from '../errors.ts'

/** The claims of a token, or of an answer about it. */
export type Claims = Readonly<Record<string, unknown>>

/** A claim that is there, whatever its value. */
export interface FoundClaim {
  readonly value: unknown
}

/** Whether a value is a JSON object. */
export function isClaims(value: unknown): value is Claims {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Finds a claim by its name (a URI is a name too) below `path`, outermost first; undefined when it is not there.
 * Throws NO_PERMISSIONS, which says where, when something on the path is not an object: that claim is malformed, not missing.
 */
export function findClaim(claims: Claims, path: readonly string[], name: string): FoundClaim | undefined {
  let within = claims
  for (const [depth, step] of path.entries()) {
    if (!Object.hasOwn(within, step)) return undefined
    const next = within[step]
    if (!isClaims(next)) throw unreadableClaim(path.slice(0, depth + 1).join('.'))
    within = next
  }
  return Object.hasOwn(within, name) ? { value: within[name] } : undefined
}
