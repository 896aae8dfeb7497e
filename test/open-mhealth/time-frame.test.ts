import { describe, expect, it } from 'vitest'
import type { Observation } from '../../src/fhir/types.ts'
import { decodeNotes, decodeObservation } from '../../src/open-mhealth/decode.ts'
import { componentFor, withBody } from './observations.ts'

const start = '2026-11-19T22:19:00-07:00'
const end = '2026-11-20T05:19:00-07:00'

function decode(frame: unknown, own: Partial<Observation> = {}) {
  const body = { sleep_duration: { value: 6, unit: 'h' }, effective_time_frame: frame }
  return decodeObservation(withBody(body, 'omh:sleep-duration:2.0', own))
}

describe('a time frame', () => {
  it.each([
    ['2026-11-19T22:19:00-07:00', '2026-11-19T22:19:00-07:00'],
    ['2026-11-19T22:19:00.123456789Z', '2026-11-19T22:19:00.123456789Z'],
    ['2026-11-19t22:19:00z', '2026-11-19T22:19:00Z'],
    ['2026-11-19 22:19+0530', '2026-11-19T22:19:00+05:30'],
    ['2026-11-19T22:19:00', '2026-11-19T22:19:00Z'],
    ['2024-02-29', '2024-02-29'],
  ])('at %s is effective at %s', (date_time, effectiveDateTime) => {
    const { observation } = decode({ date_time })
    expect(observation.effectiveDateTime).toBe(effectiveDateTime)
    expect(observation.component).toBeUndefined()
  })

  it.each([
    ['from start to end', { start_date_time: start, end_date_time: end }, { start, end }],
    ['by start and duration', { start_date_time: start, duration: { value: 7, unit: 'h' } }, { start, end }],
    ['by end and duration', { end_date_time: end, duration: { value: 25200, unit: 'sec' } }, { start, end }],
    [
      'by a fraction that a double does not hold',
      { start_date_time: '2026-11-19T00:00:00.000001Z', duration: { value: 7.1, unit: 'h' } },
      { start: '2026-11-19T00:00:00.000001Z', end: '2026-11-19T07:06:00.000001Z' },
    ],
    [
      'across midnight on its own clock',
      { start_date_time: '2026-12-31T23:59:59.5+01:00', duration: { value: 500, unit: 'ms' } },
      { start: '2026-12-31T23:59:59.5+01:00', end: '2027-01-01T00:00:00+01:00' },
    ],
    [
      'before 1970',
      { end_date_time: '1970-01-01T00:00:00Z', duration: { value: 1, unit: 'ns' } },
      { start: '1969-12-31T23:59:59.999999999Z', end: '1970-01-01T00:00:00Z' },
    ],
    ['of no length', { start_date_time: start, duration: { value: 0, unit: 'd' } }, { start, end: start }],
  ])('%s is a period with both ends', (_, time_interval, period) => {
    const { observation } = decode({ time_interval })
    expect(observation.effectivePeriod).toEqual(period)
  })

  it.each([
    [{ value: 1, unit: 'Mo' }],
    [{ value: 1, unit: 'yr' }],
    [{ value: 1, unit: 'ps' }],
    [{ value: 2, unit: 'fortnights' }],
    [{ value: 1e300, unit: 'd' }],
    [{ value: 20_000, unit: 'wk' }, '9999-01-01T00:00:00Z'],
    [{ value: 9e15, unit: 'd' }],
    [{ value: 1, unit: 'd' }, '2026-11-19'],
  ])(
    'with a duration of %j that has no exact end keeps the start and the duration',
    (duration, from = start) => {
      const { observation } = decode({ time_interval: { start_date_time: from, duration } })
      expect(observation.effectivePeriod).toEqual({ start: from })
      const component = componentFor(observation, 'effective_time_frame.time_interval.duration')
      expect(component?.valueQuantity).toMatchObject(duration)
    },
  )

  it('by end and a duration of months keeps the end', () => {
    const { observation } = decode({
      time_interval: { end_date_time: end, duration: { value: 2, unit: 'Mo' } },
    })
    expect(observation.effectivePeriod).toEqual({ end })
  })

  it('keeps a duration that is stated beside start and end, even one that contradicts them', () => {
    const time_interval = { start_date_time: start, end_date_time: end, duration: { value: 9, unit: 'h' } }
    const { observation } = decode({ time_interval })
    expect(observation.effectivePeriod).toEqual({ start, end })
    expect(observation.component).toMatchObject([
      { code: { text: 'time interval duration' }, valueQuantity: { value: 9, code: 'h' } },
    ])
  })

  it('by date and part of the day is effective on the date, with the part as a component', () => {
    const { observation } = decode({ time_interval: { date: '2026-11-19', part_of_day: 'night' } })
    expect(observation.effectiveDateTime).toBe('2026-11-19')
    expect(observation.effectivePeriod).toBeUndefined()
    const path = 'effective_time_frame.time_interval.part_of_day'
    expect(componentFor(observation, path)?.valueString).toBe('night')
    expect(observation.component).toHaveLength(1)
  })

  it.each([
    ['of no form', {}],
    ['that is a text', start],
    ['that is a list', [{ date_time: start }]],
    ['at two times', { date_time: start, time_interval: { start_date_time: start, end_date_time: end } }],
    ['that ends before it starts', { time_interval: { start_date_time: end, end_date_time: start } }],
    ['of a start alone', { time_interval: { start_date_time: start } }],
    [
      'of a negative duration',
      { time_interval: { start_date_time: start, duration: { value: -1, unit: 'h' } } },
    ],
    ['of a duration without unit', { time_interval: { start_date_time: start, duration: { value: 1 } } }],
    ['of a start that is no time', { time_interval: { start_date_time: 'noon', end_date_time: end } }],
    ['of an end that is a number', { time_interval: { start_date_time: start, end_date_time: 1 } }],
    ['of a part of the day alone', { time_interval: { part_of_day: 'night' } }],
    ['of a date alone', { time_interval: { date: '2026-11-19' } }],
    ['of a date that has a time', { time_interval: { date: start, part_of_day: 'night' } }],
    ['on a day that does not exist', { date_time: '2026-02-30T00:00:00Z' }],
    ['in an hour that does not exist', { date_time: '2026-02-03T24:00:00Z' }],
    ['in a month that does not exist', { date_time: '2026-13-03' }],
    ['on a clock that does not exist', { date_time: '2026-02-03T00:00:00+14:30' }],
    ['on a clock with 60 minutes', { date_time: '2026-02-03T00:00:00+01:60' }],
    ['finer than FHIR can say', { date_time: '2026-02-03T00:00:00.1234567891Z' }],
  ])('%s keeps the attachment', (_, frame) => {
    const result = decode(frame)
    expect(result).toMatchObject({ decoded: false, note: decodeNotes.unexpectedShape })
    expect(result.observation.valueAttachment).toBeDefined()
  })

  it('that is missing or null leaves the time of the resource alone', () => {
    for (const frame of [undefined, null]) {
      const { observation, decoded } = decode(frame, { effectiveDateTime: '2026-11' })
      expect(decoded).toBe(true)
      expect(observation.effectiveDateTime).toBe('2026-11')
    }
    expect(decode(undefined).observation.effectiveDateTime).toBeUndefined()
  })
})

