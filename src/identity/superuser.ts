import type { AuthOptions } from '../config/auth.ts'
import { type Claims, findClaim } from './claim.ts'

/** Whether the configured rule makes the bearer of these claims a superuser; without a rule nobody is one. */
export function isSuperuser(rule: AuthOptions['superuser'], claims: Claims): boolean {
  if (rule === undefined) return false
  const claim = findClaim(claims, [], rule.claim)
  if (claim === undefined) return false
  return Array.isArray(claim.value) ? claim.value.includes(rule.value) : claim.value === rule.value
}
