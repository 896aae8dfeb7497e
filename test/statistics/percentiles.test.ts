import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeNumbers } from '../../src/statistics/description.ts'
import { percentileOf, percentilePoints, percentilesOf } from '../../src/statistics/percentiles.ts'

const numbers = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 300 })
const whole = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 300 })

/** The definition word by word: walk to where the percentile stands, then go the rest of the way to the next value. */
function oracle(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const at = ((sorted.length - 1) * percent) / 100
  const low = sorted[Math.floor(at)] ?? Number.NaN
  const high = sorted[Math.ceil(at)] ?? Number.NaN
  return low + (high - low) * (at - Math.floor(at))
}

describe('percentiles', () => {
  it('agree with the definition', () => {
    fc.assert(
      fc.property(numbers, (values) => {
        const told = percentilesOf(values)
        for (const point of percentilePoints) {
          expect(Math.abs((told?.[point] ?? Number.NaN) - oracle(values, point))).toBeLessThanOrEqual(1e-8)
        }
      }),
    )
  })

  it('have the median of the description as the fiftieth, to the last bit', () => {
    fc.assert(
      fc.property(numbers, (values) => {
        const fiftieth = percentileOf(Float64Array.from(values).sort(), 50)
        expect(fiftieth).toBe(describeNumbers(values)?.median)
      }),
    )
  })

  it('never leave the values, and never go down by more than rounding', () => {
    fc.assert(
      fc.property(fc.oneof(numbers, whole), (values) => {
        const sorted = Float64Array.from(values).sort()
        const all = Array.from({ length: 101 }, (_, percent) => percentileOf(sorted, percent))
        expect([all[0], all[100]]).toEqual([sorted[0], sorted.at(-1)])
        for (const [index, value] of all.entries()) {
          expect(value).toBeGreaterThanOrEqual((all[index - 1] ?? Number.NEGATIVE_INFINITY) - 1e-9)
          expect(value).toBeGreaterThanOrEqual(sorted[0] ?? Number.NaN)
          expect(value).toBeLessThanOrEqual(sorted.at(-1) ?? Number.NaN)
        }
      }),
    )
  })

  it('do not depend on the order of the values', () => {
    fc.assert(
      fc.property(numbers, (values) => {
        expect(percentilesOf(values.toReversed())).toEqual(percentilesOf(values))
      }),
    )
  })

  it('are values themselves where they stand on one', () => {
    const twentyOne = Array.from({ length: 21 }, (_, n) => n / 10)
    expect(percentilesOf(twentyOne)).toEqual({ 5: 0.1, 25: 0.5, 75: 1.5, 95: 1.9 })
  })

  it('are those of a textbook', () => {
    expect(percentilesOf([15, 20, 35, 40, 50])).toEqual({ 5: 16, 25: 20, 75: 40, 95: 48 })
    expect(percentileOf(Float64Array.from([15, 20, 35, 40, 50]), 40)).toBeCloseTo(29, 12)
  })

  it('of one number are that number, and of none there are none', () => {
    expect(percentilesOf([7])).toEqual({ 5: 7, 25: 7, 75: 7, 95: 7 })
    expect(percentilesOf([])).toBeUndefined()
  })
})
