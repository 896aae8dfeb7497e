import { describe, expect, it } from 'vitest'
import { parsePermissions } from '../../src/access/permissions.ts'
import { defaultRoles, rankOf, roleMayCall, studyRoles } from '../../src/access/roles.ts'

const table = { viewer: ['list'], member: ['list', 'read'], manager: ['*'], '*': ['list'] }

describe('the strength of a role', () => {
  it('is its place in the table', () => {
    expect(['viewer', 'member', 'manager'].map((role) => rankOf(table, role))).toEqual([1, 2, 3])
  })

  it.each([undefined, '*', 'stranger', 'constructor', '__proto__'])('is none for %s', (role) => {
    expect(rankOf(table, role)).toBe(0)
  })

  it('does not count *, wherever it stands', () => {
    expect(rankOf({ '*': ['*'], viewer: [], manager: [] }, 'viewer')).toBe(1)
  })
})

describe('what a role may call', () => {
  it.each<[string | undefined, string, boolean]>([
    ['viewer', 'list', true],
    ['viewer', 'read', false],
    ['member', 'read', true],
    ['manager', 'anything', true],
    ['stranger', 'list', true],
    ['stranger', 'read', false],
    [undefined, 'list', true],
    [undefined, 'read', false],
  ])('for %s and %s is %s', (role, tool, may) => {
    expect(roleMayCall(table, role, tool)).toBe(may)
  })

  it('is nothing for a role that is listed with nothing, even where * may', () => {
    expect(roleMayCall({ guest: [], '*': ['*'] }, 'guest', 'list')).toBe(false)
  })

  it('is nothing for everybody else in a table without *', () => {
    const strict = { manager: ['*'] }
    expect(roleMayCall(strict, 'viewer', 'list')).toBe(false)
    expect(roleMayCall(strict, undefined, 'list')).toBe(false)
    expect(roleMayCall(strict, 'manager', 'list')).toBe(true)
  })

  it.each(['constructor', 'toString', '__proto__'])('finds no role %s on a prototype', (role) => {
    expect(roleMayCall({}, role, 'list')).toBe(false)
    expect(roleMayCall(table, role, 'read')).toBe(false)
  })

  it('is everything for everybody by default', () => {
    expect(roleMayCall(defaultRoles, undefined, 'list')).toBe(true)
    expect(roleMayCall(defaultRoles, 'viewer', 'list')).toBe(true)
  })
})

describe('the role that counts for a study', () => {
  const roleFor = (studies: unknown[], organizations: unknown[]) =>
    studyRoles(table, parsePermissions({ studies, organizations }))('s')

  it('is that of its organization where the claim names both', () => {
    const study = { id: 's', organization: 'b' }
    const organizations = [
      { id: 'a', role: 'viewer' },
      { id: 'b', role: 'manager' },
    ]
    expect(roleFor([study], organizations)).toBe('manager')
    expect(roleFor([study], [{ id: 'a', role: 'manager' }, 'b'])).toBeUndefined()
  })

  it('is the strongest where the claim names an organization with several roles, or several organizations', () => {
    const organizations = [
      { id: 'a', role: 'viewer' },
      { id: 'b', role: 'manager' },
      { id: 'a', role: 'member' },
      { id: 'a', role: 'stranger' },
    ]
    expect(roleFor([{ id: 's', organization: 'a' }], organizations)).toBe('member')
    const twice = [{ id: 's', organization: 'a' }, { id: 's', organization: 'b' }, 's']
    expect(roleFor(twice, organizations)).toBe('manager')
    expect(roleFor(['s'], organizations)).toBe('member')
  })

  it('is the lowest of the token where the claim names no organization, or one without a role in it', () => {
    const organizations = [
      { id: 'a', role: 'manager' },
      { id: 'b', role: 'viewer' },
      { id: 'c', role: 'member' },
    ]
    expect(roleFor(['s'], organizations)).toBe('viewer')
    expect(roleFor([{ id: 's', organization: 'elsewhere' }], organizations)).toBe('viewer')
    expect(roleFor([], organizations)).toBe('viewer')
  })

  it('is lowest for a role that is not listed, and for none', () => {
    expect(
      roleFor(
        ['s'],
        [
          { id: 'a', role: 'manager' },
          { id: 'b', role: 'stranger' },
        ],
      ),
    ).toBe('stranger')
    expect(roleFor(['s'], [{ id: 'a', role: 'manager' }, 'b'])).toBeUndefined()
    expect(roleFor(['s'], ['b', { id: 'a', role: 'manager' }])).toBeUndefined()
  })

  it('is none without organizations', () => {
    expect(roleFor(['s'], [])).toBeUndefined()
  })
})
