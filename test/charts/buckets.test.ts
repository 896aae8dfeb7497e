import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bucketRunsOf, bucketsOf, widthFor } from '../../src/charts/buckets.ts'
import { gapRule, runsOf } from '../../src/charts/gaps.ts'
import { dayLength } from '../../src/charts/panel.ts'

const hour = 3_600_000
const points = fc
  .array(
    fc.record({
      at: fc.integer({ min: 0, max: 400 * dayLength }),
      value: fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }),
    }),
    { minLength: 1, maxLength: 3000 },
  )
  .map((made) => made.toSorted((a, b) => a.at - b.at))

describe('stretches of a dense series', () => {
  it('lose no peak: each reading lies within its stretch, whose ends are readings', () => {
    fc.assert(
      fc.property(points, fc.integer({ min: 2, max: 600 }), (ordered, most) => {
        const width = widthFor((ordered.at(-1)?.at ?? 0) - (ordered[0]?.at ?? 0), most)
        const buckets = bucketsOf(ordered, width)
        const values = ordered.map(({ value }) => value)
        expect(Math.max(...buckets.map(({ high }) => high))).toBe(Math.max(...values))
        expect(Math.min(...buckets.map(({ low }) => low))).toBe(Math.min(...values))
        for (const { at, value } of ordered) {
          const half = width.length / 2
          const own = buckets.find((bucket) => bucket.at - half <= at && at < bucket.at + half)
          expect(own !== undefined && own.low <= value && value <= own.high).toBe(true)
        }
        for (const { low, high, median } of buckets) {
          expect(values).toContain(low)
          expect(values).toContain(high)
          expect(low <= median && median <= high).toBe(true)
        }
        expect(bucketRunsOf(ordered, width).flat()).toEqual(buckets)
      }),
      {
        numRuns: 60,
        // A reading on the very border of two stretches.
        examples: [
          [
            [
              { at: 0, value: 0 },
              { at: 34_214_400_000, value: 0 },
              { at: 34_387_200_000, value: 5e-324 },
            ],
            199,
          ],
        ],
      },
    )
  })

  it.each([
    [0, '1 s'],
    [2 * hour, '1 min'],
    [dayLength, '10 min'],
    [3 * dayLength, '30 min'],
    [30 * dayLength, 'day'],
    [365 * dayLength, 'week'],
    [40 * 365 * dayLength, '13 weeks'],
    [800 * 365 * dayLength, '260 weeks'],
  ])('have a length that people think in: %d ms', (span, name) => {
    expect(widthFor(span, 168).name).toBe(name)
  })
})

describe('a gap', () => {
  const daysOf = (days: readonly number[]) => {
    const times = days.map((day) => day * dayLength + 8 * hour)
    const isGap = gapRule(times)
    return runsOf(times, isGap).map((run) => run.length)
  }

  it('is a day without a reading, of a series that has one each day', () => {
    expect(daysOf([0, 1, 2, 4, 5])).toEqual([3, 2])
    expect(daysOf([0, 1, 2, 3])).toEqual([4])
  })

  it('is no week of a series that has one each week, but a month is', () => {
    expect(daysOf([0, 7, 14, 21])).toEqual([4])
    expect(daysOf([0, 7, 14, 21, 28, 35, 42, 49, 56, 63, 70, 100])).toEqual([11, 1])
  })

  it('is far above the usual spacing, whatever one in ten does', () => {
    const minutes = Array.from({ length: 40 }, (_, index) => index * 5 * 60_000)
    const times = [...minutes, (minutes.at(-1) ?? 0) + 3 * hour]
    expect(runsOf(times, gapRule(times)).map((run) => run.length)).toEqual([40, 1])
  })

  it('is nowhere in what comes at once, or alone', () => {
    expect(runsOf([5, 5, 5], gapRule([5, 5, 5]))).toHaveLength(1)
    expect(runsOf([5], gapRule([5]))).toEqual([[5]])
    expect(runsOf([], gapRule([]))).toEqual([])
  })
})
