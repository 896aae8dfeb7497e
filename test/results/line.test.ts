import { describe, expect, it } from 'vitest'
import { barred, oneLine, someOf } from '../../src/results/line.ts'

describe('a text of the exchange in a line', () => {
  it('loses line breaks and control characters, and is cut when too long', () => {
    expect(oneLine('a\r\n- b\u2028c\u0000\u009bd\t e ')).toBe('a - b c d e')
    expect(oneLine('abcdef', 4)).toBe('abc…')
    expect(oneLine('abcd', 4)).toBe('abcd')
  })

  it('stands between bars, without what is not there', () => {
    expect(barred(['a', undefined, '', 'b\n- c'])).toBe('- a | b - c')
  })

  it('names some ids and says how many more', () => {
    expect(someOf(['1', '2'])).toBe('1, 2')
    expect(someOf(['1', '2', '3'], 2)).toBe('1, 2 and 1 more')
  })
})
