import { describe, expect, it } from 'vitest'
import type { Observation } from '../../src/fhir/types.ts'
import { decodeNotes, decodeObservation } from '../../src/open-mhealth/decode.ts'
import { frameNotes } from '../../src/open-mhealth/time-frame.ts'
import { componentFor, withBody } from './observations.ts'

const start = '2026-11-19T22:19:00-07:00'
const end = '2026-11-20T05:19:00-07:00'

function decode(frame: unknown, own: Partial<Observation> = {}) {
  const body = { sleep_duration: { value: 6, unit: 'h' }, effective_time_frame: frame }
  return decodeObservation(withBody(body, 'omh:sleep-duration:2.0', own))
}

/** What notes of ours say. */
function notesOf({ note }: Observation) {
  return (note ?? []).map(({ authorString, text }) =>
    authorString === 'fastify-fhir-mcp' ? text : undefined,
  )
}

describe('a time frame', () => {
  it.each([
    ['2026-11-19T22:19:00-07:00', '2026-11-19T22:19:00-07:00'],
    ['2026-11-19T22:19:00.123456789Z', '2026-11-19T22:19:00.123456789Z'],
    ['2026-11-19t22:19:00z', '2026-11-19T22:19:00Z'],
    ['2026-11-19 22:19+0530', '2026-11-19T22:19:00+05:30'],
    ['2026-11-19T22:19:00', '2026-11-19T22:19:00Z'],
    ['2024-02-29', '2024-02-29'],
    ['2016-12-31T23:59:60Z', '2016-12-31T23:59:60Z'],
    ['2016-12-31t18:59:60.25-0500', '2016-12-31T18:59:60.25-05:00'],
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
    [
      'to a leap second',
      { start_date_time: '2016-12-31T00:00:00Z', end_date_time: '2016-12-31T23:59:60Z' },
      { start: '2016-12-31T00:00:00Z', end: '2016-12-31T23:59:60Z' },
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
    [{ value: 1, unit: 'd' }, '2016-12-31T23:59:60Z'],
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

  it.each<[string, object, Partial<Observation>, string]>([
    [
      'at a point in time and over an interval',
      { date_time: start, time_interval: { start_date_time: start, duration: { value: 60, unit: 'sec' } } },
      { effectiveDateTime: start },
      frameNotes.both,
    ],
    [
      'of a start alone',
      { time_interval: { start_date_time: start } },
      { effectivePeriod: { start } },
      frameNotes.oneEnd,
    ],
    [
      'of an end alone',
      { time_interval: { end_date_time: end } },
      { effectivePeriod: { end } },
      frameNotes.oneEnd,
    ],
    [
      'of a negative duration',
      { time_interval: { start_date_time: start, duration: { value: -1, unit: 'h' } } },
      { effectivePeriod: { start } },
      frameNotes.unreadable,
    ],
    [
      'of a duration without unit',
      { time_interval: { start_date_time: start, duration: { value: 1 } } },
      { effectivePeriod: { start } },
      frameNotes.unreadable,
    ],
    [
      'of a start that is no time',
      { time_interval: { start_date_time: 'noon', end_date_time: end } },
      { effectivePeriod: { end } },
      frameNotes.unreadable,
    ],
    [
      'of an end that is a number, which a duration does not stand for',
      { time_interval: { start_date_time: start, end_date_time: 1, duration: { value: 1, unit: 'h' } } },
      { effectivePeriod: { start } },
      frameNotes.unreadable,
    ],
    [
      'at a point that is no time and over an interval',
      { date_time: 'noon', time_interval: { start_date_time: start, end_date_time: end } },
      { effectivePeriod: { start, end } },
      frameNotes.unreadable,
    ],
    [
      'of a date and a part of the day that is a number',
      { time_interval: { date: '2026-11-19', part_of_day: 3 } },
      { effectiveDateTime: '2026-11-19' },
      frameNotes.unreadable,
    ],
  ])('%s keeps the value, with as much of the time as is plain', (_, frame, effective, note) => {
    const { observation, decoded } = decode(frame)
    expect(decoded).toBe(true)
    expect(observation).toMatchObject({ valueQuantity: { value: 6, code: 'h' }, ...effective })
    expect(notesOf(observation)).toEqual([note, decodeNotes.undatedThere])
    expect(JSON.stringify(observation)).not.toContain('attachment')
  })

  it.each([
    ['of no form', {}],
    ['that is a text', start],
    ['that is a list', [{ date_time: start }]],
    ['of ends that are no times', { time_interval: { start_date_time: 'noon', end_date_time: 'night' } }],
    ['of a part of the day alone', { time_interval: { part_of_day: 'night' } }],
    ['of a date that has a time', { time_interval: { date: start, part_of_day: 'night' } }],
    ['of an interval that is a text', { time_interval: 'all day' }],
    ['on a day that does not exist', { date_time: '2026-02-30T00:00:00Z' }],
    ['in an hour that does not exist', { date_time: '2026-02-03T24:00:00Z' }],
    ['in a second that does not exist', { date_time: '2026-02-03T23:59:61Z' }],
    ['in a month that does not exist', { date_time: '2026-13-03' }],
    ['on a clock that does not exist', { date_time: '2026-02-03T00:00:00+14:30' }],
    ['on a clock with 60 minutes', { date_time: '2026-02-03T00:00:00+01:60' }],
    ['finer than FHIR can say', { date_time: '2026-02-03T00:00:00.1234567891Z' }],
  ])('%s keeps the value, undated, and the frame as it came', (_, frame) => {
    const { observation } = decode(frame)
    expect(observation.valueQuantity).toMatchObject({ value: 6, code: 'h' })
    expect(observation.effectiveDateTime ?? observation.effectivePeriod).toBeUndefined()
    expect(notesOf(observation)).toEqual([frameNotes.unreadable])
    expect(observation.component?.length).toBeGreaterThan(0)
    const own = decode(frame, { effectiveDateTime: start }).observation
    expect(own.effectiveDateTime).toBe(start)
    expect(notesOf(own)).toEqual([frameNotes.unreadable])
  })

  it('that ends before it starts keeps the value and both ends, and is no period, which FHIR forbids', () => {
    const time_interval = { start_date_time: end, end_date_time: start }
    const utcEnds = { start: '2026-11-20T12:19:00Z', end: '2026-11-20T05:19:00Z' }
    for (const own of [{}, { effectivePeriod: utcEnds }]) {
      const { observation } = decode({ time_interval }, own)
      expect(observation.valueQuantity).toMatchObject({ value: 6, code: 'h' })
      expect(observation.effectivePeriod).toBeUndefined()
      expect(observation.component).toMatchObject([{ valueDateTime: end }, { valueDateTime: start }])
      expect(notesOf(observation)).toEqual([frameNotes.reversed])
    }
    const other = decode({ time_interval }, { effectiveDateTime: '2026-11-19T00:00:00Z' }).observation
    expect(other.effectiveDateTime).toBe('2026-11-19T00:00:00Z')
    expect(notesOf(other)).toEqual([frameNotes.reversed, decodeNotes.otherTime])
  })

  it('of a date alone is effective on the date', () => {
    const { observation } = decode({ time_interval: { date: '2026-11-19' } })
    expect(observation.effectiveDateTime).toBe('2026-11-19')
    expect(observation.component).toBeUndefined()
    expect(notesOf(observation)).toEqual([])
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

  it('stands in the words of the body where it is the same, and is not repeated', () => {
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

  it.each<[string, unknown, Partial<Observation>, Partial<Observation>]>([
    [
      'a point in time that the exchange turned into UTC',
      { date_time: '2025-01-01T00:02:00-08:00' },
      { effectiveDateTime: '2025-01-01T08:02:00Z' },
      { effectiveDateTime: '2025-01-01T00:02:00-08:00' },
    ],
    [
      'the same as an instant',
      { date_time: '2025-01-01T00:02:00-08:00' },
      { effectiveInstant: '2025-01-01T08:02:00.000Z' },
      { effectiveDateTime: '2025-01-01T00:02:00-08:00' },
    ],
    [
      'an interval that the exchange turned into UTC',
      { time_interval: interval },
      { effectivePeriod: { start: '2026-11-20T05:19:00Z', end: '2026-11-20T12:19:00Z' } },
      { effectivePeriod: { start, end } },
    ],
    [
      'an end that only the exchange worked out',
      { time_interval: { start_date_time: start, duration: { value: 1, unit: 'Mo' } } },
      { effectivePeriod: { start: '2026-11-20T05:19:00Z', end: '2026-12-20T05:19:00Z' } },
      { effectivePeriod: { start, end: '2026-12-20T05:19:00Z' } },
    ],
    [
      'an end that only the body has',
      { time_interval: interval },
      { effectivePeriod: { start } },
      { effectivePeriod: { start, end } },
    ],
    [
      'a fraction that the exchange cut off',
      { date_time: '2026-11-19T22:19:00.123456789-07:00' },
      { effectiveDateTime: '2026-11-20T05:19:00.123Z' },
      { effectiveDateTime: '2026-11-19T22:19:00.123456789-07:00' },
    ],
    [
      'a date that the exchange made the beginning of',
      { date_time: '2024-02-29' },
      { effectiveDateTime: '2024-02-29T00:00:00Z' },
      { effectiveDateTime: '2024-02-29' },
    ],
    [
      'a time on the date that the exchange has',
      { date_time: start },
      { effectiveDateTime: '2026-11-19' },
      { effectiveDateTime: start },
    ],
  ])('and %s are one time, with the offset of the body and no component', (_, frame, own, effective) => {
    const { observation } = decode(frame, own)
    const { effectiveDateTime, effectivePeriod, effectiveInstant } = observation
    expect(JSON.parse(JSON.stringify({ effectiveDateTime, effectivePeriod, effectiveInstant }))).toEqual(
      effective,
    )
    const path = (observation.component ?? []).map(({ code }) => code.text)
    expect(path.filter((text) => text !== 'time interval duration')).toEqual([])
    expect(observation.note).toBeUndefined()
  })

  it.each<[string, Partial<Observation>]>([
    ['differs', { effectivePeriod: { start, end: start } }],
    ['differs by its start', { effectivePeriod: { start: '2026-11-20T05:18:59.999Z' } }],
    ['is empty', { effectivePeriod: {} }],
    ['is a point in time', { effectiveDateTime: start }],
    ['is an instant', { effectiveInstant: start }],
    ['is a timing', { effectiveTiming: { event: [start] } }],
    ['cannot be read', { effectiveDateTime: '2026-11' }],
  ])('stands where it %s; the time of the body is kept beside it, and a note says so', (_, own) => {
    const { observation } = decode({ time_interval: interval }, own)
    expect(observation).toMatchObject(own)
    expect(componentFor(observation, startPath)?.valueDateTime).toBe(start)
    expect(componentFor(observation, endPath)?.valueDateTime).toBe(end)
    expect(notesOf(observation)).toEqual([decodeNotes.otherTime])
  })

  it('stands where it is a period and the body has a point in time', () => {
    const { observation } = decode({ date_time: start }, { effectivePeriod: { start, end } })
    expect(observation.effectivePeriod).toEqual({ start, end })
    expect(componentFor(observation, 'effective_time_frame.date_time')?.valueDateTime).toBe(start)
    expect(notesOf(observation)).toEqual([decodeNotes.otherTime])
  })

  it('keeps the notes that the observation has', () => {
    const note = [{ text: 'after a run' }]
    const { observation } = decode({ date_time: start }, { effectivePeriod: { start, end }, note })
    expect(observation.note).toEqual([
      ...note,
      { authorString: 'fastify-fhir-mcp', text: decodeNotes.otherTime },
    ])
  })
})
