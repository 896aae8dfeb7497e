import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { overlapping, sumsPerDay } from '../../src/statistics/days.ts'

const at = (text: string, number: number, minutes = 10) => {
  const from = Date.parse(text)
  return { number, from, to: from + minutes * 60_000 }
}

describe('sums per day', () => {
  it('are by the local day on which a count begins', () => {
    const counts = [
      at('2026-10-01T21:55:00Z', 100),
      at('2026-10-01T22:05:00Z', 20),
      at('2026-10-01T10:00:00Z', 3),
    ]
    expect(sumsPerDay(counts, 'Europe/Berlin')).toEqual([
      { day: '2026-10-01', sum: 103, n: 2 },
      { day: '2026-10-02', sum: 20, n: 1 },
    ])
    expect(sumsPerDay(counts, 'UTC')).toEqual([{ day: '2026-10-01', sum: 123, n: 3 }])
  })

  it('are the same to the last digit in whatever order the numbers come', () => {
    const numbers = [0.1, 0.2, 0.3].map((number) => at('2026-10-01T10:00:00Z', number))
    const sums = [numbers, numbers.toReversed()].map((ordered) => sumsPerDay(ordered, 'UTC')[0]?.sum)
    expect(sums[0]).toBe(sums[1])
  })

  it('lose no count and count none twice, in any zone', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Intl.supportedValuesOf('timeZone')),
        fc.array(fc.record({ from: fc.integer({ min: 1.7e12, max: 1.8e12 }), number: fc.nat(1000) })),
        (zone, counts) => {
          const days = sumsPerDay(
            counts.map((count) => ({ ...count, to: count.from })),
            zone,
          )
          const total = counts.reduce((sum, { number }) => sum + number, 0)
          expect(days.reduce((sum, day) => sum + day.sum, 0)).toBe(total)
          expect(days.reduce((sum, day) => sum + day.n, 0)).toBe(counts.length)
          expect(new Set(days.map(({ day }) => day)).size).toBe(days.length)
        },
      ),
    )
  })
})

describe('overlapping counts', () => {
  it('are those that begin before an earlier one has ended', () => {
    const hour = at('2026-10-01T10:00:00Z', 1, 60)
    expect(overlapping([at('2026-10-01T11:00:00Z', 1), hour])).toBe(0)
    expect(overlapping([at('2026-10-01T10:30:00Z', 1), hour, at('2026-10-01T10:50:00Z', 1)])).toBe(2)
    expect(overlapping([])).toBe(0)
  })
})
