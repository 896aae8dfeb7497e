import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decimalOf, survivesParsing } from '../../src/open-mhealth/decimal.ts'

const literal = fc.stringMatching(/^-?(0|[1-9]\d{0,19})(\.\d{1,19})?([eE][+-]?\d{1,3})?$/)

describe('a number in JSON', () => {
  it('is said to come through parsing just where both decimals are the same', () => {
    fc.assert(
      fc.property(literal, (written) => {
        const [before, after] = [decimalOf(written), decimalOf(String(Number(written)))]
        expect(survivesParsing(written)).toBe(
          before?.digits === after?.digits && before?.exponent === after?.exponent,
        )
      }),
      { numRuns: 5000 },
    )
  })

  it.each([
    ['57.0'],
    ['-0'],
    ['0.1'],
    ['999999999999999'],
    ['0.0000000000001'],
    ['1e3'],
    ['123456789012345680'],
  ])('%s comes through', (written) => {
    expect(survivesParsing(written)).toBe(true)
  })

  it.each([['9007199254740993'], ['0.12345678901234567'], ['1e400'], ['123456789012345678']])(
    '%s does not',
    (written) => {
      expect(survivesParsing(written)).toBe(false)
    },
  )
})
