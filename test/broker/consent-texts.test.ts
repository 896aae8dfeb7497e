import { describe, expect, it } from 'vitest'
import { foreign, foreignText, longestName } from '../../src/pages/foreign.ts'

const shown = (text: string) => foreignText(text)?.text

describe('a text of others', () => {
  it('is shown as it is when it is an ordinary name, in any script', () => {
    for (const name of [
      'Claude',
      'Zoë O’Brien-Ng',
      'عيادة',
      '病院',
      'क्षेत्र',
      '👩‍⚕️ Care',
      'می‌خواهم',
      'a < b & c',
    ]) {
      expect(foreignText(name)).toEqual({ text: name, shortened: false, cleaned: false })
    }
  })

  it('is put on one line', () => {
    expect(shown('  Claude\n\n\tVerified\u00A0\u2028by\u2800us ')).toBe('Claude Verified by us')
  })

  it('loses what is hidden or turns the direction, and says so', () => {
    for (const [text, left] of [
      ['North\u202Ekal', 'Northkal'],
      ['\u2066a\u2069', 'a'],
      ['a\u0000b\u001Bc\u0085', 'abc'],
      ['a\u00ADb\u200Bc\uFEFF', 'abc'],
      ['a\u{E0041}b', 'ab'],
      ['\uD800a', 'a'],
    ] as const) {
      expect(foreignText(text)).toEqual({ text: left, shortened: false, cleaned: true })
    }
    expect(String(foreign('a\u202Eb'))).toBe('<bdi>ab</bdi> <small>(hidden characters left out)</small>')
  })

  it('keeps four marks on a letter, not a heap', () => {
    expect(foreignText(`a${'\u0301'.repeat(50)}b`)).toEqual({
      text: `a${'\u0301'.repeat(4)}b`,
      shortened: false,
      cleaned: true,
    })
  })

  it('is cut by characters, not within one, and marked', () => {
    expect(foreignText('😀'.repeat(10_000))).toEqual({
      text: '😀'.repeat(longestName),
      shortened: true,
      cleaned: false,
    })
    expect(String(foreign('x'.repeat(longestName + 1)))).toBe(
      `<bdi>${'x'.repeat(longestName)}…</bdi> <small>(shortened)</small>`,
    )
    expect(foreignText('x'.repeat(longestName))?.shortened).toBe(false)
    expect(foreignText(`x${' '.repeat(10_000)}y`)).toEqual({ text: 'x', shortened: true, cleaned: false })
  })

  it('is none where nothing is left to see', () => {
    for (const text of ['', ' ', '\u200B\u200D', '\u3164\u115F', '\u0301', '\u202E\u202C']) {
      expect(foreignText(text)).toBeUndefined()
      expect(foreign(text)).toBeUndefined()
    }
    expect(foreign(undefined)).toBeUndefined()
  })
})
