import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeNumbers } from '../../src/statistics/description.ts'
import { gatherPatient } from '../../src/statistics/patient-readings.ts'
import { percentilesOf } from '../../src/statistics/percentiles.ts'
import { collectStudy } from '../../src/statistics/study-series.ts'
import { coded, observation, quantity } from '../tools/observation-double.ts'

const units = ['/min', 'mV'] as const
const reading = fc.record({
  value: fc.double({ min: -1e6, max: 1e6, noNaN: true }),
  unit: fc.constantFrom(...units),
  hour: fc.option(fc.integer({ min: 0, max: 24 * 400 }), { nil: undefined }),
  kind: fc.constantFrom('plain', 'plain', 'plain', 'cancelled', 'comparator', 'absent'),
})
type Reading = typeof reading extends fc.Arbitrary<infer One> ? One : never
const people = fc.array(fc.array(reading, { maxLength: 12 }), { minLength: 1, maxLength: 8 })
const begin = Date.UTC(2025, 11, 20)
const timeOf = (hour: number) => new Date(begin + hour * 3_600_000).toISOString()

function observed(id: string, { value, unit, hour, kind }: Reading) {
  const plain = quantity(value, unit)
  return observation(id, {
    ...(hour === undefined ? {} : { effectiveDateTime: timeOf(hour) }),
    ...(kind === 'cancelled' ? { status: 'cancelled' } : {}),
    valueQuantity: kind === 'comparator' ? { ...plain, comparator: '<' } : plain,
    ...(kind === 'absent' ? { dataAbsentReason: { text: 'error' } } : {}),
  })
}

function gathered(patients: readonly (readonly Reading[])[]) {
  const study = collectStudy()
  const weeks = new Map<string, ReturnType<typeof collectStudy>>()
  for (const [at, readings] of patients.entries()) {
    const gatherer = gatherPatient('UTC', true)
    for (const [n, one] of readings.entries()) gatherer.add(observed(`${at}-${n}`, one))
    const patient = gatherer.readings()
    study.add(patient.series)
    for (const [start, series] of patient.weeks) {
      const week = weeks.get(start) ?? collectStudy()
      weeks.set(start, week)
      week.add(series)
    }
  }
  return { study: study.series(), weeks: new Map([...weeks].map(([start, week]) => [start, week.series()])) }
}

describe('the series of a study', () => {
  it('are the numbers of all patients together, unit by unit', () => {
    fc.assert(
      fc.property(people, (patients) => {
        const { study } = gathered(patients)
        for (const unit of units) {
          const own = patients.map((readings) => readings.filter((one) => one.unit === unit))
          const plain = own.map((readings) => readings.filter(({ kind }) => kind === 'plain'))
          const told = study.find((series) => series.unit?.label === unit)
          expect(told === undefined).toBe(own.flat().length === 0)
          if (told === undefined) continue
          const numbers = plain.flat().map(({ value }) => value)
          const times = plain.flat().flatMap(({ hour }) => (hour === undefined ? [] : [hour]))
          expect(told.patients).toBe(plain.filter(({ length }) => length > 0).length)
          expect(told.description).toEqual(describeNumbers(numbers))
          expect(told.percentiles).toEqual(percentilesOf(numbers))
          expect([told.first?.start, told.last?.start]).toEqual(
            times.length === 0
              ? [undefined, undefined]
              : [timeOf(Math.min(...times)), timeOf(Math.max(...times))],
          )
          expect(told.undated).toBe(numbers.length - times.length)
          const left = [...told.excluded.values()].reduce((sum, n) => sum + n, 0)
          expect(left + numbers.length).toBe(own.flat().length)
        }
      }),
    )
  })

  it('have every dated number in exactly one week', () => {
    fc.assert(
      fc.property(people, (patients) => {
        const { weeks } = gathered(patients)
        const plain = patients.flat().filter(({ kind, hour }) => kind === 'plain' && hour !== undefined)
        let found = 0
        for (const [start, all] of weeks) {
          const from = Date.parse(start)
          for (const series of all) {
            const numbers = plain
              .filter(({ unit, hour = 0 }) => {
                const at = begin + hour * 3_600_000
                return unit === series.unit?.label && at >= from && at < from + 7 * 86_400_000
              })
              .map(({ value }) => value)
            expect(series.description?.n).toBe(numbers.length)
            expect(series.description?.median).toBe(describeNumbers(numbers)?.median)
            expect(series.percentiles).toEqual(percentilesOf(numbers))
            found += numbers.length
          }
        }
        expect(found).toBe(plain.length)
      }),
    )
  })

  it('are in one unit where patients have one dimension in several, in each week too', () => {
    const weight = (id: string, value: number, unit: string, day: string) =>
      observation(id, {
        code: coded('29463-7'),
        effectiveDateTime: day,
        valueQuantity: quantity(value, unit),
      })
    const study = collectStudy()
    const week = collectStudy()
    for (const readings of [
      [weight('a', 70, 'kg', '2026-01-12'), weight('b', 154.3, '[lb_av]', '2026-01-12')],
      [weight('c', 200, '[lb_av]', '2026-01-12'), weight('d', 198, '[lb_av]', '2026-01-20')],
    ]) {
      const gatherer = gatherPatient('UTC', true)
      for (const one of readings) gatherer.add(one)
      const { series, weeks } = gatherer.readings()
      study.add(series)
      week.add(weeks.get('2026-01-19') ?? [])
    }
    const all = study.series()
    expect(all).toHaveLength(1)
    expect(all[0]).toMatchObject({ patients: 2, unit: { label: 'kg' }, converted: new Map([['[lb_av]', 3]]) })
    expect(all[0]?.description).toMatchObject({ n: 4, min: 69.98930269, max: 90.718474 })
    // The week has pounds alone, and stands within the series of kilograms.
    expect(week.series()[0]?.unit?.label).toBe('[lb_av]')
    expect(week.series(all)[0]).toMatchObject({
      unit: { label: 'kg' },
      description: { n: 1, min: 89.81128926 },
    })
  })

  it('put a reading into the week that the wall clock of the zone shows', () => {
    const weeksIn = (zone: string) => {
      const gatherer = gatherPatient(zone, true)
      gatherer.add(
        observation('a', { effectiveDateTime: '2026-01-11T23:30:00Z', valueQuantity: quantity(60) }),
      )
      return [...gatherer.readings().weeks.keys()]
    }
    expect(weeksIn('UTC')).toEqual(['2026-01-05'])
    expect(weeksIn('Europe/Berlin')).toEqual(['2026-01-12'])
  })

  it('leave a month without a day out of every week', () => {
    const gatherer = gatherPatient('UTC', true)
    gatherer.add(observation('a', { effectiveDateTime: '2026-01', valueQuantity: quantity(60) }))
    const { weeks, series } = gatherer.readings()
    expect([weeks.size, series[0]?.withoutDay, series[0]?.description?.n]).toEqual([0, 1, 1])
  })
})
