import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { periodOf } from '../../../src/tools/arguments/period.ts'

const period = (start?: string, end?: string, time_zone = 'UTC') => periodOf({ start, end, time_zone })

describe('a period', () => {
  it('includes the whole day of its end, in the time zone', () => {
    expect(period('2026-10-01', '2026-10-31', 'Europe/Berlin')).toEqual({
      from: '2026-09-30T22:00:00Z',
      before: '2026-10-31T23:00:00Z',
      timeZone: 'Europe/Berlin',
      wording: 'from 2026-10-01T00:00:00+02:00 and before 2026-11-01T00:00:00+01:00',
    })
  })

  it('of one day is that day: 23 hours where clocks go forward, 25 where they go back', () => {
    const hours = (day: string) => {
      const { from = '', before = '' } = period(day, day, 'Europe/Berlin')
      return (Date.parse(before) - Date.parse(from)) / 3_600_000
    }
    expect([hours('2026-03-29'), hours('2026-03-30'), hours('2026-10-25')]).toEqual([23, 24, 25])
  })

  it('includes the whole month of its end, and the whole second', () => {
    expect(period('2026-02', '2026-02')).toMatchObject({
      from: '2026-02-01T00:00:00Z',
      before: '2026-03-01T00:00:00Z',
    })
    expect(period(undefined, '2026-10-01T23:59:59').before).toBe('2026-10-02T00:00:00Z')
  })

  it('keeps an offset that is given', () => {
    expect(period('2026-10-01T08:00:00+02:00', undefined, 'America/New_York').from).toBe(
      '2026-10-01T06:00:00Z',
    )
  })

  it('has no bound where none is given', () => {
    expect(period()).toEqual({ timeZone: 'UTC', wording: '' })
  })

  it.each([
    [['2026-10-02', '2026-10-01'], /start must not be after end/],
    [['01.10.2026'], /start must be a date \(2026-10-01\)/],
    [[undefined, '2026-02-30'], /end must be a date/],
    [['yesterday', undefined, 'Pacific/Auckland'], /Today is 2026-11-24 in Pacific\/Auckland\.$/],
    [['2026-10-01', undefined, 'Mars/Olympus'], /time_zone must be the IANA name/],
    [['2026-10-01', undefined, '+02:00'], /time_zone must be the IANA name/],
    // Samoa went over this day.
    [['2011-12-30', '2011-12-30', 'Pacific/Apia'], /start must not be after end/],
  ])('refuses %j and says what would be right', ([start, end, zone], detail) => {
    vi.useFakeTimers({ now: Date.parse('2026-11-23T12:00:00Z') })
    onTestFinished(() => void vi.useRealTimers())
    expect(() => period(start, end, zone)).toThrow(
      expect.objectContaining({ code: 'FHIR_MCP_INVALID_ARGUMENT', detail: expect.stringMatching(detail) }),
    )
  })
})
