import { describe, expect, it } from 'vitest'
import { fhirMcpError } from '../../src/errors.ts'
import type { Exchange } from '../../src/exchange/exchange.ts'
import type { Observation } from '../../src/fhir/types.ts'
import type { Answer } from '../../src/results/answer.ts'
import { getPatientObservations } from '../../src/tools/get-patient-observations.ts'
import { patientOf } from '../../src/tools/target-patient.ts'
import { cursorOf, emptiesIn, entriesOf, notesOf, principalOf, resourceOf, tableOf } from './call-tool.ts'
import { bloodPressure, callOn, observation, observationDouble, quantity } from './observation-double.ts'

const days = (count: number, more: (index: number) => Partial<Observation> = () => ({})) =>
  Array.from({ length: count }, (_, index) => {
    const effectiveDateTime = new Date(Date.UTC(2026, 9, 1, index)).toISOString()
    return observation(`o${index}`, {
      effectiveDateTime,
      valueQuantity: quantity(60 + index),
      ...more(index),
    })
  })
const few = days(5)
const ask = (
  given: Record<string, unknown>,
  observations: readonly Observation[],
  overrides?: Partial<Exchange>,
) => {
  const exchange = observationDouble(observations, overrides)
  const answer = callOn(getPatientObservations, { patient_id: 'p1', ...given }, { exchange })
  return { exchange, answer }
}
const idsOf = (answer: Answer) => entriesOf(answer).map(({ id }) => id)

