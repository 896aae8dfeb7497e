import type { Principal } from '../access/principal.ts'

/**
 * Finds out who a bearer token belongs to. Throws TOKEN_INVALID, TOKEN_EXPIRED, AUDIENCE, NO_PERMISSIONS, or
 * ISSUER_UNAVAILABLE or EXCHANGE_UNAVAILABLE when a source cannot be reached: never a principal with guessed permissions.
 */
export type Identify = (token: string, signal: AbortSignal) => Promise<Principal>
