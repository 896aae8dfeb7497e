import { describe, expect, it } from 'vitest'
import { byCategories, categoriesOf, requestedIn, waysTo } from '../../src/access/restrictions.ts'

describe('restrictions', () => {
  it('are none where scopes name no category', () => {
    expect(byCategories(undefined)).toEqual([])
    expect(waysTo([], 'Observation')).toBeUndefined()
    expect(categoriesOf([])).toBeUndefined()
  })

  it('speak of the types that they name alone', () => {
    const vitals = byCategories(['vital-signs'])
    expect(waysTo(vitals, 'Observation')).toEqual(vitals)
    expect(waysTo(vitals, 'Condition')).toBeUndefined()
  })

  it('say the categories of all ways, each once', () => {
    const ways = [...byCategories(['a', 'b']), ...byCategories(['b', 'c'])]
    expect(categoriesOf(ways)).toEqual(['a', 'b', 'c'])
    expect(categoriesOf([{ types: ['Observation'], study: '1' }])).toBeUndefined()
  })
})

describe('what studies requested, of restrictions', () => {
  it('is their codes, each once, and nothing where no study restricts', () => {
    const types = ['Observation']
    const code = { system: 'urn:types', code: 'steps' }
    const ways = [
      { types, study: 'a', codes: [code] },
      { types, study: 'b', codes: [code] },
      { types, study: 'c' },
    ]
    expect(requestedIn(ways)).toEqual({ studies: ['a', 'b', 'c'], codes: [code] })
    expect(requestedIn(byCategories(['vital-signs']))).toBeUndefined()
    expect(requestedIn([])).toBeUndefined()
  })
})