describe('get_patient_observations', () => {
  it('gives a searchset, newest first, that says what was asked', async () => {
    const { answer, exchange } = ask({}, few)
    const bundle = resourceOf(await answer)
    expect(bundle).toMatchObject({ resourceType: 'Bundle', type: 'searchset', total: 5 })
    expect(bundle.link).toEqual([
      { relation: 'self', url: 'Observation?patient=Patient%2Fp1&_sort=-date&_count=50' },
    ])
    expect(idsOf(await answer)).toEqual(['o4', 'o3', 'o2', 'o1', 'o0'])
    expect((await answer).text).toContain(
      'Observations of Patient/p1, all types, any time, time zone UTC, newest first, every status',
    )
    expect((await answer).text).toContain('- 2026-10-01T04:00:00Z | heart-rate 8867-4 | 64 /min | o4')
    expect(emptiesIn((await answer).structured)).toEqual([])
    expect(exchange.asked).toHaveLength(1)
  })

  it('turns dates into instants of the time zone before the request, and searches every code of a type', async () => {
    const { answer, exchange } = ask(
      {
        start: '2026-10-01',
        end: '2026-10-01',
        time_zone: 'Europe/Berlin',
        data_type: 'heart-rate',
        order: 'oldest',
      },
      few,
    )
    expect(idsOf(await answer)).toEqual(['o0', 'o1', 'o2', 'o3', 'o4'])
    expect(exchange.asked[0]?.query).toMatchObject({
      from: '2026-09-30T22:00:00Z',
      before: '2026-10-01T22:00:00Z',
      order: 'oldest',
    })
    expect(exchange.asked[0]?.query.codes).toContainEqual({ system: 'http://loinc.org', code: '8867-4' })
    const { text } = await answer
    expect(text).toContain('codes searched: omh:heart-rate:2.0')
    expect(text).toContain('from 2026-10-01T00:00:00+02:00 and before 2026-10-02T00:00:00+02:00')
    expect(text).toContain('| heart-rate 8867-4 | 60 /min | o0')
    expect(text).toContain('2026-10-01T02:00:00+02:00')
    const self = new URLSearchParams(
      String((resourceOf(await answer).link as { url: string }[])[0]?.url.split('?')[1]),
    )
    expect(self.getAll('date')).toEqual(['ge2026-09-30T22:00:00Z', 'lt2026-10-01T22:00:00Z'])
    expect(self.get('code')).toContain('http://loinc.org|8867-4')
  })

  it('escapes what would end a value in the self link', async () => {
    const { answer } = ask({ data_type: 'urn:a,b|c$d' }, [])
    const [{ url } = { url: '' }] = resourceOf(await answer).link as { url: string }[]
    expect(new URLSearchParams(url.split('?')[1]).get('code')).toBe('urn:a\\,b|c\\$d')
  })

  it('gives every row once over all pages, whatever fits a page', async () => {
    const many = days(300)
    const exchange = observationDouble(many)
    const seen: unknown[] = []
    let cursor: string | undefined
    let pages = 0
    do {
      const answer = await callOn(
        getPatientObservations,
        { patient_id: 'p1', limit: 1000, cursor },
        { exchange, context: { byteBudget: 16_384 } },
      )
      expect(Buffer.byteLength(JSON.stringify(answer.structured) + answer.text)).toBeLessThanOrEqual(16_384)
      expect(resourceOf(answer).total).toBe(300)
      seen.push(...idsOf(answer))
      cursor = cursorOf(answer)
      pages += 1
    } while (cursor !== undefined)
    expect(seen).toEqual(many.map(({ id }) => id).reverse())
    expect(pages).toBeGreaterThan(5)
    expect(pages).toBe(exchange.asked.length)
    expect(Math.max(...exchange.asked.map(({ query }) => query.count ?? 0))).toBeLessThan(50)
  })

  it('asks for a page that can fit: fewer rows of full resources than of a table', async () => {
    const sizes = await Promise.all(
      ['fhir_full', 'fhir', 'table'].map(async (format) => {
        const { answer, exchange } = ask({ format, limit: 1000 }, few)
        await answer
        return exchange.asked[0]?.query.count ?? 0
      }),
    )
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b))
    expect(new Set(sizes).size).toBe(3)
    const { answer, exchange } = ask({ limit: 3 }, few)
    await answer
    expect(exchange.asked[0]?.query.count).toBe(3)
  })

  it('refuses a cursor of another patient, caller, filter or tool before the exchange is asked', async () => {
    const exchange = observationDouble([...few, observation('x', { subject: { reference: 'Patient/p2' } })])
    const first = await callOn(getPatientObservations, { patient_id: 'p1', limit: 2 }, { exchange })
    const cursor = cursorOf(first)
    const before = exchange.asked.length
    const again = (given: Record<string, unknown>, subject = 'user-1') =>
      callOn(
        getPatientObservations,
        { patient_id: 'p1', limit: 2, cursor, ...given },
        { exchange, enrolled: ['p1', 'p2'], principal: principalOf({ studies: ['s1'] }, { subject }) },
      )
    const refused: readonly (readonly [Record<string, unknown>, string])[] = [
      [{ patient_id: 'p2' }, 'user-1'],
      [{ data_type: 'heart-rate' }, 'user-1'],
      [{ order: 'oldest' }, 'user-1'],
      [{ cursor: 'forged' }, 'user-1'],
      [{}, 'user-2'],
    ]
    for (const [given, subject] of refused) {
      await expect(again(given, subject)).rejects.toMatchObject({ code: 'FHIR_MCP_INVALID_ARGUMENT' })
    }
    expect(exchange.asked).toHaveLength(before)
    expect(idsOf(await again({ format: 'fhir_full', limit: 1 }))).toEqual(['o2'])
    expect(idsOf(await again({ study_id: 's1' }))).toEqual(['o2', 'o1'])
  })

  it('refuses a sealed position that is none', async () => {
    const open = { seal: async () => '', open: async () => ({ not: 'a position' }) }
    const exchange = observationDouble(few)
    const given = { patient_id: 'p1', cursor: 'x' }
    await expect(
      callOn(getPatientObservations, given, { exchange, context: { cursors: open } }),
    ).rejects.toMatchObject({ code: 'FHIR_MCP_INVALID_ARGUMENT' })
    expect(exchange.asked).toEqual([])
  })

  it('marks what is entered in error, keeps it out of the numbers of a table, and says what the total counts', async () => {
    const odd = days(3, (index) => (index === 1 ? { status: 'entered-in-error' } : {}))
    const { answer } = ask({}, odd)
    expect(idsOf(await answer)).toEqual(['o2', 'o1', 'o0'])
    expect(resourceOf(await answer).total).toBe(3)
    expect(notesOf(await answer)).toEqual([expect.stringContaining('total counts every status')])
    expect((await answer).text).toContain('61 /min; ENTERED-IN-ERROR: not a reading | o1')
    const { answer: table } = ask({ format: 'table' }, odd)
    const { columns, rows } = tableOf(await table)
    expect(rows.map((row) => row[columns.indexOf('value')])).toEqual([62, null, 60])
  })

  it('gives a table with a column per component and unit', async () => {
    const { answer } = ask({ format: 'table' }, [
      ...days(1),
      bloodPressure('bp', '2026-10-02T00:00:00Z', 120, 80),
    ])
    const { columns, rows } = tableOf(await answer)
    expect(columns.slice(-2)).toEqual([
      'systolic blood pressure (mm[Hg])',
      'diastolic blood pressure (mm[Hg])',
    ])
    expect(rows.map((row) => row.slice(-2))).toEqual([
      [120, 80],
      [null, null],
    ])
    expect(rows.every((row) => row.length === columns.length)).toBe(true)
  })

  it('leaves the total out where the exchange does not say it', async () => {
    const { answer } = ask({}, [], {
      observations: async () => ({
        observations: [few[0] ?? observation('x')],
        positionAfter: () => undefined,
        total: undefined,
        gaps: [],
      }),
    })
    expect(resourceOf(await answer)).not.toHaveProperty('total')
    expect((await answer).text).toContain('total not known')
  })

  it('says so when the scopes restrict to categories', async () => {
    const exchange = observationDouble(few)
    const scope = 'user/Patient.rs user/Observation.rs?category=vital-signs'
    const principal = principalOf({ studies: ['s1'], scope })
    const answer = await callOn(getPatientObservations, { patient_id: 'p1' }, { exchange, principal })
    expect(answer.text).toContain("only of category vital-signs (the token's scopes)")
  })

  it.each([
    [{ start: '2026-13-01' }, /start must be a date/],
    [{ start: '2026-10-02', end: '2026-10-01' }, /start must not be after end/],
    [{ time_zone: 'Nowhere' }, /IANA/],
    [{ data_type: 'nonsense' }, /blood-glucose/],
    [{ limit: 1001 }, /whole number from 1 to 1000|Too big|1000/],
    [{ order: 'random' }, /order/],
    [{ format: 'xml' }, /format/],
    [{ unknown: 1 }, /unknown/i],
    [{ patient_id: '' }, /patient_id/],
  ])('refuses %j before anything is decided or asked', async (given, detail) => {
    const exchange = observationDouble(few)
    const stranger = principalOf({})
    await expect(
      callOn(getPatientObservations, { patient_id: 'p1', ...given }, { exchange, principal: stranger }),
    ).rejects.toMatchObject({ code: 'FHIR_MCP_INVALID_ARGUMENT', detail: expect.stringMatching(detail) })
    expect(exchange.asked).toEqual([])
  })

  it('asks nothing for a patient out of reach, and does for one within', async () => {
    const exchange = observationDouble(few)
    await expect(callOn(getPatientObservations, { patient_id: 'p9' }, { exchange })).rejects.toMatchObject({
      code: 'FHIR_MCP_FORBIDDEN',
    })
    expect(exchange.asked).toEqual([])
    await callOn(getPatientObservations, { patient_id: 'p1' }, { exchange })
    expect(exchange.asked).toHaveLength(1)
  })
})

