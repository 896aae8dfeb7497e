import { describe, expect, it } from 'vitest'
import { noPermissions, parsePermissions } from '../../src/access/permissions.ts'

const refused = expect.objectContaining({ code: 'FHIR_MCP_NO_PERMISSIONS' })
const studies = (...entries: unknown[]) => parsePermissions({ studies: entries, organizations: [] })
const organizations = (...entries: unknown[]) => parsePermissions({ studies: [], organizations: entries })

describe('the permissions claim', () => {
  it('names studies and organizations, in every form that it may have', () => {
    const permissions = parsePermissions({
      studies: ['30006', 30007, { id: '30008' }, { id: 30009, organization: 20009 }],
      organizations: ['20009', 20010, { id: 20011, name: 'Northlake', role: ' manager ' }],
    })
    expect([...permissions.studies.values()]).toEqual([
      { id: '30006', organizations: [] },
      { id: '30007', organizations: [] },
      { id: '30008', organizations: [] },
      { id: '30009', organizations: ['20009'] },
    ])
    expect([...permissions.organizations.values()]).toEqual([
      { id: '20009', name: undefined, roles: [] },
      { id: '20010', name: undefined, roles: [] },
      { id: '20011', name: 'Northlake', roles: ['manager'] },
    ])
    expect([...permissions.studies.keys()]).toEqual(['30006', '30007', '30008', '30009'])
    expect(permissions.superuser).toBe(false)
  })

  it('may permit nothing', () => {
    expect(parsePermissions({ studies: [], organizations: [] })).toEqual(noPermissions)
  })

  it('takes null for what it leaves out', () => {
    expect(studies({ id: '1', organization: null }).studies.get('1')?.organizations).toEqual([])
    const { organizations: found } = organizations({ id: '1', name: null, role: null })
    expect(found.get('1')).toEqual({ id: '1', name: undefined, roles: [] })
  })

  it('does without a name that is unusable: a name decides nothing', () => {
    for (const name of [5, '', 'x'.repeat(257), {}]) {
      const { organizations: found } = organizations({ id: '1', name, role: 'viewer' })
      expect(found.get('1')).toEqual({ id: '1', name: undefined, roles: ['viewer'] })
    }
  })

  it('takes 0, which is an id like any other', () => {
    expect([...studies(0).studies.keys()]).toEqual(['0'])
  })

  it('ignores what it does not know, superuser too', () => {
    const claim = { studies: ['1'], organizations: [], superuser: true, patients: ['9'] }
    expect(parsePermissions(claim).superuser).toBe(false)
  })

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a text', '{"studies":[],"organizations":[]}'],
    ['a number', 5],
    ['a list', []],
    ['an empty object', {}],
    ['one without studies', { organizations: [] }],
    ['one without organizations', { studies: [] }],
    ['one whose studies are an object', { studies: { 0: '1' }, organizations: [] }],
    ['one whose studies are *', { studies: '*', organizations: [] }],
    ['one whose lists are null', { studies: null, organizations: null }],
  ])('is refused when it is %s', (_, claim) => {
    expect(() => parsePermissions(claim)).toThrow(refused)
  })

  it.each<[string, unknown]>([
    ['jhe_permissions', '{"studies":[],"organizations":[]}'],
    ['jhe_permissions.studies', { organizations: [] }],
    ['jhe_permissions.organizations', { studies: [], organizations: null }],
    ['jhe_permissions.studies[1]', { studies: ['1', '../Patient'], organizations: [] }],
    ['jhe_permissions.studies[0].id', { studies: [{ id: 'secret value' }], organizations: [] }],
    [
      'jhe_permissions.organizations[2].role',
      { studies: [], organizations: ['1', '2', { id: '3', role: 5 }] },
    ],
  ])('is said to be unreadable at %s, without a value', (at, claim) => {
    expect(() => parsePermissions(claim)).toThrow(
      expect.objectContaining({
        code: 'FHIR_MCP_NO_PERMISSIONS',
        at,
        detail: 'A claim is there, but it cannot be read.',
      }),
    )
    const other = at.replace('jhe_permissions', 'https://example.org/permissions')
    expect(() => parsePermissions(claim, 'https://example.org/permissions')).toThrow(
      expect.objectContaining({ at: other }),
    )
  })

  it.each<[string, unknown]>([
    ['empty', ''],
    ['a path', '../Patient'],
    ['a parent', '..'],
    ['a reference', 'ResearchStudy/1'],
    ['a wildcard', '*'],
    ['two in one', '1,2'],
    ['with a space', '1 '],
    ['with a line break', '1\n'],
    ['too long', '1'.repeat(65)],
    ['of a prototype', '__proto__'],
    ['negative', -1],
    ['a fraction', 1.5],
    ['beyond what numbers hold', 2 ** 53],
    ['infinite', Number.POSITIVE_INFINITY],
    ['not a number', Number.NaN],
    ['true', true],
    ['null', null],
    ['a list', ['1']],
    ['an object without an id', { name: 'x' }],
    ['an object with an id that is none', { id: null }],
  ])('is refused whole when one id is %s', (_, id) => {
    expect(() => studies('1', id)).toThrow(refused)
    expect(() => organizations('1', id)).toThrow(refused)
    expect(() => studies({ id: '1', organization: id === null ? '' : id })).toThrow(refused)
  })

  it.each([5, '', ' ', ['manager'], {}, true, 'x'.repeat(257)])('is refused with the role %j', (role) => {
    expect(() => organizations({ id: '1', role })).toThrow(refused)
  })

  it('joins what it says of one id, whatever the form of the ids', () => {
    const twice = organizations(
      { id: '1', role: 'viewer' },
      { id: 1, name: 'Northlake', role: 'manager' },
      '1',
    )
    expect([...twice.organizations.values()]).toEqual([
      { id: '1', name: 'Northlake', roles: ['viewer', 'manager'] },
    ])
    const owned = studies('1', { id: '1', organization: '8' }, { id: 1, organization: 9 })
    expect([...owned.studies.values()]).toEqual([{ id: '1', organizations: ['8', '9'] }])
  })

  it('may say the same twice', () => {
    expect([...studies('1', 1, { id: '1' }).studies.keys()]).toEqual(['1'])
    const twice = organizations({ id: '1', role: 'viewer' }, { id: 1, role: 'viewer' })
    expect(twice.organizations.size).toBe(1)
  })
})
