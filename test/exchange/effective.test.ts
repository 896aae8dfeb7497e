import { describe, expect, it } from 'vitest'
import { effectiveInterval, effectiveStart, intervalOf, isUndated } from '../../src/exchange/effective.ts'
import { holdAgainstFilter, inCategories, inOrder } from '../../src/exchange/honoured.ts'
import { birthdateInDays, birthdateParts } from '../../src/exchange/whole-days.ts'
import type { Observation } from '../../src/fhir/types.ts'
import { codeOf } from './opened.ts'

const at = (effective: Partial<Observation>): Observation => ({
  resourceType: 'Observation',
  status: 'final',
  code: {},
  ...effective,
})
const ends = (text: string) => {
  const interval = intervalOf(text)
  return (
    interval && [new Date(interval.from).toISOString(), new Date(interval.to).toISOString(), interval.exact]
  )
}

describe('a FHIR date', () => {
  it.each([
    ['2026', ['2026-01-01T00:00:00.000Z', '2026-12-31T23:59:59.999Z', false]],
    ['2026-12', ['2026-12-01T00:00:00.000Z', '2026-12-31T23:59:59.999Z', false]],
    ['2026-02-28', ['2026-02-28T00:00:00.000Z', '2026-02-28T23:59:59.999Z', false]],
    ['2026-02-28T10:00:00', ['2026-02-28T10:00:00.000Z', '2026-02-28T10:00:00.000Z', false]],
    ['2026-02-28T10:00:00+02:00', ['2026-02-28T08:00:00.000Z', '2026-02-28T08:00:00.000Z', true]],
    ['2016-12-31T23:59:60Z', ['2016-12-31T23:59:59.999Z', '2017-01-01T00:00:00.000Z', false]],
    ['2016-12-31T18:59:60.5-05:00', ['2016-12-31T23:59:59.999Z', '2017-01-01T00:00:00.000Z', false]],
    ['2016-12-31T23:59:60', ['2016-12-31T23:59:59.999Z', '2017-01-01T00:00:00.000Z', false]],
    ['2026-02-28T10:00:00.123456Z', ['2026-02-28T10:00:00.123Z', '2026-02-28T10:00:00.123Z', true]],
  ])('%s stands for its whole stretch', (text, expected) => {
    expect(ends(text)).toEqual(expected)
  })

  it.each(['', 'yesterday', '2026-13-45', '28.2.2026', '2026-13-45T10:00:60Z', '2026-02-28T10:00:61Z'])(
    'is not "%s"',
    (text) => {
      expect(intervalOf(text)).toBeUndefined()
    },
  )
})

describe('the effective time', () => {
  it('of a date alone may be in any time zone', () => {
    const interval = effectiveInterval(at({ effectiveDateTime: '2026-02-28' }))
    expect(interval?.from).toBe(Date.parse('2026-02-27T10:00:00Z'))
    expect(interval?.to).toBe(Date.parse('2026-03-01T13:59:59.999Z'))
  })

  it('of a period may be open', () => {
    const interval = effectiveInterval(at({ effectivePeriod: { start: '2026-02-28T10:00:00Z' } }))
    expect(interval).toEqual({ from: Date.parse('2026-02-28T10:00:00Z'), to: Number.POSITIVE_INFINITY })
    expect(effectiveInterval(at({ effectivePeriod: { end: '2026-02-28T10:00:00Z' } }))?.from).toBe(
      Number.NEGATIVE_INFINITY,
    )
    expect(effectiveInterval(at({ effectivePeriod: {} }))).toBeUndefined()
  })

  it('of a Timing is no single stretch, though it is one', () => {
    const timed = at({ effectiveTiming: { event: ['2026-02-28T10:00:00Z'] } })
    expect([isUndated(timed), effectiveInterval(timed), effectiveStart(timed)]).toEqual([
      false,
      undefined,
      undefined,
    ])
    expect(isUndated(at({}))).toBe(true)
  })

  it('of an instant is its start', () => {
    expect(effectiveStart(at({ effectiveInstant: '2026-02-28T10:00:00Z' }))).toBe(
      Date.parse('2026-02-28T10:00:00Z'),
    )
  })
})

