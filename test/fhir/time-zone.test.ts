import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { instantOf, isTimeZone, localTimeAt, millisecondsOf, offsetAt } from '../../src/fhir/time-zone.ts'

const zones = [...Intl.supportedValuesOf('timeZone'), 'UTC']
const midnight = (year: number, month: number, day: number) => ({
  year,
  month,
  day,
  hour: 0,
  minute: 0,
  second: 0,
  millisecond: 0,
})
/** The days around which the clocks of a zone change, found month by month. */
function* daysOf2026(zone: string): Generator<number> {
  const changed = (from: number, to: number) => offsetAt(from, zone) !== offsetAt(to, zone)
  for (let month = 0; month < 12; month += 1) {
    const [first, next] = [Date.UTC(2026, month, 1), Date.UTC(2026, month + 1, 1)]
    if (!changed(first, next)) continue
    for (let day = first; day < next; day += 86_400_000) {
      if (changed(day - 43_200_000, day + 129_600_000)) yield day
    }
  }
}
/** The wall clock as Intl writes it, by another way than the one under test. */
const wallClock = (instant: number, zone: string) =>
  new Date(instant).toLocaleString('sv-SE', { timeZone: zone })

/** The same as an offset, to the second. */
const offsetByIntl = (instant: number, zone: string) => {
  const whole = Math.floor(instant / 1000) * 1000
  return Date.parse(`${wallClock(whole, zone).replace(' ', 'T')}Z`) - whole
}

describe('the offset of a zone', () => {
  const quarter = 900_000
  it('is what Intl says, in every zone and at any time, in whatever order it is asked for', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.integer({ min: Date.UTC(1800, 0, 1), max: Date.UTC(2100, 0, 1) }),
        (zone, instant) => {
          expect(offsetAt(instant, zone)).toBe(offsetByIntl(instant, zone))
        },
      ),
      { numRuns: 6000 },
    )
  })

  it.each([
    // By an hour, by half an hour, by 45 minutes, over a day, and offsets with seconds.
    ['Europe/Berlin', '2026-03-29T01:00:00Z'],
    ['Europe/Berlin', '2026-10-25T01:00:00Z'],
    ['Australia/Lord_Howe', '2026-04-04T15:00:00Z'],
    ['Pacific/Chatham', '2026-09-26T14:00:00Z'],
    ['Asia/Kathmandu', '1985-12-31T18:30:00Z'],
    ['Asia/Pyongyang', '2015-08-14T15:00:00Z'],
    ['Pacific/Apia', '2011-12-30T10:00:00Z'],
    ['Africa/Monrovia', '1972-01-07T00:44:30Z'],
    // A week of daylight saving time.
    ['America/Recife', '2000-10-08T03:00:00Z'],
    ['America/Recife', '2000-10-15T02:00:00Z'],
  ])('changes in %s at the second at which clocks do (%s)', (zone, change) => {
    const at = Date.parse(change)
    const offsets = new Set<number>()
    for (let instant = at - 400 * quarter; instant < at + 400 * quarter; instant += quarter) {
      const offset = offsetAt(instant, zone)
      expect(offset).toBe(offsetByIntl(instant, zone))
      offsets.add(offset)
    }
    expect(offsets.size).toBe(2)
    for (const instant of [at - 1000, at - 1, at, at + 1000]) {
      expect(offsetAt(instant, zone)).toBe(offsetByIntl(instant, zone))
    }
    expect(offsetAt(at - 1, zone)).not.toBe(offsetAt(at, zone))
  })

  it('stays right when more of it was asked for than is kept', () => {
    const [first, step] = [Date.UTC(1970, 0, 1), 2 * 86_400_000]
    for (let count = 0; count < 4100; count += 1) offsetAt(first + count * step, 'Europe/Paris')
    expect(offsetAt(first, 'Europe/Paris')).toBe(3_600_000)
    expect(offsetAt(Date.UTC(2026, 6, 1), 'Europe/Paris')).toBe(7_200_000)
  })
})

