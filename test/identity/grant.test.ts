import { describe, expect, it } from 'vitest'
import { grantOf } from '../../src/identity/token-claims.ts'

describe('the sign-in that a token belongs to', () => {
  it('is what the claim grant_id says, where it is a text', () => {
    expect(grantOf({ grant_id: 'a-grant' })).toBe('a-grant')
    expect(grantOf({ grant_id: 1 })).toBeUndefined()
    expect(grantOf({})).toBeUndefined()
  })
})
