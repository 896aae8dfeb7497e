import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { barred, oneLine, someOf } from '../../src/results/line.ts'

describe('a text of the exchange in a line', () => {
  it('loses line breaks, control characters and what nobody sees, and is cut when too long', () => {
    expect(oneLine('a\r\n- b\u2028c\u0000\u009bd\t e ')).toBe('a - b c d e')
    expect(oneLine('a\u202eb\u{e0041}\u{e0042}c\u200b')).toBe('abc')
    expect(barred(['a\u2066b', '\u{e0041}'])).toBe('- ab | ')
    expect(oneLine('abcdef', 4)).toBe('abc…')
    expect(oneLine('abcd', 4)).toBe('abcd')
  })

  it('has one space for every stretch of blanks and control characters, and all else as it was', () => {
    const character = fc.oneof(
      fc.constantFrom(' ', '\n', '\t', '\u0000', '\u0085', '\u00a0', '\u2028'),
      fc.string(),
    )
    fc.assert(
      fc.property(fc.array(character), (characters) => {
        const text = characters.join('')
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
        const words = text.split(/[\u0000-\u001f\u007f-\u009f\s]+/)
        expect(oneLine(text, Number.POSITIVE_INFINITY)).toBe(words.filter((word) => word !== '').join(' '))
      }),
    )
  })

  it('stands between bars, without what is not there', () => {
    expect(barred(['a', undefined, '', 'b\n- c'])).toBe('- a | b - c')
  })

  it('names some ids and says how many more', () => {
    expect(someOf(['1', '2'])).toBe('1, 2')
    expect(someOf(['1', '2', '3'], 2)).toBe('1, 2 and 1 more')
  })
})