describe('an empty answer of get_patient_observations', () => {
  const why = async (given: Record<string, unknown>, observations: readonly Observation[]) => {
    const { answer } = ask(given, observations)
    expect(entriesOf(await answer)).toEqual([])
    return notesOf(await answer)
  }
  const undated = observation('u', { valueQuantity: quantity(1) })

  it('says that there is no data', async () => {
    expect(await why({}, [])).toEqual(['The patient has no observations.'])
    expect(await why({ data_type: 'heart-rate' }, [])).toEqual(['The patient has no observations.'])
  })

  it('names the nearest dates that have data, in the time zone', async () => {
    const given = { start: '2026-10-01T01:30', end: '2026-10-01T01:40', time_zone: 'UTC' }
    expect(await why(given, few)).toEqual([
      'No observations in this period. Nearest: the last before it at 2026-10-01T01:00:00Z, the first after it at 2026-10-01T02:00:00Z.',
    ])
    expect(await why({ start: '2027', time_zone: 'Asia/Tokyo' }, few)).toEqual([
      'No observations in this period. Nearest: the last before it at 2026-10-01T13:00:00+09:00.',
    ])
    expect(await why({ end: '2020' }, few)).toEqual([
      'No observations in this period. Nearest: the first after it at 2026-10-01T00:00:00Z.',
    ])
  })

  it('passes over a nearest one that is entered in error', async () => {
    const odd = days(2, (index) => (index === 1 ? { status: 'entered-in-error' } : {}))
    expect(await why({ start: '2027' }, odd)).toEqual([expect.stringContaining('2026-10-01T00:00:00Z')])
  })

  it('says so where the nearest ones do not count', async () => {
    const wrong = days(6, () => ({ status: 'cancelled' }))
    expect(await why({ data_type: 'body-weight' }, wrong)).toEqual([
      'The patient has no observations of body-weight. There are others, the newest heart-rate at 2026-10-01T05:00:00Z (cancelled).',
    ])
  })

  it('says that those without a date are in no period', async () => {
    expect(await why({ start: '2026' }, [undated])).toEqual([
      'No observations in this period; the patient has some outside it, undated: those without a date are in no period.',
    ])
  })

  it('says that there are others of another type', async () => {
    expect(await why({ data_type: 'blood-pressure' }, few)).toEqual([
      'The patient has no observations of blood-pressure. There are others, the newest heart-rate at 2026-10-01T04:00:00Z.',
    ])
    expect(await why({ data_type: 'blood-pressure', start: '2026' }, few)).toEqual([
      expect.stringContaining('The patient has no observations of blood-pressure.'),
    ])
  })

  it('takes at most three further requests, and none with a cursor', async () => {
    const { answer, exchange } = ask({ data_type: 'blood-pressure', start: '2026', end: '2026' }, few)
    await answer
    expect(exchange.asked.length).toBeLessThanOrEqual(5)
    expect(exchange.asked.slice(1).every(({ query }) => query.count === 5)).toBe(true)
  })

  it('does not fail with its further requests, but for a leak', async () => {
    let calls = 0
    const failing = (kind: 'EXCHANGE_TIMEOUT' | 'EXCHANGE_LEAK'): Partial<Exchange> => ({
      observations: async () => {
        calls += 1
        if (calls > 1) throw fhirMcpError(kind)
        return { observations: [], positionAfter: () => undefined, total: 0, gaps: [] }
      },
    })
    const { answer } = ask({ start: '2026' }, [], failing('EXCHANGE_TIMEOUT'))
    expect(notesOf(await answer)).toEqual([
      'Nothing fits; the exchange could not be asked what there is instead.',
    ])
    calls = 0
    const { answer: leak } = ask({ start: '2026' }, [], failing('EXCHANGE_LEAK'))
    await expect(leak).rejects.toMatchObject({ code: 'FHIR_MCP_EXCHANGE_LEAK' })
  })
})

describe('the patient of a target', () => {
  it('is no other target', () => {
    expect(patientOf({ kind: 'patient', patient: 'p1' })).toBe('p1')
    expect(() => patientOf({ kind: 'reach' })).toThrow(TypeError)
  })
})
