import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeNumbers } from '../../src/statistics/description.ts'
import { rounded } from '../../src/statistics/rounding.ts'

const numbers = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 200 })
const near = (a: number, b: number, scale: number) => Math.abs(a - b) <= 1e-9 * Math.max(1, scale)

describe('the description of numbers', () => {
  it('agrees with the naive formulas', () => {
    fc.assert(
      fc.property(numbers, (values) => {
        const told = describeNumbers(values)
        if (told === undefined) throw new TypeError('nothing described')
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length
        const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
        const sorted = values.toSorted((a, b) => a - b)
        const middle = sorted.length / 2
        const [low = 0, high = 0] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]]
        expect(told.n).toBe(values.length)
        expect(told.min).toBeCloseTo(Math.min(...values), 12)
        expect(told.max).toBeCloseTo(Math.max(...values), 12)
        expect(near(told.mean, mean, 1e6)).toBe(true)
        expect(near(told.median, (low + high) / 2, 1e6)).toBe(true)
        if (values.length === 1) expect(told.sd).toBeUndefined()
        else expect(near(told.sd ?? Number.NaN, Math.sqrt(squares / (values.length - 1)), 1e6)).toBe(true)
      }),
    )
  })

  it('does not depend on a large common part', () => {
    const small = describeNumbers([4, 7, 13, 16])
    const large = describeNumbers([4, 7, 13, 16].map((value) => value + 1e9))
    expect(large?.sd).toBeCloseTo(small?.sd ?? Number.NaN, 9)
  })

  it('is the same to the last digit in whatever order the numbers come', () => {
    const shuffled = numbers.chain((values) =>
      fc.tuple(
        fc.constant(values),
        fc.shuffledSubarray(values, { minLength: values.length, maxLength: values.length }),
      ),
    )
    fc.assert(
      fc.property(shuffled, ([values, others]) => {
        expect(describeNumbers(others)).toEqual(describeNumbers(values))
      }),
    )
  })

  it('loses nothing of a small number beside large ones, and rounds a half one way', () => {
    expect(describeNumbers([1e16, 1, -1e16])?.mean).toBe(1 / 3)
    // One after the other, these come to 24249.499999999993 or 24249.500000000007.
    const tenths = Array.from({ length: 10 }, (_, n) => 24249.05 + n / 10)
    for (const values of [tenths, tenths.toReversed()]) {
      expect(describeNumbers(values)?.mean).toBe(24249.5)
    }
  })

  it('holds for numbers whose sum or squares no double can hold', () => {
    const told = describeNumbers([1.5e308, 1.6e308, 1.7e308])
    expect(told?.mean).toBeCloseTo(1.6e308, -294)
    expect(told?.sd).toBeCloseTo(1e307, -294)
  })

  it('gives back what all numbers are, exactly, without a spread', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1e6, max: 1e6, noNaN: true }),
        fc.integer({ min: 2, max: 50 }),
        (given, n) => {
          const value = given + 0
          const told = describeNumbers(Array.from({ length: n }, () => value))
          expect(told).toEqual({ n, min: value, max: value, mean: value, median: value, sd: 0 })
        },
      ),
    )
  })

  it('sorts by size, not by text', () => {
    expect(describeNumbers([100, 9, 20])).toMatchObject({ min: 9, median: 20, max: 100 })
  })

  it('of no numbers is none', () => {
    expect(describeNumbers([])).toBeUndefined()
  })
})

describe('a computed number for reading', () => {
  it.each([
    [101.33333333333333, '101.3'],
    [12345.6, '12346'],
    [0.1 + 0.2, '0.3'],
    [0.00012345678, '0.0001235'],
    [-0, '0'],
    [999.96, '1000'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
  ])('%d is "%s"', (number, text) => {
    expect(rounded(number)).toBe(text)
  })
})
