import type { Principal } from '../access/principal.ts'

/** Under what a principal is counted: two clients of one person are two. */
export function principalKey({ issuer, subject, client }: Principal): string {
  return JSON.stringify([issuer, subject, client ?? null])
}
