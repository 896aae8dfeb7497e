import { describe, expect, it } from 'vitest'
import { isDenial } from '../../src/access/decide.ts'
import { assertGrant, Grant } from '../../src/access/grant.ts'
import { callerOf, decide, openRule, policy } from './callers.ts'

const grant = decide(openRule, callerOf({}), { kind: 'reach' }, [], policy)

describe('a grant', () => {
  it('passes when it was decided', () => {
    expect(isDenial(grant)).toBe(false)
    expect(() => assertGrant(grant)).not.toThrow()
  })

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a look-alike', { terms: isDenial(grant) ? {} : grant.terms, standing: () => 'member' }],
    ['an object of its prototype', Object.create(Grant.prototype)],
    ['a copy', structuredClone({ ...grant })],
  ])('cannot be faked with %s', (_, fake) => {
    expect(() => assertGrant(fake)).toThrow(TypeError)
  })

  it('cannot be constructed by anybody else', () => {
    const terms = isDenial(grant) ? undefined : grant.terms
    if (terms === undefined) throw new Error('denied')
    expect(() => new Grant(Symbol('mint'), terms)).toThrow(TypeError)
  })

  it('cannot be changed', () => {
    if (isDenial(grant)) throw new Error('denied')
    expect(Object.isFrozen(grant)).toBe(true)
    expect(Object.isFrozen(grant.terms)).toBe(true)
  })
})