describe('an answer held against its filters', () => {
  const bounds = { from: Date.parse('2026-10-02T00:00:00Z'), before: Date.parse('2026-10-03T00:00:00Z') }
  const holds = async (observation: Observation) => {
    holdAgainstFilter(observation, {}, bounds)
    return 'honoured'
  }

  it.each<[string, Partial<Observation>]>([
    ['an instant within', { effectiveInstant: '2026-10-02T10:00:00Z' }],
    [
      'a period that overlaps',
      { effectivePeriod: { start: '2026-10-01T23:00:00Z', end: '2026-10-02T01:00:00Z' } },
    ],
    ['a date that may be within somewhere', { effectiveDateTime: '2026-10-03' }],
    ['a Timing, of which it cannot be told', { effectiveTiming: {} }],
  ])('may be %s', async (_, effective) => {
    expect(await holds(at(effective))).toBe('honoured')
  })

  it.each<[string, Partial<Observation>]>([
    ['undated', {}],
    ['before', { effectiveDateTime: '2026-10-01T23:59:59Z' }],
    ['at the end', { effectiveDateTime: '2026-10-03T00:00:00Z' }],
    ['a date that is outside everywhere', { effectiveDateTime: '2026-10-04' }],
  ])('may not be %s', async (_, effective) => {
    const held = Promise.resolve().then(() => holds(at(effective)))
    expect(await codeOf(held)).toBe('NOT_SUPPORTED_BY_EXCHANGE')
  })

  it('is in order by its exact times, undated last', () => {
    const early = at({ effectiveDateTime: '2026-10-01T00:00:00Z' })
    const late = at({ effectiveInstant: '2026-10-02T00:00:00Z' })
    expect([inOrder(early, late, 'oldest'), inOrder(early, late, 'newest')]).toEqual([true, false])
    expect([inOrder(early, at({}), 'oldest'), inOrder(at({}), early, 'oldest')]).toEqual([true, false])
    expect(inOrder(late, at({ effectivePeriod: {} }), 'newest')).toBe(true)
    // A server has no time of these either: they are among the undated.
    expect(inOrder(at({}), at({ effectivePeriod: {} }), 'newest')).toBe(true)
    expect(inOrder(at({}), at({ effectiveTiming: { code: { text: 'BID' } } }), 'oldest')).toBe(true)
    expect(inOrder(late, at({ effectiveDateTime: '2026-10-01' }), 'oldest')).toBe(true)
  })
})

describe('a category', () => {
  const observation = at({ category: [{ coding: [{ system: 'urn:c', code: 'lab' }, { code: 'bare' }] }] })
  it.each([
    ['lab', true],
    ['urn:c|lab', true],
    ['urn:d|lab', false],
    ['|bare', true],
    ['|lab', false],
    ['other', false],
  ])('%s of an answer: %s', (category, expected) => {
    expect(inCategories(observation, [category])).toBe(expected)
  })
})

describe('a birthdate condition', () => {
  it.each([
    ['1960-02-29', ['1960-02-29']],
    ['ge1960-02-03', ['ge1960-02-03']],
    ['1960', ['ge1960-01-01', 'le1960-12-31']],
    ['1960-02', ['ge1960-02-01', 'le1960-02-29']],
    ['ge1960', ['ge1960-01-01']],
    ['le1960-04', ['le1960-04-30']],
    ['gt1960', ['gt1960-12-31']],
    ['lt0099-03', ['lt0099-03-01']],
    ['le0096-02', ['le0096-02-29']],
  ])('is said in whole days: %s', (condition, days) => {
    expect(birthdateInDays(condition)).toEqual(days)
  })

  it('is a date, after a prefix or alone', () => {
    expect(birthdateParts('1960')).toEqual({ prefix: 'eq', date: '1960' })
    expect(birthdateParts('le1960-02-03')).toEqual({ prefix: 'le', date: '1960-02-03' })
  })

  it.each(['', 'ne1960', 'ge', '1960-13', 'ge1960,lt1970'])('is not "%s"', async (condition) => {
    expect(
      await codeOf(
        Promise.resolve()
          .then(() => birthdateParts(condition))
          .then(),
      ),
    ).toBe('INVALID_ARGUMENT')
  })
})