describe('the start of a day', () => {
  it('is the first instant that shows the day or a later one, in every zone and on every day', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.integer({ min: Date.UTC(1971, 0, 1) / 86_400_000, max: Date.UTC(2037, 11, 31) / 86_400_000 }),
        (zone, number) => {
          const date = new Date(number * 86_400_000)
          const local = midnight(date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate())
          const text = `${date.toISOString().slice(0, 10)} 00:00:00`
          const instant = instantOf(local, zone)
          expect(wallClock(instant, zone) >= text).toBe(true)
          expect(wallClock(instant - 1000, zone) < text).toBe(true)
        },
      ),
      { numRuns: 3000 },
    )
  })

  it('is right on each day on which a zone changes its clocks', () => {
    let changes = 0
    for (const zone of zones) {
      for (const day of daysOf2026(zone)) {
        changes += 1
        const date = new Date(day)
        const instant = instantOf(midnight(2026, date.getUTCMonth() + 1, date.getUTCDate()), zone)
        const text = `${date.toISOString().slice(0, 10)} 00:00:00`
        expect(wallClock(instant, zone) >= text).toBe(true)
        expect(wallClock(instant - 1000, zone) < text).toBe(true)
      }
    }
    expect(changes).toBeGreaterThan(100)
  })

  it.each([
    ['Europe/Berlin', [2026, 3, 29], '2026-03-28T23:00:00.000Z'],
    ['Europe/Berlin', [2026, 3, 30], '2026-03-29T22:00:00.000Z'],
    ['America/New_York', [2026, 11, 2], '2026-11-02T05:00:00.000Z'],
    // Midnight does not exist: clocks go from 24:00 to 01:00.
    ['America/Santiago', [2026, 9, 6], '2026-09-06T04:00:00.000Z'],
    // Midnight comes twice: 01:00 goes back to 00:00.
    ['America/Havana', [2026, 11, 1], '2026-11-01T04:00:00.000Z'],
    // The gap begins before midnight: 23:30 goes to 00:30.
    ['America/Toronto', [1919, 3, 31], '1919-03-31T04:30:00.000Z'],
    // The day does not exist.
    ['Pacific/Apia', [2011, 12, 30], '2011-12-30T10:00:00.000Z'],
    ['Asia/Kathmandu', [2026, 1, 1], '2025-12-31T18:15:00.000Z'],
  ] as const)('in %s on %j is %s', (zone, [year, month, day], expected) => {
    expect(new Date(instantOf(midnight(year, month, day), zone)).toISOString()).toBe(expected)
  })
})

describe('the wall clock', () => {
  it('comes back from the instant that it was turned into, but for a gap', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.integer({ min: -2_000_000_000_000, max: 4_000_000_000_000 }),
        (zone, instant) => {
          const local = localTimeAt(instant, zone)
          const back = instantOf(local, zone)
          expect(localTimeAt(back, zone)).toEqual(local)
          expect(back).toBeLessThanOrEqual(instant)
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('knows the years before Christ and before 100', () => {
    const ancient = Date.UTC(-1, 5, 1)
    expect(offsetAt(ancient, 'UTC')).toBe(0)
    expect(new Date(millisecondsOf({ ...midnight(50, 1, 1) })).getUTCFullYear()).toBe(50)
  })
})

describe('the name of a time zone', () => {
  it.each([['Europe/Berlin'], ['UTC'], ['America/Argentina/Buenos_Aires'], ['Etc/GMT+5']])(
    'may be %s',
    (zone) => {
      expect(isTimeZone(zone)).toBe(true)
    },
  )
  it.each([['Mars/Olympus'], ['+02:00'], [''], ['Berlin'], ['../etc']])('may not be "%s"', (zone) => {
    expect(isTimeZone(zone)).toBe(false)
  })
})
