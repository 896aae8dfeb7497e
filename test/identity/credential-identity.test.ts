import { describe, expect, it } from 'vitest'
import { parsePermissions } from '../../src/access/permissions.ts'
import type { Principal } from '../../src/access/principal.ts'
import { parseScopes } from '../../src/access/scopes.ts'
import { credentialIdentity } from '../../src/identity/credential-identity.ts'

const claim = {
  studies: ['1', { id: '2', organization: '8' }],
  organizations: [{ id: '8', role: 'viewer' }, '9'],
}
const principal: Principal = {
  issuer: 'https://issuer.example',
  subject: '10013',
  client: 'gateway',
  permissions: parsePermissions(claim),
  scopes: parseScopes(undefined),
  patient: undefined,
  expiresAt: 2000,
  claimsAt: 1000,
  source: 'jwt',
}
const permitted = (changes: Partial<typeof claim>) => parsePermissions({ ...claim, ...changes })

describe('the identity of a credential', () => {
  it('is the same for the same caller with a newer token, in whatever order the claim names things', () => {
    const permissions = parsePermissions({
      studies: [...claim.studies].reverse(),
      organizations: [...claim.organizations].reverse(),
    })
    const newer = { ...principal, permissions, expiresAt: 3000, claimsAt: 1500 }
    expect(credentialIdentity(newer)).toBe(credentialIdentity(principal))
  })

  it.each<[string, Partial<Principal>]>([
    ['issuer', { issuer: 'https://other.example' }],
    ['subject', { subject: '10012' }],
    ['client', { client: 'other' }],
    ['lack of a client', { client: undefined }],
    ['superuser', { permissions: { ...principal.permissions, superuser: true } }],
    ['studies', { permissions: permitted({ studies: ['1'] }) }],
    ["study's organization", { permissions: permitted({ studies: ['1', '2'] }) }],
    ['organizations', { permissions: permitted({ organizations: [{ id: '8', role: 'viewer' }] }) }],
    ['role', { permissions: permitted({ organizations: [{ id: '8', role: 'manager' }, '9'] }) }],
  ])('is another one for another %s', (_, changes) => {
    expect(credentialIdentity({ ...principal, ...changes })).not.toBe(credentialIdentity(principal))
  })

  it('says nothing of whom it is', () => {
    expect(credentialIdentity(principal)).toMatch(/^[\w-]{43}$/)
  })
})