describe('the time of the resource', () => {
  const interval = { start_date_time: start, end_date_time: end }
  const startPath = 'effective_time_frame.time_interval.start_date_time'
  const endPath = 'effective_time_frame.time_interval.end_date_time'

  it('stands, and the same time of the body is not repeated', () => {
    const { observation } = decode({ time_interval: interval }, { effectivePeriod: { start, end } })
    expect(observation.effectivePeriod).toEqual({ start, end })
    expect(observation.component).toBeUndefined()
    const same = { effectiveDateTime: '2026-11-20T05:19:00.000Z' }
    expect(decode({ date_time: '2026-11-20T05:19:00+00:00' }, same).observation.component).toBeUndefined()
    const open = decode(
      { time_interval: { start_date_time: start, duration: { value: 1, unit: 'Mo' } } },
      { effectivePeriod: { start } },
    )
    expect(open.observation.component).toHaveLength(1)
  })

  it.each<[string, Partial<Observation>]>([
    ['differs', { effectivePeriod: { start, end: start } }],
    ['has only one end', { effectivePeriod: { start } }],
    [
      'is on another clock',
      { effectivePeriod: { start: '2026-11-20T05:19:00Z', end: '2026-11-20T12:19:00Z' } },
    ],
    ['is a point in time', { effectiveDateTime: start }],
    ['is an instant', { effectiveInstant: start }],
    ['is a timing', { effectiveTiming: { event: [start] } }],
    ['cannot be read', { effectiveDateTime: '2026-11' }],
  ])('stands where it %s, and the time of the body is kept beside it', (_, own) => {
    const { observation } = decode({ time_interval: interval }, own)
    expect(observation).toMatchObject(own)
    expect(componentFor(observation, startPath)?.valueDateTime).toBe(start)
    expect(componentFor(observation, endPath)?.valueDateTime).toBe(end)
  })

  it('stands where it is a period and the body has a point in time', () => {
    const { observation } = decode({ date_time: start }, { effectivePeriod: { start, end } })
    expect(observation.effectivePeriod).toEqual({ start, end })
    expect(componentFor(observation, 'effective_time_frame.date_time')?.valueDateTime).toBe(start)
  })
})
