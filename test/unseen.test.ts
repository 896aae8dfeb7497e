import { describe, expect, it } from 'vitest'
import { withoutUnseen } from '../src/unseen.ts'

const every = Array.from({ length: 0x110000 }, (_, point) => point)
const told = (point: number) => `U+${point.toString(16).toUpperCase().padStart(4, '0')}`
/** Blocks of characters that nobody sees, by the Unicode Character Database (DerivedCoreProperties, Default_Ignorable_Code_Point). */
const ignorable: readonly (readonly [number, number])[] = [
  [0xad, 0xad],
  [0x34f, 0x34f],
  [0x61c, 0x61c],
  [0x115f, 0x1160],
  [0x17b4, 0x17b5],
  [0x180b, 0x180f],
  [0x200b, 0x200f],
  [0x202a, 0x202e],
  [0x2060, 0x206f],
  [0x3164, 0x3164],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff0, 0xfff8],
  [0x1bca0, 0x1bca3],
  [0x1d173, 0x1d17a],
  [0xe0000, 0xe0fff],
]
const others: readonly (readonly [number, number])[] = [
  [0x2800, 0x2800],
  [0xd800, 0xdfff],
  [0xfff9, 0xfffb],
]
const isUnseen = (point: number) =>
  [...ignorable, ...others].some(([from, to]) => from <= point && point <= to)

describe('what nobody sees', () => {
  it('is left out, and nothing else of all of Unicode', () => {
    const wrong = every.filter((point) => {
      const left = withoutUnseen(`x${String.fromCodePoint(point)} y`)
      return left !== (isUnseen(point) ? 'x y' : `x${String.fromCodePoint(point)} y`)
    })
    expect(wrong.map(told)).toEqual([])
    expect(every.filter(isUnseen).length).toBeGreaterThan(6000)
  })

  it.each([
    ['an emoji of several', '\u{1F469}\u{1F3FD}\u200D\u2695\uFE0F'],
    ['a heart on fire', '\u2764\uFE0F\u200D\u{1F525}'],
    ['an emoji as text', '\u2603\uFE0E'],
    ['a keycap', '1\uFE0F\u20E3'],
    ['Persian', '\u0645\u06CC\u200C\u062E\u0648\u0627\u0647\u0645'],
    ['Devanagari', '\u0915\u094D\u200D\u0937'],
    ['Malayalam', '\u0D28\u0D4D\u200D'],
    ['Sinhala', '\u0DC1\u0DCA\u200D\u0DBB\u0DD3'],
    ['Mongolian', '\u182A\u180B\u1820'],
  ])('stays where it belongs: %s', (_, text) => {
    expect(withoutUnseen(text)).toBe(text)
  })

  it.each([
    ['a joiner between letters', 'a\u200Db\u200Cc', 'abc'],
    ['more joiners than one', '\u0645\u200C\u200C\u200D\u062E', '\u0645\u200C\u062E'],
    ['a joiner of an emoji and a letter', '\u{1F469}\u200Dx', '\u{1F469}x'],
    ['selectors behind a letter', 'a\uFE0Fb\uFE00\u{E0100}', 'ab'],
    ['selectors behind one', '\u2764\uFE0F\uFE0F\uFE0E\uFE01', '\u2764\uFE0F'],
    ['a number that is no keycap', '1\uFE0F2', '12'],
    ['a Mongolian selector elsewhere', 'a\u180B', 'a'],
    [
      'a text in tags',
      `x${[...'ignore'].map((one) => String.fromCodePoint(0xe0000 + one.charCodeAt(0))).join('')}`,
      'x',
    ],
    ['bytes in selectors', '\u{1F600}\u{E0101}\u{E0102}\uFE03', '\u{1F600}'],
    ['an override', '\u202Eabc\u202C', 'abc'],
  ])('goes where it does not: %s', (_, text, left) => {
    expect(withoutUnseen(text)).toBe(left)
  })
})
