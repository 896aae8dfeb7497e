import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dayOf, endOf, inZone, parseTime, startOf, utc, writtenInZone } from '../../src/fhir/date-time.ts'

const span = (text: string, zone = 'UTC') => {
  const written = parseTime(text)
  if (written === undefined) return undefined
  return [utc(startOf(written, zone)), utc(endOf(written, zone))]
}

describe('a written time', () => {
  it.each([
    ['2026', '2026-01-01T00:00:00Z', '2027-01-01T00:00:00Z'],
    ['2026-12', '2026-12-01T00:00:00Z', '2027-01-01T00:00:00Z'],
    ['2024-02-29', '2024-02-29T00:00:00Z', '2024-03-01T00:00:00Z'],
    ['2026-10-01T08:30', '2026-10-01T08:30:00Z', '2026-10-01T08:31:00Z'],
    ['2026-10-01T08:30:15', '2026-10-01T08:30:15Z', '2026-10-01T08:30:16Z'],
    ['2026-10-01T08:30:15.5Z', '2026-10-01T08:30:15.500Z', '2026-10-01T08:30:15.501Z'],
    ['2026-10-01T08:30:00+02:00', '2026-10-01T06:30:00Z', '2026-10-01T06:30:01Z'],
    ['2026-10-01T08:30:00-0330', '2026-10-01T12:00:00Z', '2026-10-01T12:00:01Z'],
    // A leap second stays in its minute, day and year on clocks that have none.
    ['2016-12-31T23:59:60Z', '2016-12-31T23:59:59.999Z', '2017-01-01T00:00:00Z'],
    ['2016-12-31T18:59:60.25-05:00', '2016-12-31T23:59:59.999Z', '2017-01-01T00:00:00Z'],
  ])('%s stands for the time from %s to before %s', (text, from, to) => {
    expect(span(text)).toEqual([from, to])
  })

  it('names only days that the calendar has', () => {
    for (const year of [1, 4, 100, 1900, 2000, 2024, 2026, 9999]) {
      for (let month = 0; month <= 13; month += 1) {
        for (let day = 0; day <= 32; day += 1) {
          const date = new Date(0)
          date.setUTCFullYear(year, month - 1, day)
          const exists = date.getUTCMonth() === month - 1 && date.getUTCDate() === day
          const pad = (number: number, digits: number) => String(number).padStart(digits, '0')
          const written = parseTime(`${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}T00:00:00Z`)
          expect(written === undefined ? undefined : startOf(written, 'UTC')).toBe(
            exists ? date.getTime() : undefined,
          )
        }
      }
    }
  })

  it('is read in the time zone only where it has no offset', () => {
    expect(span('2026-10-25', 'Europe/Berlin')).toEqual(['2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z'])
    expect(span('2026-10-25T01:00', 'Europe/Berlin')?.[0]).toBe('2026-10-24T23:00:00Z')
    expect(span('2026-10-25T01:00Z', 'Europe/Berlin')?.[0]).toBe('2026-10-25T01:00:00Z')
  })

  it.each([
    ['2026-02-30'],
    ['2026-13'],
    ['2026-1-1'],
    ['0000'],
    ['2026-10-01T24:00'],
    ['2026-10-01T08:60'],
    ['2026-10-01T08:30:61'],
    ['2026-10-01T08:30+15:00'],
    ['2026-10-01T08:30+01:75'],
    ['2026-10-01T'],
    ['2026-10-01Z'],
    ['yesterday'],
    [''],
  ])('is not "%s"', (text) => {
    expect(parseTime(text)).toBeUndefined()
  })
})

it('a leap second stays one on the clock of another zone', () => {
  const shown = (text: string, zone: string) => {
    const written = parseTime(text)
    return written && writtenInZone(written, zone)
  }
  expect(shown('2016-12-31T23:59:60Z', 'UTC')).toBe('2016-12-31T23:59:60Z')
  expect(shown('2016-12-31T23:59:60.5Z', 'Asia/Kolkata')).toBe('2017-01-01T05:29:60.5+05:30')
  expect(shown('2016-12-31T23:59:59.999Z', 'Europe/Berlin')).toBe('2017-01-01T00:59:59.999+01:00')
})

describe('an instant', () => {
  it('is written with the offset of the zone, and stays the same instant', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Intl.supportedValuesOf('timeZone')),
        fc.date({ min: new Date('1900-01-01'), max: new Date('2100-01-01'), noInvalidDate: true }),
        (zone, date) => {
          const written = inZone(date.getTime(), zone)
          expect(Date.parse(written)).toBe(date.getTime())
          expect(written).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?(Z|[+-]\d\d:\d\d)$/)
        },
      ),
    )
  })

  it.each([
    ['Europe/Berlin', '2026-07-01T02:00:00+02:00'],
    ['America/St_Johns', '2026-06-30T21:30:00-02:30'],
    ['UTC', '2026-07-01T00:00:00Z'],
  ])('is written in %s as %s', (zone, text) => {
    expect(inZone(Date.parse('2026-07-01T00:00:00Z'), zone)).toBe(text)
  })

  it('belongs to the day that the wall clock shows', () => {
    expect(dayOf(Date.parse('2026-10-01T22:30:00Z'), 'Europe/Berlin')).toBe('2026-10-02')
    expect(dayOf(Date.parse('2026-10-01T02:30:00Z'), 'America/New_York')).toBe('2026-09-30')
  })
})
