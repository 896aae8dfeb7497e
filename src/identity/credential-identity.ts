import { createHash } from 'node:crypto'
import type { Principal } from '../access/principal.ts'

/** By principal, which is kept between calls: of 1,000 studies the digest would be most of a warm decision. */
const known = new WeakMap<Principal, string>()

/**
 * Digest over issuer, subject, client and permissions: whose view of the exchange a forwarded token has. The order in
 * which the claim names things does not count.
 */
export function credentialIdentity(principal: Principal): string {
  const identity = known.get(principal) ?? digestOf(principal)
  known.set(principal, identity)
  return identity
}

function digestOf(principal: Principal): string {
  const { issuer, subject, client, permissions } = principal
  const studies = [...permissions.studies.values()].map(({ id, organizations }) => [id, organizations])
  const organizations = [...permissions.organizations.values()].map(({ id, roles }) => [id, roles])
  const view = [
    issuer,
    subject,
    client ?? null,
    permissions.superuser,
    studies.map((study) => JSON.stringify(study)).sort(),
    organizations.map((organization) => JSON.stringify(organization)).sort(),
  ]
  return createHash('sha256').update(JSON.stringify(view)).digest('base64url')
}
