import { describe, expect, it } from 'vitest'
import type { Observation, ParametersParameter } from '../../src/fhir/types.ts'
import type { Answer } from '../../src/results/answer.ts'
import { chartPatientObservations } from '../../src/tools/chart-patient-observations.ts'
import type { GrantedContext } from '../../src/tools/tool.ts'
import { pngOfAnswer, sizeOfPng } from '../charts/png.ts'
import { emptiesIn, now, resourceOf } from './call-tool.ts'
import {
  bloodPressure,
  callOn,
  coded,
  type ObservationDouble,
  observation,
  observationDouble,
  parametersNamed,
  quantity,
  valueNamed,
} from './observation-double.ts'

const hour = 3_600_000
const start = Date.parse('2026-10-01T08:00:00Z')
const omh = 'https://w3id.org/openmhealth'

async function ask(
  observations: readonly Observation[] | ObservationDouble,
  data_types: readonly string[],
  given: Record<string, unknown> = {},
  context: Partial<GrantedContext> = {},
): Promise<Answer> {
  const exchange = 'asked' in observations ? observations : observationDouble(observations)
  return callOn(chartPatientObservations, { patient_id: 'p1', data_types, ...given }, { exchange, context })
}
const heartRates = (n: number, step = hour) =>
  Array.from({ length: n }, (_, index) =>
    observation(`h${index}`, {
      effectiveDateTime: new Date(start + index * step).toISOString(),
      valueQuantity: quantity(60 + (index % 40)),
    }),
  )
const panelsOf = (answer: Answer) =>
  parametersNamed(answer, 'panel').map(({ part = [] }) =>
    ['title', 'unit', 'kind', 'drawn'].map((name) => valueNamed(part, name)),
  )
const top = (answer: Answer, name: string) =>
  valueNamed(resourceOf(answer).parameter as ParametersParameter[], name)

