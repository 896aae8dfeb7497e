import type { Principal } from '../access/principal.ts'

/**
 * Under what calls are counted and wait for their turn: a person, by issuer and subject. However many clients somebody uses,
 * they have one share.
 */
export function personKey({ issuer, subject }: Pick<Principal, 'issuer' | 'subject'>): string {
  return JSON.stringify([issuer, subject])
}
