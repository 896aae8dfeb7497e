import { type Permissions, parsePermissions } from '../access/permissions.ts'
import type { ClaimsSource } from '../access/principal.ts'
import type { AuthOptions } from '../config/auth.ts'
import { type Claims, findClaim } from './claim.ts'

/** What one source says of a token. Times in seconds since the epoch. */
export interface Reading {
  readonly source: ClaimsSource
  readonly claims: Claims
  /** Permissions that were derived, where the source has no claim to hold them. */
  readonly permissions: Permissions | undefined
  readonly subject: string | undefined
  readonly patient: string | undefined
  readonly expiresAt: number | undefined
  /** When the claims were made (a JWT's `iat`) or read; undefined when a JWT does not say. */
  readonly claimsAt: number | undefined
}

/**
 * The permissions of a reading; undefined when its claims have none, so that another source may. Throws NO_PERMISSIONS
 * for a malformed claim: that is no reason to go on.
 */
export function permissionsOf(
  reading: Reading,
  options: Pick<AuthOptions, 'claim' | 'claimPath'>,
): Permissions | undefined {
  if (reading.permissions !== undefined) return reading.permissions
  const claim = findClaim(reading.claims, options.claimPath, options.claim)
  const name = [...options.claimPath, options.claim].join('.')
  return claim === undefined ? undefined : parsePermissions(claim.value, name)
}
