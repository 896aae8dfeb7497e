import { describe, expect, it } from 'vitest'
import type { Exchange } from '../../src/exchange/exchange.ts'
import type { Observation, ParametersParameter } from '../../src/fhir/types.ts'
import type { Answer } from '../../src/results/answer.ts'
import { summarizePatientObservations } from '../../src/tools/summarize-patient-observations.ts'
import type { GrantedContext } from '../../src/tools/tool.ts'
import { emptiesIn, now, resourceOf } from './call-tool.ts'
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

const ask = (
  observations: readonly Observation[],
  given: Record<string, unknown> = {},
  more: { overrides?: Partial<Exchange>; context?: Partial<GrantedContext> } = {},
) => {
  const exchange = observationDouble(observations, more.overrides)
  const context = more.context ?? {}
  return callOn(summarizePatientObservations, { patient_id: 'p1', ...given }, { exchange, context })
}
const glucose = (
  id: string,
  at: string | undefined,
  value: number,
  unit = 'mg/dL',
  more: Partial<Observation> = {},
) =>
  observation(id, {
    code: coded(unit === 'mg/dL' ? '2339-0' : '15074-8'),
    ...(at === undefined ? {} : { effectiveDateTime: at }),
    valueQuantity: quantity(value, unit),
    ...more,
  })
const steps = (id: string, start: string, end: string, value: number, more: Partial<Observation> = {}) =>
  observation(id, {
    code: coded('55423-8'),
    effectivePeriod: { start, end },
    valueQuantity: quantity(value, '{steps}'),
    ...more,
  })
const top = (answer: Answer, name: string) =>
  valueNamed(resourceOf(answer).parameter as ParametersParameter[], name)
const number = (part: readonly ParametersParameter[], name: string) => {
  const value = valueNamed(part, name)
  return typeof value === 'object' && value !== null && 'value' in value ? value.value : value
}
const seriesOf = (answer: Answer) =>
  parametersNamed(answer, 'series').map(({ part = [] }) => ({
    name: ['type', 'component', 'statistic', 'unit']
      .flatMap((name) => valueNamed(part, name) ?? [])
      .join(' | '),
    n: valueNamed(part, 'n'),
    excluded: Object.fromEntries(
      part
        .filter(({ name }) => name === 'excluded')
        .map(({ part: own = [] }) => [valueNamed(own, 'reason'), valueNamed(own, 'n')]),
    ),
    first: valueNamed(part, 'first'),
    last: valueNamed(part, 'last'),
    undated: valueNamed(part, 'undated'),
    figures: ['min', 'max', 'mean', 'median', 'sd'].map((name) => number(part, name)),
  }))
const named = (answer: Answer, name: string) => seriesOf(answer).find((series) => series.name === name)

