import { describe, expect, it } from 'vitest'
import { fhirMcpError } from '../../src/errors.ts'
import type { Exchange } from '../../src/exchange/exchange.ts'
import type { Observation } from '../../src/fhir/types.ts'
import { getPatientDateRange } from '../../src/tools/get-patient-date-range.ts'
import { emptiesIn, resourceOf } from './call-tool.ts'
import { callOn, observation, observationDouble, quantity, valueNamed } from './observation-double.ts'

const dated = (id: string, effectiveDateTime: string, more: Partial<Observation> = {}) =>
  observation(id, { effectiveDateTime, valueQuantity: quantity(1), ...more })
const ask = async (observations: readonly Observation[], overrides?: Partial<Exchange>) => {
  const exchange = observationDouble(observations, overrides)
  const given = { patient_id: 'p1', time_zone: 'Europe/Berlin' }
  const answer = await callOn(getPatientDateRange, given, { exchange })
  const parameters = resourceOf(answer).parameter as { name: string }[]
  return { exchange, answer, value: (name: string) => valueNamed(parameters, name) }
}

describe('get_patient_date_range', () => {
  it('gives first and last of what counts, the count, and how many have no date', async () => {
    const { answer, value, exchange } = await ask([
      dated('early', '2026-01-01T00:00:00Z', { status: 'entered-in-error' }),
      dated('first', '2026-02-01T00:00:00Z'),
      observation('last', {
        effectivePeriod: { start: '2026-03-01T23:30:00Z', end: '2026-03-02T01:00:00Z' },
      }),
      dated('late', '2026-04-01', { status: 'cancelled' }),
      observation('undated'),
    ])
    expect(value('first')).toBe('2026-02-01T00:00:00Z')
    expect(value('last')).toBe('2026-03-01T23:30:00Z')
    expect([value('count'), value('excluded'), value('undated')]).toEqual([3, 2, 1])
    expect(answer.text).toContain('first: 2026-02-01T01:00:00+01:00')
    expect(answer.text).toContain('last: 2026-03-02T00:30:00+01:00/2026-03-02T02:00:00+01:00')
    expect(emptiesIn(answer.structured)).toEqual([])
    expect(exchange.asked).toHaveLength(4)
  })

  it('looks further where a whole page does not count, and gives up in words', async () => {
    const wrong = (count: number) =>
      Array.from({ length: count }, (_, index) =>
        dated(`e${index}`, new Date(Date.UTC(2026, 5, 1) + index * 1000).toISOString(), {
          status: 'cancelled',
        }),
      )
    const some = await ask([...wrong(50), dated('only', '2027-01-01'), dated('old', '2020-01-01')])
    expect([some.value('first'), some.value('last')]).toEqual(['2020-01-01', '2027-01-01'])
    const only = await ask([...wrong(50), dated('only', '2027-01-01')])
    expect([only.value('first'), only.value('last')]).toEqual(['2027-01-01', '2027-01-01'])
    const far = await ask([...wrong(250), dated('only', '2027-01-01')])
    expect([far.value('first'), far.value('last')]).toEqual([undefined, '2027-01-01'])
    expect(far.answer.text).toContain('first: not known')
  })

  it('says so where nothing has a date, or nothing is there', async () => {
    const undated = await ask([observation('u')])
    expect([undated.value('first'), undated.value('undated')]).toEqual([undefined, 1])
    expect(undated.answer.text).toContain('first: none with a date')
    const nothing = await ask([])
    expect(nothing.value('count')).toBe(0)
    expect(nothing.answer.text).toContain('The patient has no observations.')
  })

  it('names the end of a period whose start is not known', async () => {
    const { value } = await ask([observation('o', { effectivePeriod: { end: '2026-05-01' } })])
    expect(value('first')).toBe('2026-05-01')
  })

  it('gives the range without a count where the exchange cannot count', async () => {
    const { value, answer } = await ask([dated('o', '2026-05-01')], {
      countPatientObservations: async () => {
        throw fhirMcpError('NOT_SUPPORTED_BY_EXCHANGE')
      },
    })
    expect([value('first'), value('count'), value('undated')]).toEqual(['2026-05-01', undefined, undefined])
    expect(answer.text).toContain('number: not known')
    await expect(
      ask([], {
        countPatientObservations: async () => {
          throw fhirMcpError('EXCHANGE_TIMEOUT')
        },
      }),
    ).rejects.toMatchObject({ code: 'FHIR_MCP_EXCHANGE_TIMEOUT' })
  })

  it('does not make a number of two counts that contradict each other', async () => {
    let calls = 0
    const { value } = await ask([dated('o', '2026-05-01')], {
      countPatientObservations: async () => {
        calls += 1
        return { count: calls, excluded: 0 }
      },
    })
    expect(value('undated')).toBeUndefined()
  })
})
