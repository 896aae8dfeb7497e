import { describe, expect, it } from 'vitest'
import { type Effective, readingTime } from '../../src/results/reading-time.ts'

const read = (effective: Effective, zone = 'Europe/Berlin') => readingTime(effective, zone)

describe('when an observation was taken', () => {
  it.each<[string, Effective, string]>([
    ['an instant', { effectiveDateTime: '2026-10-01T08:00:00Z' }, '2026-10-01T10:00:00+02:00'],
    ['a date stays a date', { effectiveDateTime: '2026-10-01' }, '2026-10-01'],
    ['R4 instant', { effectiveInstant: '2026-12-01T08:00:00.250Z' }, '2026-12-01T09:00:00.250+01:00'],
    [
      'both ends',
      { effectivePeriod: { start: '2026-10-24T22:00:00Z', end: '2026-10-25T05:00:00Z' } },
      '2026-10-25T00:00:00+02:00/2026-10-25T06:00:00+01:00',
    ],
    ['an open end', { effectivePeriod: { start: '2026-10-01' } }, '2026-10-01/..'],
    ['an open start', { effectivePeriod: { end: '2026-10-01' } }, '../2026-10-01'],
    ['an empty period', { effectivePeriod: {} }, 'undated'],
    ['nothing', {}, 'undated'],
    ['no time', { effectiveDateTime: 'soon' }, '"soon"'],
    [
      'a timing',
      { effectiveTiming: { event: ['2026-10-01T08:00:00Z', '2026-10-02'], code: { text: 'BID' } } },
      'timing 2026-10-01T10:00:00+02:00 2026-10-02 {"code":{"text":"BID"}}',
    ],
    ['events alone', { effectiveTiming: { event: ['2026-10-02'] } }, 'timing 2026-10-02'],
  ])('says %s', (_, effective, text) => {
    expect(read(effective).text).toBe(text)
  })

  it('knows a day only where there is one', () => {
    expect(read({ effectiveDateTime: '2026-10-01' })).toMatchObject({ hasDay: true, isDated: true })
    expect(read({ effectiveDateTime: '2026-10' })).toMatchObject({ hasDay: false, isDated: true })
    expect(read({})).toMatchObject({ hasDay: false, isDated: false, from: undefined, to: undefined })
  })

  it.each<[string, Effective]>([
    ['a Timing without events and bounds', { effectiveTiming: { code: { text: 'BID' } } }],
    ['a Timing that repeats without bounds', { effectiveTiming: { repeat: { frequency: 2 } } }],
    ['an empty period', { effectivePeriod: {} }],
    ['what is no time', { effectiveDateTime: 'soon' }],
  ])('is undated with %s', (_, effective) => {
    expect(read(effective)).toMatchObject({ isDated: false, from: undefined })
  })

  it('has the times of a Timing in order, and those of its bounds, as a search finds it', () => {
    const event = ['2026-06-02T00:00:00Z', '2026-06-01T00:00:00Z']
    const repeat = { boundsPeriod: { start: '2026-05-01T00:00:00Z', end: '2026-05-03T00:00:00Z' } }
    const [may, june] = [Date.UTC(2026, 4, 1), Date.UTC(2026, 5, 2)]
    expect(read({ effectiveTiming: { event } })).toMatchObject({ from: Date.UTC(2026, 5, 1), to: june })
    expect(read({ effectiveTiming: { repeat } })).toMatchObject({ from: may, to: Date.UTC(2026, 4, 3) })
    expect(read({ effectiveTiming: { event, repeat } })).toMatchObject({ from: may, to: june })
  })

  it('orders by the start, and by the end where only that is known', () => {
    expect(read({ effectivePeriod: { end: '2026-10-01T00:00:00Z' } }).from).toBe(Date.UTC(2026, 9, 1))
    expect(read({ effectiveDateTime: '2026-10-01' }).from).toBe(Date.UTC(2026, 8, 30, 22))
    expect(read({ effectiveDateTime: '2026-10-01' }).to).toBe(Date.UTC(2026, 9, 1, 22))
    const effectivePeriod = { start: '2026-10-01T00:00:00Z', end: '2026-10-01T01:00:00Z' }
    expect(read({ effectivePeriod }).to).toBe(Date.UTC(2026, 9, 1, 1))
  })
})
