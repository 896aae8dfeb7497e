import { describe, expect, it } from 'vitest'
import { fhirMcpError } from '../../src/errors.ts'
import type { Exchange } from '../../src/exchange/exchange.ts'
import type { Observation, ParametersParameter } from '../../src/fhir/types.ts'
import type { Answer } from '../../src/results/answer.ts'
import { summarizeStudyObservations } from '../../src/tools/summarize-study-observations.ts'
import type { GrantedContext } from '../../src/tools/tool.ts'
import { emptiesIn, now, principalOf, resourceOf } from './call-tool.ts'
import {
  bloodPressure,
  callOn,
  coded,
  observation,
  observationDouble,
  parametersNamed,
  quantity,
  valueNamed,
} from './observation-double.ts'

const enrolled = ['p10', 'p2', 'p1', 'p0']
const of = (patient: string) => ({ reference: `Patient/${patient}` })
const rate = (id: string, patient: string, value: number, more: Partial<Observation> = {}) =>
  observation(id, {
    subject: of(patient),
    effectiveDateTime: '2026-10-01T08:00:00Z',
    valueQuantity: quantity(value),
    ...more,
  })
const call = (
  given: Record<string, unknown>,
  exchange: Exchange,
  context: Partial<GrantedContext> = {},
  people: readonly string[] = enrolled,
) => callOn(summarizeStudyObservations, { study_id: 's1', ...given }, { exchange, enrolled: people, context })
const top = (answer: Answer, name: string) =>
  valueNamed(resourceOf(answer).parameter as ParametersParameter[], name)
const number = (part: readonly ParametersParameter[], name: string) => {
  const value = valueNamed(part, name)
  return typeof value === 'object' && value !== null && 'value' in value ? value.value : value
}
const seriesIn = (parts: readonly ParametersParameter[]) =>
  parts
    .filter(({ name }) => name === 'series')
    .map(({ part = [] }) => ({
      name: ['type', 'component', 'statistic', 'unit']
        .flatMap((name) => valueNamed(part, name) ?? [])
        .join(' | '),
      patients: valueNamed(part, 'patients'),
      excluded: Object.fromEntries(
        part
          .filter(({ name }) => name === 'excluded')
          .map(({ part: own = [] }) => [valueNamed(own, 'reason'), valueNamed(own, 'n')]),
      ),
      span: [valueNamed(part, 'first'), valueNamed(part, 'last')],
      n: number(part, 'n'),
      min: number(part, 'min'),
      max: number(part, 'max'),
      mean: number(part, 'mean'),
      median: number(part, 'median'),
      p5: number(part, 'p5'),
      p25: number(part, 'p25'),
      p75: number(part, 'p75'),
      p95: number(part, 'p95'),
      weeks: part
        .filter(({ name }) => name === 'week')
        .map(({ part: own = [] }) =>
          ['label', 'start', 'patients', 'n', 'mean', 'median', 'p95'].map((name) => valueNamed(own, name)),
        ),
    }))
const seriesOf = (answer: Answer) => seriesIn(resourceOf(answer).parameter as ParametersParameter[])
const named = (answer: Answer, name: string) => seriesOf(answer).find((series) => series.name === name)
const patientsOf = (answer: Answer) =>
  parametersNamed(answer, 'patient').map(({ part = [] }) => ({
    patient: (valueNamed(part, 'reference') as { reference: string }).reference,
    code: valueNamed(part, 'participantCode'),
    observations: valueNamed(part, 'observations'),
    series: seriesIn(part),
  }))
const heads = (answer: Answer) =>
  Object.fromEntries(
    [
      'patients',
      'complete',
      'patientsRead',
      'patientsWithObservations',
      'patientsWithoutObservations',
      'patientsNotRead',
      'patientsOfEarlierCalls',
      'patientsLeft',
      'observations',
    ].map((name) => [name, top(answer, name)]),
  )