describe('summarize_patient_observations', () => {
  it('takes one code as one series, whatever it is called and whatever stands beside it', async () => {
    const protein = (
      id: string,
      value: number,
      text: string,
      ...beside: { system: string; code: string }[]
    ) =>
      observation(id, {
        code: { coding: [...beside, { system: 'http://loinc.org', code: '2885-2' }], text },
        valueQuantity: quantity(value, 'g/dL'),
      })
    const own = { system: 'urn:x:laboratory', code: 'PROT' }
    const answer = await ask([
      protein('a', 7.1, 'Protein [Mass/ volume] in Serum'),
      protein('b', 7.3, 'Protein [Mass/volume] in Serum'),
      protein('c', 7.5, 'Protein [Mass/volume] in Serum', own),
      observation('d', { code: { coding: [own] }, valueQuantity: quantity(9, 'g/dL') }),
    ])
    expect(seriesOf(answer).map(({ name, n }) => [name, n])).toEqual([
      ['PROT | g/dL', 1],
      ['Protein [Mass/volume] in Serum (2885-2) | g/dL', 3],
    ])
  })

  it('names a component as most readings do', async () => {
    const of = (id: string, value: number, text: string) =>
      observation(id, {
        code: coded('85353-1'),
        component: [{ code: { ...coded('8478-0'), text }, valueQuantity: quantity(value, 'mm[Hg]') }],
      })
    const answer = await ask([of('a', 90, 'MAP'), of('b', 92, 'Mean'), of('c', 94, 'Mean')])
    expect(seriesOf(answer).map(({ name, n }) => [name, n])).toEqual([
      ['85353-1 | Mean (8478-0) | mm[Hg]', 3],
    ])
  })

  it('takes a value as what its own code says, in a panel of another code or alone', async () => {
    const alone = (id: string, code: string, value: number, unit: string) =>
      observation(id, { code: coded(code), valueQuantity: quantity(value, unit) })
    const answer = await ask([
      bloodPressure('a', '2026-10-01T08:00:00Z', 120, 80),
      alone('b', '8480-6', 130, 'mm[Hg]'),
      alone('c', '8867-4', 60, '/min'),
      observation('d', {
        code: coded('85353-1'),
        component: [
          { code: coded('8480-6'), valueQuantity: quantity(140, 'mm[Hg]') },
          { code: coded('8867-4'), valueQuantity: quantity(70, '/min') },
        ],
      }),
    ])
    expect(seriesOf(answer).map(({ name, n }) => [name, n])).toEqual([
      ['blood-pressure | diastolic blood pressure | mm[Hg]', 1],
      ['blood-pressure | systolic blood pressure | mm[Hg]', 3],
      ['heart-rate | /min', 2],
    ])
  })

  it('describes each unit for itself and never mixes them', async () => {
    const answer = await ask([
      glucose('a', '2026-10-01T08:00:00Z', 90),
      glucose('b', '2026-10-02T08:00:00Z', 110),
      glucose('c', '2026-10-03T08:00:00Z', 5.6, 'mmol/L'),
    ])
    expect(seriesOf(answer)).toEqual([
      {
        name: 'blood-glucose | mg/dL',
        n: 2,
        excluded: {},
        first: '2026-10-01T08:00:00Z',
        last: '2026-10-02T08:00:00Z',
        figures: [90, 110, 100, 100, Math.sqrt(200)],
      },
      {
        name: 'blood-glucose | mmol/L',
        n: 1,
        excluded: {},
        first: '2026-10-03T08:00:00Z',
        last: '2026-10-03T08:00:00Z',
        figures: [5.6, 5.6, 5.6, 5.6, undefined],
      },
    ])
    const [first] = parametersNamed(answer, 'series')
    expect(first?.part).toContainEqual({
      name: 'mean',
      valueQuantity: { value: 100, unit: 'mg/dL', system: 'http://unitsofmeasure.org', code: 'mg/dL' },
    })
    expect(first?.part).toContainEqual({
      name: 'code',
      valueCoding: { system: 'http://loinc.org', code: '2339-0' },
    })
    expect(answer.text).toContain(
      '- blood-glucose | mg/dL | n 2 | 2026-10-01T08:00:00Z to 2026-10-02T08:00:00Z | min 90 | max 110 | mean 100 | median 100 | SD 14.14',
    )
    expect([top(answer, 'observations'), top(answer, 'complete')]).toEqual([3, true])
    expect(emptiesIn(answer.structured)).toEqual([])
  })

  it('puts spellings of one unit into one series', async () => {
    const rate = (id: string, valueQuantity: Observation['valueQuantity']) =>
      observation(id, { effectiveDateTime: '2026-03-29', valueQuantity })
    const answer = await ask([
      rate('a', quantity(63)),
      rate('b', { ...quantity(64, '{beats}/min'), unit: 'count/min' }),
      rate('c', { value: 65, unit: 'bpm' }),
      rate('d', { ...quantity(66, 'bpm'), unit: 'bpm' }),
    ])
    expect(seriesOf(answer)).toMatchObject([
      { name: 'heart-rate | /min', n: 4, figures: [63, 66, 64.5, 64.5, expect.any(Number)] },
    ])
    expect(answer.text).not.toContain('onverted')
  })

  it('puts units of one dimension into that of the type, and says how many and how they are rounded', async () => {
    const weight = (id: string, value: number, unit: string) =>
      observation(id, {
        code: coded('29463-7'),
        effectiveDateTime: '2026-10-01',
        valueQuantity: unit === 'lbs' ? { value, unit } : quantity(value, unit),
      })
    const answer = await ask([
      weight('a', 70, 'kg'),
      weight('b', 154.3, '[lb_av]'),
      weight('c', 160, 'lbs'),
      weight('d', 70_500, 'g'),
    ])
    expect(seriesOf(answer)).toMatchObject([
      {
        name: 'body-weight | kg',
        n: 4,
        figures: [69.98930269, 72.5747792, 70.7660204725, 70.25, expect.any(Number)],
      },
    ])
    const [series] = parametersNamed(answer, 'series')
    expect(series?.part?.filter(({ name }) => name === 'converted')).toEqual([
      {
        name: 'converted',
        part: [
          { name: 'unit', valueString: '[lb_av]' },
          { name: 'n', valueInteger: 2 },
        ],
      },
      {
        name: 'converted',
        part: [
          { name: 'unit', valueString: 'g' },
          { name: 'n', valueInteger: 1 },
        ],
      },
    ])
    expect(answer.text).toContain('| n 4 | converted: 2 of [lb_av], 1 of g |')
    expect(answer.text).toContain(
      'Converted by the exact factors of UCUM and rounded to 10 significant digits: body-weight from [lb_av] to kg 2, body-weight from g to kg 1.',
    )
  })

  it('gives values that are all in one unit as they are', async () => {
    const fever = (id: string, value: number, more: Partial<Observation> = {}) =>
      observation(id, { code: coded('8310-5'), valueQuantity: quantity(value, '[degF]'), ...more })
    const answer = await ask([fever('a', 98.6), fever('b', 100.4)])
    expect(seriesOf(answer)).toMatchObject([
      { name: 'body-temperature | [degF]', figures: [98.6, 100.4, 99.5, 99.5, expect.any(Number)] },
    ])
    expect(answer.text).not.toContain('onverted')
  })

  it('converts no mass into substance, no arbitrary unit, no text that it does not know, and no spread', async () => {
    const spread = [
      { coding: [{ system: 'https://w3id.org/openmhealth', code: 'x' }], text: 'standard deviation' },
    ]
    const fever = (id: string, value: number, unit: string) =>
      observation(id, { code: coded('8310-5'), valueQuantity: quantity(value, unit), interpretation: spread })
    const answer = await ask([
      glucose('a', '2026-10-01', 90),
      glucose('b', '2026-10-01', 5, 'mmol/L', { code: coded('2339-0') }),
      glucose('c', '2026-10-01', 1, '[IU]', { code: coded('2339-0') }),
      glucose('d', '2026-10-01', 2, 'U', {
        code: coded('2339-0'),
        valueQuantity: { value: 2, unit: 'units' },
      }),
      fever('e', 1, 'Cel'),
      fever('f', 1.8, '[degF]'),
    ])
    expect(seriesOf(answer).map(({ name, n }) => [name, n])).toEqual([
      ['blood-glucose | [IU]', 1],
      ['blood-glucose | mg/dL', 1],
      ['blood-glucose | mmol/L', 1],
      ['blood-glucose | units', 1],
      ['body-temperature | standard deviation | Cel', 1],
      ['body-temperature | standard deviation | [degF]', 1],
    ])
  })

  it('gives values of a code that no type has in the unit that most of them are in', async () => {
    const protein = (id: string, value: number, unit: string) =>
      observation(id, { code: coded('718-7', 'Hemoglobin'), valueQuantity: quantity(value, unit) })
    const answer = await ask([protein('a', 14, 'g/dL'), protein('b', 13, 'g/dL'), protein('c', 138, 'g/L')])
    expect(seriesOf(answer)).toMatchObject([{ n: 3, figures: [13, 14, 13.6, 13.8, expect.any(Number)] }])
    expect(answer.text).toContain('"Hemoglobin (718-7)" from g/L to g/dL 1.')
  })

  it('leaves out what is no plain number, and says of each why', async () => {
    const answer = await ask([
      glucose('ok', '2026-10-01', 90),
      glucose('error', '2026-10-01', 999, 'mg/dL', { status: 'entered-in-error' }),
      glucose('cancelled', '2026-10-01', 998, 'mg/dL', { status: 'cancelled' }),
      glucose('low', '2026-10-01', 0, 'mg/dL', {
        valueQuantity: { ...quantity(40, 'mg/dL'), comparator: '<' },
      }),
      glucose('modified', '2026-10-01', 997, 'mg/dL', { modifierExtension: [{ url: 'urn:not' }] }),
      glucose('both', '2026-10-01', 996, 'mg/dL', { dataAbsentReason: { text: 'error' } }),
      observation('absent', { code: coded('2339-0'), dataAbsentReason: { text: 'error' } }),
      observation('empty', { code: coded('2339-0') }),
    ])
    expect(named(answer, 'blood-glucose | mg/dL')).toMatchObject({
      n: 1,
      excluded: {
        'entered-in-error': 1,
        cancelled: 1,
        comparator: 1,
        'unknown modifier': 1,
        absent: 2,
        'no value': 1,
      },
      figures: [90, 90, 90, 90, undefined],
    })
    expect(answer.text).toContain(
      'Values left out of the numbers: with a comparator (such as <40) 1, with a modifierExtension that is not understood 1, absent 2, without a value 1.',
    )
    expect(answer.text).toContain('Left out of every number as entered-in-error: 1.')
    expect(parametersNamed(answer, 'excludedObservations')).toHaveLength(2)
    expect(JSON.stringify(answer.structured)).not.toMatch(/99[6-9]/)
  })

  it('does not call a body that could not be read, or a number too large, words', async () => {
    const data = Buffer.from('{"header":{},"body":{"heart_rate":"high"}}').toString('base64')
    const answer = await ask([
      observation('a', { effectiveDateTime: '2026-10-01', valueQuantity: quantity(73) }),
      observation('b', { valueAttachment: { contentType: 'application/json', data } }),
      observation('c', { valueQuantity: quantity(Number.POSITIVE_INFINITY) }),
      observation('d', { valueString: 'skipped' }),
    ])
    expect(named(answer, 'heart-rate | /min')).toMatchObject({
      n: 1,
      excluded: { 'not translated': 1, 'out of range': 1 },
    })
    expect(top(answer, 'notNumbers')).toBe('heart-rate')
    expect(answer.text).toContain('Not numbers, so not summarised: heart-rate (1).')
    expect(answer.text).toContain(
      'Values left out of the numbers: larger than a number can be here 1, not translated (their rows say why) 1.',
    )
  })

  it('describes blood pressure per component, in both spellings of its codes', async () => {
    const omh = 'https://w3id.org/openmhealth'
    const decoded = observation('omh', {
      code: { coding: [{ system: omh, code: 'omh:blood-pressure:4.0' }] },
      effectiveDateTime: '2026-10-03',
      component: [
        {
          code: { coding: [{ system: omh, code: 'systolic_blood_pressure' }] },
          valueQuantity: quantity(130, 'mm[Hg]'),
        },
        { code: coded('8462-4'), dataAbsentReason: { text: 'unknown' } },
        {
          code: { coding: [{ system: omh, code: 'body_posture' }], text: 'body posture' },
          valueString: 'sitting',
        },
      ],
    })
    const broken = { ...bloodPressure('x', '2026-10-02', 300, 200), status: 'entered-in-error' as const }
    const answer = await ask([bloodPressure('a', '2026-10-01', 120, 80), broken, decoded])
    expect(named(answer, 'blood-pressure | systolic blood pressure | mm[Hg]')).toMatchObject({
      n: 2,
      excluded: { 'entered-in-error': 1 },
      first: '2026-10-01',
      last: '2026-10-03',
      figures: [120, 130, 125, 125, Math.sqrt(50)],
    })
    expect(named(answer, 'blood-pressure | diastolic blood pressure | mm[Hg]')).toMatchObject({
      n: 1,
      excluded: { 'entered-in-error': 1, absent: 1 },
    })
    expect(seriesOf(answer)).toHaveLength(2)
    expect(top(answer, 'notNumbers')).toBe('blood-pressure body posture')
    expect(answer.text).toContain('Not numbers, so not summarised: blood-pressure "body posture" (1).')
  })

  it('keeps values that are statistics already apart from single readings', async () => {
    const interpretation = [
      { coding: [{ system: 'https://w3id.org/openmhealth', code: 'average' }], text: 'average' },
    ]
    const answer = await ask([
      glucose('a', '2026-10-01', 90),
      glucose('b', '2026-10-02', 200, 'mg/dL', { interpretation }),
    ])
    expect(named(answer, 'blood-glucose | mg/dL')).toMatchObject({
      n: 1,
      figures: [90, 90, 90, 90, undefined],
    })
    expect(named(answer, 'blood-glucose | average | mg/dL')).toMatchObject({ n: 1 })
    expect(answer.text).toContain('average, not single readings')
  })

  it('describes integers, own values beside components, and codes that it does not know', async () => {
    const answer = await ask([
      observation('apgar', {
        code: coded('9274-2', 'Apgar'),
        valueInteger: 7,
        component: [{ code: coded('9272-6', 'Heart'), valueInteger: 2 }],
      }),
      observation('words', { code: coded('72166-2', 'Smoking'), valueString: 'never' }),
      observation('wrong words', {
        code: coded('72166-2', 'Smoking'),
        valueString: 'x',
        status: 'cancelled',
      }),
    ])
    expect(seriesOf(answer).map(({ name, n, undated }) => [name, n, undated])).toEqual([
      ['Apgar (9274-2)', 1, 1],
      ['Apgar (9274-2) | Heart (9272-6)', 1, 1],
    ])
    const [apgar] = parametersNamed(answer, 'series')
    expect(apgar?.part).toContainEqual({ name: 'mean', valueDecimal: 7 })
    expect(top(answer, 'notNumbers')).toBe('Smoking (72166-2)')
  })

  it('sums steps per day of the time zone, by their start, and states it', async () => {
    const answer = await ask(
      [
        steps('a', '2026-10-01T21:30:00Z', '2026-10-01T22:30:00Z', 100),
        steps('b', '2026-10-01T22:30:00Z', '2026-10-01T23:00:00Z', 20),
        steps('c', '2026-10-01T05:00:00Z', '2026-10-01T06:00:00Z', 3),
        steps('d', '2026-10-01T05:30:00Z', '2026-10-01T06:30:00Z', 4),
        steps('x', '2026-10-01T07:00:00Z', '2026-10-01T08:00:00Z', 5000, { status: 'entered-in-error' }),
        observation('u', { code: coded('55423-8'), valueQuantity: quantity(7, '{steps}') }),
        observation('m', {
          code: coded('55423-8'),
          effectiveDateTime: '2026-10',
          valueQuantity: quantity(8, '{steps}'),
        }),
      ],
      { time_zone: 'Europe/Berlin' },
    )
    expect(
      parametersNamed(answer, 'day').map(({ part = [] }) =>
        part.map((_, i) => Object.values(part[i] ?? {})[1]),
      ),
    ).toEqual([
      ['2026-10-02', expect.objectContaining({ value: 20 }), 1],
      ['2026-10-01', expect.objectContaining({ value: 107 }), 3],
    ])
    const [perDay] = parametersNamed(answer, 'perDay')
    expect(valueNamed(perDay?.part ?? [], 'days')).toBe(2)
    expect(valueNamed(perDay?.part ?? [], 'withoutDay')).toBe(2)
    expect(number(perDay?.part ?? [], 'mean')).toBe(63.5)
    expect(answer.text).toContain('step-count per day {steps} | 2 days with data | min 20 | max 107')
    expect(answer.text).toContain('Days are those of Europe/Berlin, by when a count begins')
    expect(answer.text).toContain('Counts that overlap in time with an earlier one: 1.')
    expect(answer.text).toContain('2026-10-01: 107 {steps} (3)')
    expect(answer.text).toContain('2 without a day left out')
    expect(emptiesIn(answer.structured)).toEqual([])
  })

  it('makes no day of a count that reaches into the period from before it', async () => {
    const early = steps('a', '2026-09-30T23:30:00Z', '2026-10-01T00:30:00Z', 100)
    const within = steps('b', '2026-10-01T05:00:00Z', '2026-10-01T06:00:00Z', 20)
    const overlapping: Partial<Exchange> = {
      observations: async () => ({
        observations: [within, early],
        positionAfter: () => undefined,
        total: 2,
        gaps: [],
      }),
    }
    const answer = await ask([], { start: '2026-10-01' }, { overrides: overlapping })
    expect(named(answer, 'step-count | {steps}')).toMatchObject({ n: 2 })
    expect(parametersNamed(answer, 'day')).toHaveLength(1)
    expect(answer.text).toContain('2026-10-01: 20 {steps} (1)')
    expect(answer.text).toContain(
      'Counts that begin before the period or last more than a day, in no day: 1.',
    )
  })

  it('adds up counts that are sums already, apart from single counts, and no sum over more than a day', async () => {
    const sum = {
      interpretation: [{ coding: [{ system: 'https://w3id.org/openmhealth', code: 'sum' }], text: 'sum' }],
    }
    const answer = await ask([
      steps('day', '2026-10-01T00:00:00Z', '2026-10-01T23:59:59Z', 9000, sum),
      steps('week', '2026-10-02T00:00:00Z', '2026-10-09T00:00:00Z', 50_000, sum),
      steps('single', '2026-10-01T08:00:00Z', '2026-10-01T09:00:00Z', 400),
    ])
    const days = parametersNamed(answer, 'day').map(({ part = [] }) => [
      valueNamed(part, 'date'),
      valueNamed(part, 'statistic'),
      number(part, 'sum'),
    ])
    expect(days).toEqual([
      ['2026-10-01', undefined, 400],
      ['2026-10-01', 'sum', 9000],
    ])
    expect(answer.text).toContain('of values that are a sum')
    expect(answer.text).toContain('last more than a day, in no day: 1.')
  })

  it('keeps a unit with a line break on its line', async () => {
    const odd = { value: 1, unit: 'x\n- heart-rate | n 999' }
    const answer = await ask([
      glucose('a', '2026-10-01', 0, 'mg/dL', { valueQuantity: odd }),
      steps('s', '2026-10-01', '2026-10-01', 0, { valueQuantity: odd }),
    ])
    expect(answer.text?.split('\n').filter((line) => line.startsWith('- heart-rate'))).toEqual([])
  })

  it('does not sum steps that are a statistic already, nor other types', async () => {
    const interpretation = [
      { coding: [{ system: 'https://w3id.org/openmhealth', code: 'average' }], text: 'average' },
    ]
    const answer = await ask([
      steps('a', '2026-10-01T05:00:00Z', '2026-10-01T06:00:00Z', 3, { interpretation }),
      glucose('g', '2026-10-01', 90),
    ])
    expect(parametersNamed(answer, 'perDay')).toEqual([])
    const only = await ask([steps('a', '2026-10-01T05:00:00Z', '2026-10-01T06:00:00Z', 3)])
    expect(parametersNamed(only, 'perDay')).toHaveLength(1)
    expect(only.text).not.toContain('overlap in time')
    expect(only.text).not.toContain('begin before the period')
  })

  it('reads every page, counts nothing twice, and tells progress', async () => {
    const many = Array.from({ length: 2500 }, (_, index) =>
      glucose(`o${index}`, new Date(Date.UTC(2026, 0, 1) + index * 60_000).toISOString(), index),
    )
    const told: unknown[] = []
    const answer = await ask(many, {}, { context: { progress: (done, total) => told.push([done, total]) } })
    expect(named(answer, 'blood-glucose | mg/dL')).toMatchObject({
      n: 2500,
      figures: [0, 2499, expect.closeTo(1249.5, 9), 1249.5, expect.closeTo(721.8321, 3)],
    })
    expect(told).toEqual([1000, 2000, 2500].map((done) => [done, 2500]))

    const [a, b, c] = [
      glucose('a', '2026-10-03', 1),
      glucose('b', '2026-10-02', 2),
      glucose('c', '2026-10-01', 3),
    ]
    const nameless: Observation = { ...glucose('n', '2026-10-01', 4) }
    delete nameless.id
    const pages = [
      [a, b],
      [b, c, nameless, nameless],
    ]
    const shifted = await ask(
      [],
      {},
      {
        overrides: {
          observations: async (_, { position }) => {
            const index = Number(position?.[0] ?? 0)
            return {
              observations: pages[index] ?? [],
              positionAfter: () => (index === 0 ? ['1'] : undefined),
              total: 3,
              gaps: [],
            }
          },
        },
      },
    )
    expect(named(shifted, 'blood-glucose | mg/dL')).toMatchObject({ n: 5 })
  })

  const endless = (perPage: number, after: (read: number) => void = () => undefined): Partial<Exchange> => {
    let read = 0
    return {
      observations: async (_, { count }) => {
        const size = Math.min(perPage, count)
        const observations = Array.from({ length: size }, () => {
          read += 1
          return glucose(`o${read}`, '2026-10-01', 1)
        })
        after(read)
        return { observations, positionAfter: () => [String(read)], total: undefined, gaps: [] }
      },
    }
  }

  it('stops at 20,000 observations and marks the answer as partial', async () => {
    const answer = await ask([], {}, { overrides: endless(1000) })
    expect([top(answer, 'observations'), top(answer, 'complete')]).toEqual([20_000, false])
    expect(answer.text).toContain(
      'PARTIAL: only the newest 20000 observations are in these numbers, and the earliest day may be cut; 20000 are read',
    )
  })

  it('stops at the deadline and marks the answer as partial', async () => {
    let time = now
    const overrides = endless(10, () => {
      time += 40_000
    })
    const answer = await ask([], {}, { overrides, context: { now: () => time } })
    expect([top(answer, 'observations'), top(answer, 'complete')]).toEqual([20, false])
    expect(answer.text).toContain('the deadline came first')
  })

  it('does not run on over pages that lead nowhere', async () => {
    const answer = await ask([], {}, { overrides: endless(0) })
    expect(top(answer, 'complete')).toBe(false)
    expect(answer.text).toContain('the pages of the exchange led no further')
  })

  it('asks no further page when the caller has gone', async () => {
    const gone = new AbortController()
    let pages = 0
    const overrides = endless(10, () => {
      pages += 1
      gone.abort()
    })
    await expect(ask([], {}, { overrides, context: { signal: gone.signal } })).rejects.toThrow()
    expect(pages).toBe(1)
  })

  it('leaves out what does not fit the byte budget, smallest series first, and names it', async () => {
    const many = Array.from({ length: 60 }, (_, type) =>
      Array.from({ length: type === 30 ? 3 : 1 }, (_, index) =>
        observation(`o${type}-${index}`, {
          code: coded(`${1000 + type}-0`, `Analyte ${type}`),
          valueQuantity: quantity(index),
        }),
      ),
    ).flat()
    const answer = await ask(many, {}, { context: { byteBudget: 16_384 } })
    expect(Buffer.byteLength(JSON.stringify(answer.structured) + answer.text)).toBeLessThanOrEqual(16_384)
    const shown = seriesOf(answer)
    expect(shown.map(({ name }) => name)).toContain('Analyte 30 (1030-0) | /min')
    expect(shown.length).toBeLessThan(60)
    expect(answer.text).toMatch(
      /Left out for size: \d+ series\. The cursor gives them\. Or ask for one with data_type: http:\/\/loinc\.org\|1\d\d\d-0, /,
    )
    for (const { name } of shown) expect(answer.text).toContain(name.split(' | ')[0])
  })

  it('gives every series that does not fit by the cursor, each once, and by the data_type that it names', async () => {
    const many = Array.from({ length: 80 }, (_, type) =>
      Array.from({ length: 1 + (type % 5) }, (_, index) =>
        observation(`o${type}-${index}`, {
          code: { coding: [{ system: 'urn:lab', code: `A ${type}`, display: `Analyte ${type}` }] },
          valueQuantity: quantity(index),
        }),
      ),
    ).flat()
    const context = { byteBudget: 16_384 }
    const seen: string[] = []
    let cursor: string | undefined
    let pages = 0
    let text = ''
    do {
      const answer = await ask(many, cursor === undefined ? {} : { cursor }, { context })
      expect(Buffer.byteLength(JSON.stringify(answer.structured) + answer.text)).toBeLessThanOrEqual(16_384)
      text = answer.text ?? ''
      if (pages === 0) {
        const [, asked = ''] = /data_type: "(urn:lab\|A \d+)",/.exec(text) ?? []
        expect(seriesOf(await ask(many, { data_type: asked }, { context }))).toHaveLength(1)
      } else expect(text).toMatch(/^Series \d+ to \d+ of 80$/m)
      seen.push(...seriesOf(answer).map(({ name }) => name))
      cursor = top(answer, 'cursor') as string | undefined
      if (cursor !== undefined) expect(text).toContain(`cursor: ${cursor}`)
      pages += 1
    } while (cursor !== undefined)
    expect(pages).toBeGreaterThan(2)
    expect(seen).toHaveLength(80)
    expect(new Set(seen).size).toBe(80)
    expect(text).not.toContain('Left out for size')
  })

  it('says on a later page that the readings have changed, and refuses a cursor of another call', async () => {
    const many = Array.from({ length: 80 }, (_, type) =>
      observation(`o${type}`, {
        code: coded(`${1000 + type}-0`, `Analyte ${type}`),
        valueQuantity: quantity(1),
      }),
    )
    const context = { byteBudget: 16_384 }
    const first = await ask(many, {}, { context })
    const cursor = top(first, 'cursor')
    const again = await ask(many, { cursor }, { context })
    expect(again.text).not.toContain('have changed')
    const changed = await ask(
      [...many, observation('new', { valueQuantity: quantity(1) })],
      { cursor },
      { context },
    )
    expect(changed.text).toContain('Observations have changed since the page before')
    await expect(ask(many, { cursor, start: '2026' }, { context })).rejects.toMatchObject({
      code: 'FHIR_MCP_INVALID_ARGUMENT',
    })
  })

  it('lists the newest days that fit, with figures over all', async () => {
    const many = Array.from({ length: 300 }, (_, day) => {
      const start = new Date(Date.UTC(2026, 0, 1 + day)).toISOString()
      return steps(`o${day}`, start, start, day)
    })
    const answer = await ask(many, {}, { context: { byteBudget: 16_384 } })
    expect(Buffer.byteLength(JSON.stringify(answer.structured) + answer.text)).toBeLessThanOrEqual(16_384)
    const days = parametersNamed(answer, 'day')
    expect(days.length).toBeGreaterThan(10)
    expect(valueNamed(days[0]?.part ?? [], 'date')).toBe('2026-10-27')
    expect(answer.text).toContain(`Only the newest ${days.length} of 300 days are listed`)
    const [perDay] = parametersNamed(answer, 'perDay')
    expect(valueNamed(perDay?.part ?? [], 'days')).toBe(300)
    expect(number(perDay?.part ?? [], 'mean')).toBeCloseTo(149.5, 9)
    const tiny = await ask(many, {}, { context: { byteBudget: 7_400 } })
    expect(Buffer.byteLength(JSON.stringify(tiny.structured) + tiny.text)).toBeLessThanOrEqual(7_400)
  })

  it('says why there is nothing', async () => {
    const answer = await ask([glucose('a', '2026-10-01T08:00:00Z', 90)], { start: '2027' })
    expect(answer.text).toContain(
      'No observations in this period. Nearest: the last before it at 2026-10-01T08:00:00Z.',
    )
    expect([top(answer, 'observations'), top(answer, 'complete')]).toEqual([0, true])
  })

  it('asks nothing for a patient out of reach or a wrong argument', async () => {
    const exchange = observationDouble([])
    const call = (given: Record<string, unknown>) => callOn(summarizePatientObservations, given, { exchange })
    await expect(call({ patient_id: 'p9' })).rejects.toMatchObject({ code: 'FHIR_MCP_FORBIDDEN' })
    await expect(call({ patient_id: 'p1', end: 'x' })).rejects.toMatchObject({
      code: 'FHIR_MCP_INVALID_ARGUMENT',
    })
    expect(exchange.asked).toEqual([])
  })
})
