import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isoWeekOf } from '../../src/statistics/iso-week.ts'

const day = 86_400_000
const dateOf = (instant: number) => new Date(instant).toISOString().slice(0, 10)
const days = fc.integer({ min: Date.UTC(1600, 0) / day, max: Date.UTC(2400, 0) / day })

describe('an ISO week', () => {
  it.each([
    ['2026-01-14', '2026-W03', '2026-01-12'],
    ['2026-01-12', '2026-W03', '2026-01-12'],
    ['2026-01-18', '2026-W03', '2026-01-12'],
    ['2026-01-01', '2026-W01', '2025-12-29'],
    ['2025-12-29', '2026-W01', '2025-12-29'],
    ['2021-01-03', '2020-W53', '2020-12-28'],
    ['2027-01-01', '2026-W53', '2026-12-28'],
    ['2024-02-29', '2024-W09', '2024-02-26'],
  ])('of %s is %s, from %s', (date, label, start) => {
    expect(isoWeekOf(date)).toEqual({ label, start })
  })

  it('begins on a Monday, has the day in it, and the year that its Thursday is in', () => {
    fc.assert(
      fc.property(days, (number) => {
        const at = number * day
        const { label, start } = isoWeekOf(dateOf(at))
        const monday = Date.parse(start)
        expect(new Date(monday).getUTCDay()).toBe(1)
        expect(at - monday).toBeGreaterThanOrEqual(0)
        expect(at - monday).toBeLessThan(7 * day)
        expect(label.slice(0, 4)).toBe(dateOf(monday + 3 * day).slice(0, 4))
      }),
    )
  })

  it('is numbered from the one with the fourth of January, one after the other', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1600, max: 2399 }), (year) => {
        const { start } = isoWeekOf(`${year}-01-04`)
        for (let number = 1; ; number += 1) {
          const monday = dateOf(Date.parse(start) + (number - 1) * 7 * day)
          const { label } = isoWeekOf(monday)
          if (number > 52 && label.startsWith(String(year + 1))) break
          expect(label).toBe(`${year}-W${String(number).padStart(2, '0')}`)
          expect(number).toBeLessThanOrEqual(53)
        }
      }),
      { numRuns: 50 },
    )
  })
})