const settings = {
  rosterSeconds: 60,
  deadline: 60_000,
  concurrency: 1,
  filtersRows: false,
  baseUrl: 'http://exchange.example/fhir',
}
/** A clock that moves on by so many milliseconds with each page. */
const ticking = (exchange: Exchange, step: number) => {
  let time = now
  const slow: Exchange = {
    ...exchange,
    patientObservations(...asked) {
      time += step
      return exchange.patientObservations(...asked)
    },
  }
  return { slow, context: { settings, now: () => time } }
}

describe('summarize_study_observations', () => {
  it('takes one code as one series over all patients, named as most readings are', async () => {
    const protein = (id: string, patient: string, value: number, text: string) =>
      rate(id, patient, value, {
        code: { ...coded('2885-2'), text },
        valueQuantity: quantity(value, 'g/dL'),
      })
    const answer = await call(
      {},
      observationDouble([
        protein('a', 'p0', 7.1, 'Protein [Mass/ volume] in Serum'),
        protein('b', 'p1', 7.3, 'Protein [Mass/volume] in Serum'),
        protein('c', 'p1', 7.5, 'Protein [Mass/volume] in Serum'),
      ]),
    )
    expect(seriesOf(answer).map(({ name, patients, n }) => [name, patients, n])).toEqual([
      ['Protein [Mass/volume] in Serum (2885-2) | g/dL', 2, 3],
    ])
  })

  it('describes all patients together, and says for how many', async () => {
    const answer = await call(
      {},
      observationDouble([
        rate('a', 'p1', 60),
        rate('b', 'p1', 70, { effectiveDateTime: '2026-10-03T08:00:00Z' }),
        rate('c', 'p2', 90, { effectiveDateTime: '2026-09-30T08:00:00Z' }),
        rate('d', 'p10', 80, { status: 'entered-in-error' }),
        rate('e', 'foreign', 1000),
      ]),
    )
    expect(seriesOf(answer)).toEqual([
      {
        name: 'heart-rate | /min',
        patients: 2,
        excluded: { 'entered-in-error': 1 },
        span: ['2026-09-30T08:00:00Z', '2026-10-03T08:00:00Z'],
        n: 3,
        min: 60,
        max: 90,
        mean: 220 / 3,
        median: 70,
        p5: 61,
        p25: 65,
        p75: 80,
        p95: 88,
        weeks: [],
      },
    ])
    expect(heads(answer)).toEqual({
      patients: 4,
      complete: true,
      patientsRead: 4,
      patientsWithObservations: 2,
      patientsWithoutObservations: 2,
      patientsNotRead: 0,
      patientsOfEarlierCalls: 0,
      patientsLeft: 0,
      observations: 3,
    })
    expect(top(answer, 'cursor')).toBeUndefined()
    expect(answer.text).toContain(
      '- heart-rate | /min | 2 patients | n 3 | excluded: entered-in-error 1 | 2026-09-30T08:00:00Z to 2026-10-03T08:00:00Z | min 60 | max 90 | mean 73.33 | median 70 | SD 15.28 | p5 61 | p25 65 | p75 80 | p95 88',
    )
    expect(answer.text).toContain('in these numbers: 4 (2 with observations, 2 without)')
    expect(answer.text).toContain('Hyndman and Fan type 7')
    expect(answer.text).toContain('who has more readings weighs more')
    expect(answer.text).not.toContain('PARTIAL')
    expect(JSON.stringify(answer)).not.toContain('1000')
    expect(emptiesIn(answer.structured)).toEqual([])
  })

  it('keeps units, components and statistics apart, and counts what is no plain number', async () => {
    const glucose = (
      id: string,
      patient: string,
      value: number,
      unit: string,
      more: Partial<Observation> = {},
    ) =>
      rate(id, patient, value, {
        code: coded(unit === 'mg/dL' ? '2339-0' : '15074-8'),
        valueQuantity: quantity(value, unit),
        ...more,
      })
    const answer = await call(
      {},
      observationDouble([
        glucose('a', 'p1', 90, 'mg/dL'),
        glucose('b', 'p2', 5.5, 'mmol/L'),
        glucose('low', 'p2', 0, 'mg/dL', { valueQuantity: { ...quantity(40, 'mg/dL'), comparator: '<' } }),
        glucose('absent', 'p0', 0, 'mg/dL', { dataAbsentReason: { text: 'error' } }),
        { ...bloodPressure('bp1', '2026-10-01', 120, 80), subject: of('p1') },
        { ...bloodPressure('bp2', '2026-10-02', 140, 90), subject: of('p10') },
        rate('words', 'p1', 0, { code: coded('1-1', 'Mood'), valueQuantity: undefined, valueString: 'fine' }),
      ]),
    )
    expect(named(answer, 'blood-glucose | mg/dL')).toMatchObject({
      patients: 1,
      n: 1,
      max: 90,
      excluded: { comparator: 1, absent: 1 },
    })
    expect(named(answer, 'blood-glucose | mmol/L')).toMatchObject({ patients: 1, n: 1, max: 5.5 })
    expect(named(answer, 'blood-pressure | systolic blood pressure | mm[Hg]')).toMatchObject({
      patients: 2,
      median: 130,
    })
    expect(named(answer, 'blood-pressure | diastolic blood pressure | mm[Hg]')).toMatchObject({ median: 85 })
    expect(top(answer, 'notNumbers')).toBe('Mood (1-1)')
    expect(heads(answer)).toMatchObject({ patientsWithObservations: 4, observations: 7 })
  })

  it('counts a patient once who is enrolled twice, and an observation once that two pages have', async () => {
    const first = rate('a', 'p1', 60)
    const second = rate('b', 'p1', 80)
    const overlapping: Partial<Exchange> = {
      patientObservations: async (_, __, { position }) => ({
        observations: position === undefined ? [first, second] : [second],
        positionAfter: () => (position === undefined ? ['1'] : undefined),
        total: 2,
        gaps: [],
      }),
    }
    const answer = await call({}, observationDouble([], overlapping), {}, ['p1', 'p1'])
    expect(heads(answer)).toMatchObject({ patients: 1, patientsRead: 1, observations: 2 })
    expect(named(answer, 'heart-rate | /min')).toMatchObject({ patients: 1, n: 2, median: 70 })
  })

  it('asks for each enrolled patient and nobody else, with the filters, and tells progress', async () => {
    const exchange = observationDouble([])
    const told: unknown[] = []
    const progress: GrantedContext['progress'] = (done, total) => told.push([done, total])
    const answer = await call({ data_type: 'heart-rate', start: '2026-10-01' }, exchange, { progress })
    expect(exchange.asked.map(({ patient }) => patient).sort()).toEqual(['p0', 'p1', 'p10', 'p2'])
    for (const { method, query } of exchange.asked) {
      expect(method).toBe('patientObservations')
      expect(query).toMatchObject({ from: '2026-10-01T00:00:00Z', codes: expect.any(Array) })
    }
    expect(told).toEqual([1, 2, 3, 4].map((done) => [done, 4]))
    expect(answer.text).toContain('Nobody of these patients has such observations.')
    expect(heads(answer)).toMatchObject({ patientsWithoutObservations: 4, observations: 0 })
    expect(seriesOf(answer)).toEqual([])
  })

  it('keeps to the concurrency of the settings', async () => {
    let [running, most] = [0, 0]
    const exchange = observationDouble([], {
      patientObservations: async () => {
        running += 1
        most = Math.max(most, running)
        await new Promise(setImmediate)
        running -= 1
        return { observations: [], positionAfter: () => undefined, total: 0, gaps: [] }
      },
    })
    await call({}, exchange, { settings: { ...settings, concurrency: 2 } })
    expect(most).toBe(2)
  })

  it('gives ISO weeks of the time zone, newest first, within each series', async () => {
    const at = (effectiveDateTime: string) => ({ effectiveDateTime })
    const observations = [
      rate('a', 'p1', 60, at('2026-01-11T23:30:00Z')),
      rate('b', 'p2', 80, at('2026-01-14')),
      rate('c', 'p2', 70, at('2025-12-30T10:00:00Z')),
      rate('month', 'p2', 99, at('2026-01')),
    ]
    const answer = await call({ by: 'week', time_zone: 'Europe/Berlin' }, observationDouble(observations))
    expect(named(answer, 'heart-rate | /min')).toMatchObject({
      n: 4,
      weeks: [
        ['2026-W03', '2026-01-12', 2, 2, 70, 70, 79],
        ['2026-W01', '2025-12-29', 1, 1, 70, 70, 70],
      ],
    })
    expect(answer.text).toContain('  2026-W03 (from 2026-01-12): 2 patients, n 2, min 60, max 80, mean 70')
    expect(answer.text).toContain('ISO weeks (from Monday) in Europe/Berlin')
    expect(answer.text).toContain('Values without a known day, in no week: 1.')
    const inUtc = await call({ by: 'week' }, observationDouble(observations))
    expect(named(inUtc, 'heart-rate | /min')?.weeks.map(([label]) => label)).toEqual([
      '2026-W03',
      '2026-W02',
      '2026-W01',
    ])
    expect(emptiesIn(answer.structured)).toEqual([])
  })

  it('lists the newest weeks where not all fit, says so, and keeps to the byte budget', async () => {
    const weekly = Array.from({ length: 300 }, (_, n) =>
      rate(`w${n}`, 'p1', 60 + (n % 7), {
        effectiveDateTime: new Date(Date.UTC(2026, 9, 1) - n * 7 * 86_400_000).toISOString(),
      }),
    )
    const answer = await call({ by: 'week' }, observationDouble(weekly), { byteBudget: 16_384 })
    const size = Buffer.byteLength(JSON.stringify(answer.structured)) + Buffer.byteLength(answer.text ?? '')
    expect(size).toBeLessThanOrEqual(16_384)
    const series = named(answer, 'heart-rate | /min')
    expect(series?.n).toBe(300)
    expect(series?.weeks[0]?.[0]).toBe('2026-W40')
    const shown = series?.weeks.length ?? 0
    expect(shown).toBeGreaterThan(3)
    expect(shown).toBeLessThan(300)
    expect(answer.text).toContain(
      `Only the newest weeks are listed, for size: heart-rate /min ${shown} of 300`,
    )
  })

  it('gives each patient by itself, with participant code, whether there are readings or not', async () => {
    const exchange = observationDouble([rate('a', 'p1', 60), rate('b', 'p1', 80), rate('c', 'p2', 90)])
    const answer = await call({ by: 'patient' }, exchange)
    expect(
      patientsOf(answer).map(({ patient, code, observations }) => [patient, code, observations]),
    ).toEqual([
      ['Patient/p0', 'P0', 0],
      ['Patient/p1', 'P1', 2],
      ['Patient/p10', 'P10', 0],
      ['Patient/p2', 'P2', 1],
    ])
    expect(patientsOf(answer)[1]?.series).toMatchObject([
      { name: 'heart-rate | /min', n: 2, median: 70, p25: 65 },
    ])
    expect(seriesOf(answer)).toEqual([])
    expect(answer.text).toContain('- Patient/p0 | "P0" | no observations')
    expect(answer.text).toContain(
      '  heart-rate /min: n 2, 2026-10-01T08:00:00Z to 2026-10-01T08:00:00Z, min 60',
    )
    expect(heads(answer)).toMatchObject({ complete: true, patientsLeft: 0 })
    expect(emptiesIn(answer.structured)).toEqual([])
  })

  it('puts units of one dimension together: over patients, in each week, and in one unit for all patients', async () => {
    const weight = (id: string, patient: string, value: number, unit: string, day: string) =>
      rate(id, patient, value, {
        code: coded('29463-7'),
        effectiveDateTime: day,
        valueQuantity: quantity(value, unit),
      })
    const exchange = observationDouble([
      weight('a', 'p1', 70, 'kg', '2026-10-01'),
      weight('b', 'p1', 154.3, '[lb_av]', '2026-10-08'),
      weight('c', 'p2', 200, '[lb_av]', '2026-10-08'),
    ])
    const weekly = await call({ by: 'week' }, exchange)
    expect(seriesOf(weekly)).toMatchObject([
      { name: 'body-weight | kg', patients: 2, n: 3, min: 69.98930269, max: 90.718474 },
    ])
    expect(
      seriesOf(weekly)[0]?.weeks.map(([, start, patients, n, mean]) => [start, patients, n, mean]),
    ).toEqual([
      ['2026-10-05', 2, 2, (69.98930269 + 90.718474) / 2],
      ['2026-09-28', 1, 1, 70],
    ])
    expect(weekly.text).toContain('converted: 2 of [lb_av]')
    const each = await call({ by: 'patient' }, exchange)
    expect(
      patientsOf(each).map(({ patient, series }) => [patient, series.map(({ name, n }) => [name, n])]),
    ).toEqual([
      ['Patient/p0', []],
      ['Patient/p1', [['body-weight | kg', 2]]],
      ['Patient/p10', []],
      ['Patient/p2', [['body-weight | kg', 1]]],
    ])
    for (const { text } of [weekly, each]) {
      expect(text).toContain(
        'Converted by the exact factors of UCUM and rounded to 10 significant digits: body-weight from [lb_av] to kg 2.',
      )
    }
  })

  it('gives every patient once over all pages within the byte budget, with the same figures as in one', async () => {
    const people = Array.from({ length: 120 }, (_, n) => `p${n}`)
    const exchange = observationDouble(
      people.flatMap((id, n) => [rate(`a${n}`, id, n), rate(`b${n}`, id, 2 * n)]),
    )
    const seen: string[] = []
    let cursor: unknown
    let pages = 0
    do {
      const answer = await call({ by: 'patient', cursor }, exchange, { byteBudget: 16_384 }, people)
      expect(Buffer.byteLength(JSON.stringify(answer.structured) + answer.text)).toBeLessThanOrEqual(16_384)
      const rows = patientsOf(answer)
      seen.push(...rows.map(({ patient }) => patient))
      for (const { patient, series } of rows) {
        expect(series[0]?.mean).toBe(Number(patient.slice(9)) * 1.5)
        expect(answer.text).toContain(`- ${patient} |`)
      }
      expect(heads(answer)).toMatchObject({ complete: false, patients: 120, patientsRead: rows.length })
      expect(answer.text).toContain(`A page: ${rows.length} of 120 patients, each with all of its numbers; `)
      expect(answer.text).not.toContain('PARTIAL')
      cursor = top(answer, 'cursor')
      pages += 1
    } while (cursor !== undefined)
    expect(pages).toBeGreaterThan(3)
    expect(seen).toEqual(people.map((id) => `Patient/${id}`).sort())
  })

  it('gives a patient who fills a page alone as far as it fits, and says how much is left out', async () => {
    const many = Array.from({ length: 200 }, (_, n) =>
      rate(`o${n}`, 'p1', n, { code: coded(`${n}-1`, `Laboratory value number ${n}`) }),
    )
    const answer = await call({ by: 'patient' }, observationDouble(many), { byteBudget: 16_384 }, [
      'p1',
      'p2',
    ])
    expect(Buffer.byteLength(JSON.stringify(answer.structured) + answer.text)).toBeLessThanOrEqual(16_384)
    const shown = patientsOf(answer)[0]?.series.length ?? 0
    expect(shown).toBeGreaterThan(3)
    expect(answer.text).toContain(`${200 - shown} series left out for size`)
    const next = await call({ by: 'patient', cursor: top(answer, 'cursor') }, observationDouble(many), {}, [
      'p1',
      'p2',
    ])
    expect(patientsOf(next).map(({ patient }) => patient)).toEqual(['Patient/p2'])
  })

  describe('where the deadline comes first', () => {
    const observations = enrolled.flatMap((id, n) => [rate(`a${n}`, id, 60 + n), rate(`b${n}`, id, 80 + n)])

    it('has whole patients only, is marked PARTIAL, and goes on with the others', async () => {
      const { slow, context } = ticking(observationDouble(observations), 25_000)
      const first = await call({}, slow, context)
      expect(heads(first)).toMatchObject({
        complete: false,
        patients: 4,
        patientsRead: 3,
        patientsLeft: 1,
        patientsOfEarlierCalls: 0,
        observations: 6,
      })
      expect(named(first, 'heart-rate | /min')).toMatchObject({ patients: 3, n: 6 })
      expect(first.text).toContain(
        'PARTIAL: every number here is of 3 of 4 patients, not the 1 that are left: the deadline came first.',
      )
      expect(first.text).toContain('cannot be put together into those of the study')
      const second = await call({ cursor: top(first, 'cursor') }, slow, context)
      expect(heads(second)).toMatchObject({
        complete: false,
        patientsRead: 1,
        patientsLeft: 0,
        patientsOfEarlierCalls: 3,
      })
      expect(named(second, 'heart-rate | /min')).toMatchObject({ patients: 1, n: 2, min: 61, max: 81 })
      expect(second.text).toContain(
        'PARTIAL: every number here is of 1 of 4 patients, not the 3 of earlier calls.',
      )
      expect(top(second, 'cursor')).toBeUndefined()
    })

    it('leaves a patient whose pages are cut to the next call, whole', async () => {
      const long = Array.from({ length: 2500 }, (_, n) => rate(`l${n}`, 'p1', n))
      const { slow, context } = ticking(observationDouble([...long, rate('s', 'p0', 50)]), 20_000)
      const first = await call({}, slow, context, ['p0', 'p1'])
      expect(heads(first)).toMatchObject({ patientsRead: 1, observations: 1, patientsLeft: 1 })
      expect(named(first, 'heart-rate | /min')).toMatchObject({ n: 1, max: 50 })
      const second = await call(
        { cursor: top(first, 'cursor') },
        slow,
        { ...context, settings: { ...settings, deadline: 90_000 } },
        ['p0', 'p1'],
      )
      expect(named(second, 'heart-rate | /min')).toMatchObject({ n: 2500, median: 1249.5 })
    })

    it('marks the first patient where even that one is not read in time, and goes on behind', async () => {
      const long = Array.from({ length: 2500 }, (_, n) => rate(`l${n}`, 'p0', n))
      const { slow, context } = ticking(observationDouble(long), 100_000)
      const first = await call({}, slow, context)
      expect(heads(first)).toMatchObject({
        patientsRead: 0,
        patientsNotRead: 1,
        patientsLeft: 3,
        observations: 0,
      })
      expect(first.text).toContain('NOT READ: not read before the deadline')
      expect(first.text).toContain('Not read, which is not the same as without observations: Patient/p0')
      expect(seriesOf(first)).toEqual([])
      const second = await call({ cursor: top(first, 'cursor') }, slow, context)
      expect(heads(second)).toMatchObject({ patientsOfEarlierCalls: 1, patientsRead: 1, complete: false })
    })

    it('says so where the roster has changed since', async () => {
      const { slow, context } = ticking(observationDouble(observations), 25_000)
      const first = await call({}, slow, context)
      const cursor = top(first, 'cursor')
      const grown = await call({ cursor }, slow, context, [...enrolled, 'p00', 'p3'])
      expect(grown.text).toContain('Who is enrolled has changed since the call before')
      expect(heads(grown)).toMatchObject({ patients: 6, patientsOfEarlierCalls: 4, patientsRead: 2 })
      const behind = await call({ cursor }, slow, context, [...enrolled, 'p3'])
      expect(behind.text).not.toContain('has changed')
      expect(heads(behind)).toMatchObject({ patients: 5, patientsOfEarlierCalls: 3, patientsRead: 2 })
      const shrunk = await call({ cursor }, slow, context, ['p0', 'p1', 'p2'])
      expect(shrunk.text).toContain('has changed')
    })
  })

  it('marks a patient for whom the exchange does not answer, and fails where it answers for none', async () => {
    const failing = (...who: string[]) => {
      const exchange = observationDouble(enrolled.map((id) => rate(id, id, 60)))
      return {
        ...exchange,
        patientObservations: async (...asked: Parameters<Exchange['patientObservations']>) => {
          if (who.includes(asked[1])) throw fhirMcpError('EXCHANGE_TIMEOUT')
          return exchange.patientObservations(...asked)
        },
      }
    }
    const answer = await call({}, failing('p1'))
    expect(heads(answer)).toMatchObject({
      complete: false,
      patientsRead: 3,
      patientsNotRead: 1,
      patientsLeft: 0,
    })
    expect(answer.text).toContain('Patient/p1 (the exchange did not answer)')
    expect(top(answer, 'cursor')).toBeUndefined()
    const last = await call({}, failing('p10', 'p2'))
    expect(heads(last)).toMatchObject({ patientsRead: 2, patientsNotRead: 0, patientsLeft: 2 })
    expect(last.text).toContain('not the 2 that are left: the exchange did not answer for those behind')
    const next = await call({ cursor: top(last, 'cursor') }, failing('p10'))
    expect(heads(next)).toMatchObject({ patientsRead: 1, patientsNotRead: 1, patientsLeft: 0 })
    await expect(call({}, failing(...enrolled))).rejects.toMatchObject({
      code: 'FHIR_MCP_EXCHANGE_TIMEOUT',
      detail: expect.stringContaining('ask for one data_type, or for a shorter period'),
    })
  })

  it('does not go on asking an exchange that has stopped to answer', async () => {
    const people = Array.from({ length: 200 }, (_, n) => `p${n}`)
    let asked = 0
    const exchange = observationDouble([], {
      patientObservations: async () => {
        asked += 1
        if (asked > 3) throw fhirMcpError('EXCHANGE_UNAVAILABLE')
        return { observations: [], positionAfter: () => undefined, total: 0, gaps: [] }
      },
    })
    const answer = await call({}, exchange, { settings }, people)
    expect(asked).toBe(23)
    expect(heads(answer)).toMatchObject({ patientsRead: 3, patientsNotRead: 0, patientsLeft: 197 })
  })

  it.each(['EXCHANGE_LEAK', 'RATE_LIMITED', 'NOT_SUPPORTED_BY_EXCHANGE', 'FORBIDDEN'] as const)(
    'passes %s on',
    async (kind) => {
      const exchange = observationDouble([], {
        patientObservations: async (_, patient) => {
          if (patient === 'p2') throw fhirMcpError(kind)
          return { observations: [], positionAfter: () => undefined, total: 0, gaps: [] }
        },
      })
      await expect(call({}, exchange)).rejects.toMatchObject({ code: `FHIR_MCP_${kind}` })
    },
  )

  it('begins nothing further when the caller has gone', async () => {
    const gone = new AbortController()
    let asked = 0
    const exchange = observationDouble([], {
      patientObservations: async () => {
        asked += 1
        gone.abort()
        return { observations: [], positionAfter: () => undefined, total: 0, gaps: [] }
      },
    })
    await expect(call({}, exchange, { settings, signal: gone.signal })).rejects.toThrow()
    expect(asked).toBe(1)
  })

  it('says so where nobody is enrolled', async () => {
    const answer = await call({}, observationDouble([]), {}, [])
    expect(heads(answer)).toMatchObject({ patients: 0, patientsRead: 0, complete: true })
    expect(answer.text).toContain('Nobody within reach is enrolled')
  })

  it('gives the series that do not fit by the cursor, each once, over all patients', async () => {
    const rows = ['p1', 'p2'].flatMap((patient) =>
      Array.from({ length: 60 }, (_, type) =>
        rate(`${patient}-${type}`, patient, type, { code: coded(`${1000 + type}-0`, `Analyte ${type}`) }),
      ),
    )
    const exchange = observationDouble(rows)
    const seen: unknown[] = []
    let cursor: unknown
    let pages = 0
    do {
      const given = cursor === undefined ? {} : { cursor }
      const answer = await call(given, exchange, { byteBudget: 16_384 })
      expect(Buffer.byteLength(JSON.stringify(answer.structured) + answer.text)).toBeLessThanOrEqual(16_384)
      const parts = parametersNamed(answer, 'series')
      for (const { part = [] } of parts) {
        expect([valueNamed(part, 'n'), valueNamed(part, 'patients')]).toEqual([2, 2])
        seen.push(valueNamed(part, 'type'))
      }
      expect(top(answer, 'complete')).toBe(true)
      cursor = top(answer, 'cursor')
      const left =
        /Left out for size: \d+ series\. The cursor gives them\. Or ask for one with data_type: http/
      expect(left.test(answer.text ?? '')).toBe(cursor !== undefined)
      pages += 1
    } while (cursor !== undefined)
    expect(pages).toBeGreaterThan(2)
    expect(new Set(seen).size).toBe(60)
    expect(seen).toHaveLength(60)
  })

  it('says that a count of steps is no day', async () => {
    const steps = rate('s', 'p1', 0, {
      code: coded('55423-8'),
      valueQuantity: quantity(500, '{steps}'),
    })
    expect((await call({}, observationDouble([steps]))).text).toContain('not a day')
    expect((await call({}, observationDouble([rate('a', 'p1', 60)]))).text).not.toContain('not a day')
  })

  it('refuses a cursor that is forged, of other arguments or of somebody else, and a position that is none', async () => {
    const { slow, context } = ticking(observationDouble(enrolled.map((id) => rate(id, id, 60))), 30_000)
    const cursor = top(await call({}, slow, context), 'cursor')
    expect(typeof cursor).toBe('string')
    const refused = { code: 'FHIR_MCP_INVALID_ARGUMENT' }
    const exchange = observationDouble([])
    for (const given of [
      { cursor: 'x' },
      { cursor: `${String(cursor).slice(0, -4)}AAAA` },
      { cursor, by: 'week' },
      { cursor, data_type: 'heart-rate' },
      { cursor, time_zone: 'Europe/Berlin' },
    ]) {
      await expect(call(given, exchange)).rejects.toMatchObject(refused)
    }
    const other = principalOf({ studies: ['s1'] }, { subject: 'user-2' })
    await expect(
      callOn(
        summarizeStudyObservations,
        { study_id: 's1', cursor },
        { exchange, enrolled, principal: other },
      ),
    ).rejects.toMatchObject(refused)
    for (const position of [7, 'p1', { after: 'p1' }, { after: 1, enrolled: 'x' }]) {
      const cursors = { seal: async () => '', open: async () => position }
      await expect(call({ cursor: 'x' }, exchange, { cursors })).rejects.toMatchObject(refused)
    }
    expect(exchange.asked).toEqual([])
    expect((await call({ cursor }, exchange)).text).toContain('PARTIAL')
  })

  it('asks nothing about a study that is not permitted', async () => {
    const exchange = observationDouble([])
    const principal = principalOf({ studies: ['s2'] })
    await expect(
      callOn(summarizeStudyObservations, { study_id: 's1' }, { exchange, principal }),
    ).rejects.toMatchObject({ code: 'FHIR_MCP_FORBIDDEN' })
    expect(exchange.asked).toEqual([])
  })
})
