import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Observation } from '../../src/fhir/types.ts'
import { dataTypes, type Member } from '../../src/open-mhealth/data-types.ts'
import { decodeObservation } from '../../src/open-mhealth/decode.ts'
import { withBody, withText } from './observations.ts'

const numbers = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer(), fc.nat(300))
const unitWords = fc.constantFrom(
  ...['mg/dL', 'mmol/L', 'mmHg', 'C', 'F', 'K', 'kg', 'g', 'lb', 'oz', 'beats/min', 'breaths/min', 'ms', '%'],
  ...[
    'sec',
    'min',
    'h',
    'd',
    'wk',
    'Mo',
    'yr',
    'kcal',
    'm',
    'km',
    'mi',
    'steps',
    'laps',
    'm/s',
    'MET',
    'furlongs',
  ],
)
const unitValues = fc.record({ value: numbers, unit: unitWords })

const dates = fc.date({ min: new Date('1950-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
const zones = fc.constantFrom('Z', '+00:00', '-07:00', '+05:30', '')
const times = fc
  .tuple(dates, zones, fc.constantFrom('', '.5', '.123456', '.000000001'))
  .map(([date, zone, fraction]) => `${date.toISOString().slice(0, 19)}${fraction}${zone}`)
const days = dates.map((date) => date.toISOString().slice(0, 10))
const durations = fc.record({
  value: fc.oneof(fc.nat(100_000), fc.double({ min: 0, max: 1e6, noNaN: true })),
  unit: fc.constantFrom('ps', 'ns', 'us', 'ms', 'sec', 'min', 'h', 'd', 'wk', 'Mo', 'yr'),
})
const intervals = fc.oneof(
  fc.tuple(times, times, fc.option(durations, { nil: undefined })).map(([one, other, duration]) => {
    const [start_date_time, end_date_time] = instant(one) <= instant(other) ? [one, other] : [other, one]
    return { start_date_time, end_date_time, duration }
  }),
  fc.record({ start_date_time: times, duration: durations }),
  fc.record({ end_date_time: times, duration: durations }),
  fc.record({ date: days, part_of_day: fc.constantFrom('morning', 'afternoon', 'evening', 'night') }),
)
/** Frames that no schema allows, and people write. */
const oddFrames = fc.oneof(
  fc.record({ date_time: times, time_interval: intervals }),
  fc.tuple(times, times).map(([one, other]) => {
    const [end_date_time, start_date_time] = instant(one) <= instant(other) ? [one, other] : [other, one]
    return { time_interval: { start_date_time, end_date_time } }
  }),
  fc.record({ time_interval: fc.record({ start_date_time: times }) }),
  fc.record({ time_interval: fc.record({ end_date_time: times, duration: fc.constant('long') }) }),
  fc.record({ time_interval: fc.record({ start_date_time: fc.string(), end_date_time: times }) }),
  fc.record({ date_time: fc.constantFrom('2016-12-31T23:59:60Z', '2016-12-31T18:59:60.5-05:00') }),
  fc.record({ date_time: fc.oneof(fc.string(), fc.constantFrom('2026-13-01', '2026-10')) }),
  fc.record({ noon: fc.string() }),
)
const frames = fc.oneof(
  fc.record({ date_time: times }),
  intervals.map((time_interval) => ({ time_interval })),
  oddFrames,
)

const names = fc.stringMatching(/^x_[a-z]{1,6}$/)
const { extra } = fc.letrec((tie) => ({
  extra: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    numbers,
    times,
    fc.string(),
    fc.boolean(),
    fc.constant(null),
    unitValues,
    fc.array(tie('extra'), { maxLength: 3 }),
    fc.dictionary(names, tie('extra'), { maxKeys: 3, noNullPrototype: true }),
  ),
}))
const words = fc.record(
  {
    descriptive_statistic: fc.constantFrom('average', 'sum', 'maximum', 'standard deviation', 'count'),
    descriptive_statistic_denominator: fc.constantFrom('d', 'wk', 'session'),
    measurement_location: fc.string({ minLength: 1 }),
    measurement_method: fc.constantFrom('pulse oximetry', 'other'),
    specimen_source: fc.constantFrom('plasma', 'interstitial fluid', 'tears'),
    temporal_relationship_to_physical_activity: fc.constantFrom('at rest', 'active'),
    temporal_relationship_to_sleep: fc.constantFrom('during sleep', 'on waking'),
    body_posture: fc.constantFrom('sitting', 'lying down'),
    algorithm: fc.constantFrom('SDNN', 'RMSSD'),
  },
  { requiredKeys: [] },
)

function place(body: Record<string, unknown>, [name = '', ...rest]: string[], value: unknown): void {
  if (rest.length === 0) {
    body[name] = value
    return
  }
  const inner = (body[name] ?? {}) as Record<string, unknown>
  body[name] = inner
  place(inner, rest, value)
}

/** Values for the members of a type, placed in the body as their paths say. */
function membersOf(members: readonly Member[], required: readonly string[]): fc.Arbitrary<object> {
  const values = members.map((member) => {
    const plain =
      member.kind === 'text' ? fc.string({ minLength: 1 }).filter((text) => text.trim() !== '') : unitValues
    const value = member.bareUnit === undefined ? plain : fc.oneof(plain, numbers)
    return required.includes(member.path) ? value : fc.option(value, { nil: undefined })
  })
  return fc.tuple(...values).map((drawn) => {
    const body = {}
    for (const [at, { path }] of members.entries()) {
      if (drawn[at] !== undefined) place(body, path.split('.'), drawn[at])
    }
    return body
  })
}

/** Observations of every type, version family and namespace, with or without a time of their own. */
const observations = fc
  .constantFrom(...dataTypes())
  .chain((type) =>
    fc.record({
      code: fc
        .tuple(fc.constantFrom('omh', 'ieee'), fc.constantFrom('1', '1.0', '2.3.1', '4.x', 'x'))
        .map(([namespace, version]) => `${namespace}:${type.name}:${version}`),
      members: membersOf(type.members, type.required),
      frame: frames,
      words,
      extras: fc.dictionary(names, extra, { maxKeys: 4, noNullPrototype: true }),
      own: fc.oneof(
        fc.constant({}),
        fc.record({ effectiveDateTime: times }),
        fc.record({ effectivePeriod: fc.record({ start: times, end: times }) }),
        fc.constant('same' as const),
      ),
    }),
  )
  .map(({ code, members, frame, words: said, extras, own }) => {
    const body: object = { ...members, effective_time_frame: frame, ...said, ...extras }
    return { body, code, own: own === 'same' ? sameTime(frame) : own }
  })

function sameTime(frame: object): Partial<Observation> {
  if ('date_time' in frame && typeof frame.date_time === 'string')
    return { effectiveDateTime: frame.date_time }
  const interval = 'time_interval' in frame ? frame.time_interval : undefined
  const { start_date_time: start, end_date_time: end } = Object(interval)
  return { effectivePeriod: { ...(start ? { start } : {}), ...(end ? { end } : {}) } }
}

/** Times of the resource that are not to be found any more, to the millisecond. */
function lostTimes(own: Partial<Observation>, observation: Observation): string[] {
  const kept = textsOf(observation)
  const instants = kept.filter(isTime).map(instant)
  const isNear = (text: string) =>
    instants.some((one) => one - instant(text) < 1_000_000n && instant(text) - one < 1_000_000n)
  return textsOf(own).filter(
    (text) => text.trim() !== '' && !kept.includes(text) && !(isTime(text) && isNear(text)),
  )
}

function scalarsOf(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [value]
  return Object.values(value).flatMap(scalarsOf)
}
function numbersOf(value: unknown): number[] {
  return scalarsOf(value).filter((one) => typeof one === 'number')
}
function textsOf(value: unknown): string[] {
  return scalarsOf(value).filter((one) => typeof one === 'string')
}

/** Nanoseconds since the epoch, by other means than the decoder's; UTC where there is no offset. */
function instant(text: string): bigint {
  const match = /^(.{10}T.{8})(?:\.(\d+))?(Z|[+-].{5})?$/.exec(text)
  const seconds = Date.parse(
    `${match?.[1] ?? text}${match?.[3] ?? 'Z'}`.replace(/^(.{10})Z$/, '$1T00:00:00Z'),
  )
  return BigInt(seconds) * 1_000_000n + BigInt((match?.[2] ?? '').padEnd(9, '0'))
}
/** A time that a clock shows; a leap second is none here, and has to come back as it is. */
function isTime(text: string): boolean {
  return (
    !Number.isNaN(Date.parse(text)) &&
    /^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?)?$/.test(text)
  )
}

/** What of a body cannot be found in what was made of it. */
function lost(body: unknown, observation: Observation): unknown[] {
  const left = numbersOf(observation)
  const missingNumbers = numbersOf(JSON.parse(JSON.stringify(body))).filter((value) => {
    const at = left.indexOf(value)
    if (at !== -1) left.splice(at, 1)
    return at === -1
  })
  const texts = new Set(textsOf(observation))
  const instants = new Set([...texts].filter(isTime).map(instant))
  const missingTexts = textsOf(body)
    // Blank texts say nothing, and steps of 24 hours have a unit of their own.
    .filter((text) => text.trim() !== '' && text !== 'steps' && !texts.has(text))
    .filter((text) => !isTime(text) || !instants.has(instant(text)))
  return [...missingNumbers, ...missingTexts]
}

describe('decoding', () => {
  it('loses no number, no time and no text of any body of any type', () => {
    fc.assert(
      fc.property(observations, ({ body, code, own }) => {
        const result = decodeObservation(withBody(body, code, own))
        expect(result.decoded).toBe(true)
        expect(result.observation.valueAttachment).toBeUndefined()
        expect(lost(body, result.observation)).toEqual([])
        expect(lostTimes(own, result.observation)).toEqual([])
        expect(numbersOf(result.observation).every(Number.isFinite)).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })

  it('is judged by a test that sees a lost number, a lost time and a number that was rounded (control)', () => {
    const body = {
      heart_rate: { value: 60.25, unit: 'beats/min' },
      effective_time_frame: { date_time: '2026-11-19T23:20:34Z' },
    }
    const { observation } = decodeObservation(withBody(body, 'omh:heart-rate:2.0'))
    const { effectiveDateTime, ...undated } = observation
    expect(lost(body, observation)).toEqual([])
    expect(lost(body, undated)).toEqual([effectiveDateTime])
    expect(lost(body, { ...observation, valueQuantity: { value: 60.3, unit: 'beats/min' } })).toEqual([60.25])
    expect(lost({ ...body, again: 60.25 }, observation)).toEqual([60.25])
  })

  it('gives any JSON at all back untouched, or decoded without loss, and never throws', () => {
    const anything = fc.oneof(
      fc.json(),
      fc.json().map((json) => `{"body": ${json}}`),
      fc.string(),
    )
    fc.assert(
      fc.property(anything, fc.constantFrom(...dataTypes()), (text, { name }) => {
        const observation = withText(text, `omh:${name}:1.0`)
        const result = decodeObservation(observation)
        if (result.decoded) expect(lost(JSON.parse(text).body, result.observation)).toEqual([])
        else expect(result.observation).toMatchObject(observation)
      }),
      { numRuns: 1_000 },
    )
  })

  it('keeps the attachment, or loses nothing, when any members of a body become something else', () => {
    fc.assert(
      fc.property(observations, fc.string(), fc.jsonValue(), ({ body, code }, name, value) => {
        const keys = Object.keys(body)
        const key = keys[name.length % keys.length] ?? name
        const changed = { ...body, [key]: value, [name]: value }
        const observation = withBody(changed, code)
        const result = decodeObservation(observation)
        if (!result.decoded) expect(result.observation).toMatchObject(observation)
        else expect(lost(JSON.parse(JSON.stringify(changed)), result.observation)).toEqual([])
      }),
      { numRuns: 1_000 },
    )
  })
})