describe('chart_patient_observations', () => {
  it.each([1, 10, 10_000])('draws %d readings as a PNG that is readable and small', async (n) => {
    const answer = await ask(heartRates(n, 10 * 60_000), ['heart-rate'])
    const png = pngOfAnswer(answer)
    const { width, height } = sizeOfPng(png)
    expect(width).toBeGreaterThanOrEqual(1180)
    expect(width).toBeLessThanOrEqual(1240)
    expect(height).toBeGreaterThan(500)
    expect(png.length).toBeLessThanOrEqual(150_000)
    expect(panelsOf(answer)).toEqual([['Heart rate', 'beats/min', 'line', n]])
    expect(emptiesIn(answer.structured)).toEqual([])
    expect(answer.content).toMatchObject([
      { type: 'image', mimeType: 'image/png', annotations: { audience: ['user', 'assistant'] } },
    ])
  })

  it('says in words what the picture shows, and gives the figures', async () => {
    const answer = await ask(heartRates(10), ['heart-rate'])
    const alt =
      'Chart: Heart rate, 10 readings from 60 to 69 beats/min, median 64.5. Time axis: 1 Oct 2026, UTC.'
    expect(answer.text).toContain(alt)
    expect(top(answer, 'chart')).toBe(alt)
    expect(answer.text).toContain('- heart-rate | /min | n 10 |')
    const [series] = parametersNamed(answer, 'series')
    expect(valueNamed(series?.part ?? [], 'median')).toMatchObject({ value: 64.5 })
  })

  it('gives every type a panel, in the order asked, and every unit one of its own', async () => {
    const glucose = (id: string, value: number, unit: string) =>
      observation(id, {
        code: coded(unit === 'mg/dL' ? '2339-0' : '15074-8'),
        effectiveDateTime: '2026-10-02',
        valueQuantity: quantity(value, unit),
      })
    const answer = await ask(
      [
        ...heartRates(3),
        bloodPressure('b', '2026-10-01', 120, 80),
        glucose('g', 90, 'mg/dL'),
        glucose('m', 5.6, 'mmol/L'),
      ],
      ['blood-pressure', 'blood-glucose', 'hr'],
    )
    expect(panelsOf(answer)).toEqual([
      ['Blood pressure', 'mmHg', 'pressure', 1],
      ['Blood glucose', 'mg/dL', 'line', 1],
      ['Blood glucose', 'mmol/L', 'line', 1],
      ['Heart rate', 'beats/min', 'line', 3],
    ])
    expect(answer.text).toContain(
      'Blood pressure as a band, systolic 1 reading: 120 mmHg, diastolic 1 reading',
    )
  })

  it('draws units of one dimension in one panel, in the unit of the type, and says what was converted', async () => {
    const weight = (id: string, value: number, unit: string, hours: number) =>
      observation(id, {
        code: coded('29463-7'),
        effectiveDateTime: new Date(start + hours * hour).toISOString(),
        valueQuantity: quantity(value, unit),
      })
    const pressure = bloodPressure('p', '2026-10-01', 120, 80)
    const inKilopascal = {
      ...bloodPressure('q', '2026-10-02', 16, 10),
      component: (bloodPressure('q', '2026-10-02', 16, 10).component ?? []).map((one) => ({
        ...one,
        valueQuantity: {
          ...one.valueQuantity,
          unit: 'kPa',
          system: 'http://unitsofmeasure.org',
          code: 'kPa',
        },
      })),
    }
    const rates = [
      observation('r', { effectiveDateTime: '2026-10-01', valueQuantity: quantity(63) }),
      observation('s', { effectiveDateTime: '2026-10-02', valueQuantity: quantity(64, '{beats}/min') }),
    ]
    const answer = await ask(
      [weight('a', 70, 'kg', 0), weight('b', 154.3, '[lb_av]', 1), pressure, inKilopascal, ...rates],
      ['body-weight', 'blood-pressure', 'heart-rate'],
    )
    expect(panelsOf(answer)).toEqual([
      ['Body weight', 'kg', 'line', 2],
      ['Blood pressure', 'mmHg', 'pressure', 2],
      ['Heart rate', 'beats/min', 'line', 2],
    ])
    expect(answer.text).toContain('Body weight, 2 readings from 69.99 to 70 kg')
    expect(answer.text).toContain('body-weight from [lb_av] to kg 1')
    expect(answer.text).toContain('blood-pressure systolic blood pressure from kPa to mm[Hg] 1')
    expect(answer.text).not.toContain('heart-rate from')
  })

  it('draws nothing that is no plain number with a day, and counts it', async () => {
    const at = { effectiveDateTime: '2026-10-01T08:00:00Z' }
    const answer = await ask(
      [
        observation('ok', { ...at, valueQuantity: quantity(70) }),
        observation('error', { ...at, status: 'entered-in-error', valueQuantity: quantity(999) }),
        observation('low', { ...at, valueQuantity: { ...quantity(40), comparator: '<' } }),
        observation('absent', { ...at, dataAbsentReason: { text: 'error' } }),
        observation('modified', {
          ...at,
          valueQuantity: quantity(998),
          modifierExtension: [{ url: 'urn:x' }],
        }),
        observation('undated', { valueQuantity: quantity(71) }),
        observation('month', { effectiveDateTime: '2026-10', valueQuantity: quantity(72) }),
      ],
      ['heart-rate'],
    )
    expect(panelsOf(answer)).toEqual([['Heart rate', 'beats/min', 'line', 1]])
    expect(answer.text).toContain('Not drawn, and left out of every number, as entered-in-error: 1.')
    expect(answer.text).toMatch(/Values not drawn: .*comparator 1/)
    expect(answer.text).toMatch(/Values not drawn: .*absent 1/)
    expect(answer.text).toMatch(/Values not drawn: .*unknown modifier 1/)
    expect(answer.text).toContain('Values without a day, not drawn: 2.')
    expect(answer.text).not.toMatch(/99[89]/)
  })

  it('gives no picture where there is nothing to draw, and says why', async () => {
    const none = await ask(heartRates(3), ['heart-rate'], { start: '2027' })
    expect(none.content).toBeUndefined()
    expect(none.text).toContain('No observations of heart-rate in this period. Nearest: the last before it')
    const words = await ask(
      [observation('w', { effectiveDateTime: '2026-10-01', valueString: 'high' })],
      ['heart-rate'],
    )
    expect(words.content).toBeUndefined()
    expect(words.text).toContain('No picture: nothing here is a plain number with a day.')
    expect(words.text).toContain(
      'Not drawn: heart-rate; none of its 1 observations is a plain number with a day (values: not a number 1).',
    )
  })

  it('names a type that has nothing to draw beside one that has', async () => {
    const at = { effectiveDateTime: '2026-10-01' }
    const weights = [
      observation('w1', { code: coded('29463-7'), ...at, valueString: 'normal' }),
      observation('w2', { code: coded('29463-7'), ...at, dataAbsentReason: { text: 'refused' } }),
      observation('w3', { code: coded('29463-7'), valueQuantity: quantity(70, 'kg') }),
    ]
    const answer = await ask([...heartRates(3), ...weights], ['heart-rate', 'body-weight'])
    expect(panelsOf(answer)).toEqual([['Heart rate', 'beats/min', 'line', 3]])
    expect(answer.text).toContain(
      'Not drawn: body-weight; none of its 3 observations is a plain number with a day',
    )
    expect(answer.text).toMatch(/\(values: .*not a number 1.*\)/)
    expect(answer.text).toMatch(/\(values: .*absent 1.*\)/)
    expect(answer.text).toMatch(/\(values: .*without a day 1.*\)/)
    expect(answer.text).not.toContain('No picture')
    expect(answer.text).not.toContain('Not drawn: heart-rate')
  })

  it('sums steps per day of the time zone', async () => {
    const steps = (id: string, from: string, to: string, value: number) =>
      observation(id, {
        code: coded('55423-8'),
        effectivePeriod: { start: from, end: to },
        valueQuantity: quantity(value, '{steps}'),
      })
    const answer = await ask(
      [
        steps('a', '2026-10-01T21:30:00Z', '2026-10-01T21:45:00Z', 100),
        steps('b', '2026-10-01T22:30:00Z', '2026-10-01T23:00:00Z', 20),
        steps('c', '2026-10-02T08:00:00Z', '2026-10-02T09:00:00Z', 4),
      ],
      ['steps'],
      { time_zone: 'Europe/Berlin' },
    )
    expect(panelsOf(answer)).toEqual([['Step count per day', 'steps', 'bars', 2]])
    expect(answer.text).toContain('Step count per day as bars, 2 days from 24 to 100 steps')
    expect(answer.text).toContain('days without data are not days of 0 steps')
  })

  it('draws sleep by the day of waking: from onset to end, and as hours in its stages', async () => {
    const stage = (code: string, value: number) => ({
      code: { coding: [{ system: omh, code }] },
      valueQuantity: quantity(value, 'min'),
    })
    const answer = await ask(
      [
        observation('s', {
          code: { coding: [{ system: omh, code: 'omh:sleep-episode:1.1' }] },
          effectivePeriod: { start: '2026-10-01T22:00:00Z', end: '2026-10-02T05:00:00Z' },
          component: [
            stage('total_sleep_time', 400),
            stage('deep_sleep_duration', 90),
            stage('light_sleep_duration', 200),
            stage('rem_sleep_duration', 80),
          ],
        }),
        observation('t', {
          code: { coding: [{ system: omh, code: 'omh:sleep-episode:1.1' }] },
          effectiveDateTime: '2026-10-03T05:00:00Z',
          component: [stage('total_sleep_time', 360)],
        }),
      ],
      ['sleep-episode'],
    )
    expect(panelsOf(answer)).toEqual([
      ['Sleep episode, from onset to end', 'time of day', 'clock', 1],
      ['Sleep episode per night', 'h', 'bars', 2],
    ])
    expect(answer.text).toContain('per night as bars, 2 days from 6 to 6.667 h')
    expect(answer.text).toContain('not drawn from onset to end: 1.')
    const minutes = observation('d', {
      code: coded('93832-4'),
      effectivePeriod: { start: '2026-10-01T22:00:00Z', end: '2026-10-02T05:00:00Z' },
      valueQuantity: quantity(420, 'min'),
    })
    const nap = { ...minutes, id: 'n', valueQuantity: quantity(0.5, 'h') }
    const short = await ask([minutes, nap], ['sleep-duration'])
    expect(short.text).toContain('Sleep duration per night as bars, 1 day: 7.5 h')
    expect(short.text).toContain('Nights with more than one sleep, whose hours are added up: 1.')
  })

  it('reads each type to its own end, an observation once, with progress that only grows', async () => {
    const told: number[] = []
    const both = observation('both', {
      code: { coding: [...coded('8867-4').coding, ...coded('9279-1').coding] },
      effectiveDateTime: '2026-10-01',
      valueQuantity: quantity(60),
    })
    const exchange = observationDouble([...heartRates(1500), both])
    const answer = await ask(
      exchange,
      ['heart-rate', 'respiratory-rate'],
      {},
      {
        progress: (done) => told.push(done),
      },
    )
    expect(top(answer, 'observations')).toBe(1501)
    expect(told).toEqual([1000, 1501, 1502])
    expect(new Set(exchange.asked.map(({ query }) => JSON.stringify(query.codes))).size).toBe(2)
    const same = observationDouble(heartRates(1))
    await ask(same, ['hr', 'heart-rate', 'pulse'])
    expect(same.asked).toHaveLength(1)
  })

  it('marks what is not complete', async () => {
    let time = now
    const slow = observationDouble(heartRates(2500))
    const late: ObservationDouble = {
      ...slow,
      observations(...asked) {
        time += 70_000
        return slow.observations(...asked)
      },
    }
    const answer = await ask(late, ['heart-rate'], {}, { now: () => time })
    expect(top(answer, 'complete')).toBe(false)
    expect(answer.text).toContain('PARTIAL: only the newest 1000 observations are in these numbers')
    expect(pngOfAnswer(answer).length).toBeGreaterThan(0)
  })

  it('names the panels for which there is no room', async () => {
    const panel = observation('p', {
      code: coded('1234-5', 'Panel'),
      effectiveDateTime: '2026-10-01',
      component: Array.from({ length: 8 }, (_, index) => ({
        code: coded(`10${index}-0`, `Part ${index}`),
        valueQuantity: quantity(index, 'mg'),
      })),
    })
    const answer = await ask([panel, ...heartRates(1)], ['http://loinc.org|1234-5', 'heart-rate'])
    expect(panelsOf(answer)).toHaveLength(6)
    expect(panelsOf(answer).at(-1)).toEqual(['Heart rate', 'beats/min', 'line', 1])
    expect(answer.text).toMatch(/A picture has 6 panels at most\. Not drawn: .*LOINC 1234-5/)
  })

  it('keeps to the byte budget beside the picture', async () => {
    const panel = observation('p', {
      code: coded('1234-5', 'Panel'),
      effectiveDateTime: '2026-10-01',
      component: Array.from({ length: 80 }, (_, index) => ({
        code: coded(`1${index}-0`, `Part ${index}`),
        valueQuantity: quantity(index, 'mg'),
      })),
    })
    const answer = await ask([panel], ['http://loinc.org|1234-5'], {}, { byteBudget: 16_384 })
    expect(Buffer.byteLength(JSON.stringify(answer.structured) + answer.text)).toBeLessThanOrEqual(16_384)
    expect(answer.text).toMatch(/Figures of \d+ series are left out for size/)
  })

  it('asks nothing for a patient out of reach or a wrong argument', async () => {
    const exchange = observationDouble(heartRates(1))
    await expect(ask(exchange, ['heart-rate'], { patient_id: 'p9' })).rejects.toMatchObject({
      code: 'FHIR_MCP_FORBIDDEN',
    })
    for (const types of [[], ['nonsense'], Array.from({ length: 5 }, () => 'heart-rate')]) {
      await expect(ask(exchange, types)).rejects.toMatchObject({ code: 'FHIR_MCP_INVALID_ARGUMENT' })
    }
    expect(exchange.asked).toEqual([])
  })
})
