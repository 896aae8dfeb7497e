import { describe, expect, it } from 'vitest'
import type { Observation } from '../../src/fhir/types.ts'
import { bodyNotes } from '../../src/open-mhealth/body.ts'
import { decodeNotes, decodeObservation } from '../../src/open-mhealth/decode.ts'
import { componentFor, withBody, withText } from './observations.ts'

const frame = '"effective_time_frame": {"date_time": "2026-11-19T23:20:34Z"}'
const code = 'omh:heart-rate:2.0'

/** The observation comes back as it was, and says why in a note. */
function expectUntouched(observation: Observation, note: string) {
  const before = structuredClone(observation)
  const result = decodeObservation(observation)
  const noted = { ...before, note: [{ authorString: 'fastify-fhir-mcp', text: note }] }
  expect(result).toStrictEqual({ observation: noted, decoded: false, note })
  expect(observation).toStrictEqual(before)
}

function heart(value: string, more = ''): string {
  return `{"body": {"heart_rate": {"unit": "beats/min", "value": ${value}}, ${frame}${more}}}`
}

describe('an attachment that is kept', () => {
  it.each([
    ['words alone', { mood: 'good' }],
    [
      'no value beside its time',
      {
        effective_time_frame: {
          time_interval: { start_date_time: '2026-11-19T23:20:34Z', duration: { value: 2, unit: 'h' } },
        },
      },
    ],
    ['a series of numbers', { sample: Array.from({ length: 101 }, (_, at) => at) }],
  ])('of a type that nobody described with %s says so', (_, body) => {
    expectUntouched(withText(JSON.stringify({ body }), 'omh:blood-type:1.0'), decodeNotes.unknownType)
  })

  it.each([
    ['another content type', { contentType: 'application/pdf', data: 'e30=' }],
    ['no content type', { data: 'e30=' }],
    ['no data', { contentType: 'application/json', url: 'Binary/1' }],
  ])('with %s is not JSON', (_, valueAttachment) => {
    expectUntouched({ ...withText('', code), valueAttachment }, bodyNotes.notJson)
  })

  it.each(['', 'e30', '%%%%', 'e3=0', 'e30=e30=', '/w=='])('with data %j is not UTF-8 in base64', (data) => {
    const valueAttachment = { contentType: 'application/json', data }
    expectUntouched({ ...withText('', code), valueAttachment }, bodyNotes.notBase64)
  })

  it.each(['{', 'NaN', "{'body': 1}", '{"body": {"heart_rate": {"value": NaN, "unit": "beats/min"}}}'])(
    'with the text %j is not valid JSON',
    (text) => {
      expectUntouched(withText(text, code), bodyNotes.notParsed)
    },
  )

  it.each(['1e999', '-1e999', '9007199254740993', '0.12345678901234567890', '1e-400', '1e99999999999'])(
    'with the number %s is not decoded to another number',
    (value) => {
      expectUntouched(withText(heart(value), code), bodyNotes.notExact)
    },
  )

  it.each(['60', '57.0', '0.1', '6.0e1', '1E+2', '-0.0', '1e300', '5e-324', '0.30000000000000004'])(
    'is decoded where the number %s is exact (control)',
    (value) => {
      const { observation } = decodeObservation(withText(heart(value), code))
      expect(observation.valueQuantity?.value).toBe(Number(value))
    },
  )

  it('with a member that is there twice is not decoded to one of the two', () => {
    const twice = `{"body": {"heart_rate": {"unit": "beats/min", "value": 60, "value": 90}, ${frame}}}`
    expectUntouched(withText(twice, code), bodyNotes.notExact)
    expectUntouched(withText(heart('60', ', "note": "a", "note": "b"'), code), bodyNotes.notExact)
  })

  it.each(['[]', 'null', '7', '"body"', '{}', '{"body": []}', '{"body": null}', '{"body": "text"}'])(
    'with the JSON %s has no body',
    (text) => {
      expectUntouched(withText(text, code), bodyNotes.notDataPoint)
    },
  )

  it.each<[string, unknown, string]>([
    ['an empty body', {}, code],
    ['the body of another type', { body_weight: { value: 70, unit: 'kg' } }, code],
    ['a bare number', { heart_rate: 60 }, code],
    ['a number in quotes', { heart_rate: { value: '60', unit: 'beats/min' } }, code],
    ['an empty number', { heart_rate: { value: '', unit: 'beats/min' } }, code],
    ['no number', { heart_rate: { value: null, unit: 'beats/min' } }, code],
    ['no unit', { heart_rate: { value: 60 } }, code],
    ['null in place of its value', { heart_rate: null }, code],
    ['a list of values', { heart_rate: [{ value: 60, unit: 'beats/min' }] }, code],
    [
      'half a blood pressure',
      { systolic_blood_pressure: { value: 120, unit: 'mmHg' } },
      'omh:blood-pressure:4.0',
    ],
    ['an activity without a name', { distance: { value: 3, unit: 'km' } }, 'omh:physical-activity:1.2'],
    ['an activity with a number as its name', { activity_name: 3 }, 'omh:physical-activity:1.2'],
    ['a stage in words', { total_sleep_time: 'long' }, 'omh:sleep-episode:1.1'],
    ['an episode of nothing', { is_main_sleep: true }, 'ieee:sleep-episode:1.0'],
    ['a summary of nothing', { sleep_stage_summary: {} }, 'ieee:sleep-stage-summary:1.0'],
  ])('with %s does not have the shape of its type', (_, body, type) => {
    expectUntouched(withBody(body, type), decodeNotes.unexpectedShape)
  })

  it('with two members at one path does not have the shape of its type', () => {
    const body = { heart_rate: { value: 60, unit: 'beats/min' }, 'a.b': 1, a: { b: 2 } }
    expectUntouched(withBody(body, code), decodeNotes.unexpectedShape)
  })

  it('nested past any schema does not have the shape of its type, however deep', () => {
    const deep = (levels: number) => `${'['.repeat(levels)}1${']'.repeat(levels)}`
    expect(decodeObservation(withText(heart('60', `, "a": ${deep(8)}`), code)).decoded).toBe(true)
    for (const levels of [40, 5_000]) {
      expectUntouched(withText(heart('60', `, "a": ${deep(levels)}`), code), decodeNotes.unexpectedShape)
    }
  })

  it('names nothing of the attachment in a note', () => {
    const { note } = decodeObservation(withText('{"body": {"secret": "Jane Roe"}}', code))
    expect(note).not.toContain('Jane')
    expect(note).not.toContain('secret')
  })
})

describe('an observation', () => {
  it('without an attachment comes back as it is, without a note', () => {
    const { valueAttachment, ...observation } = withText(heart('60'), code)
    expect(valueAttachment).toBeDefined()
    expect(decodeObservation(observation)).toStrictEqual({ observation, decoded: false })
  })

  it('is not changed by decoding', () => {
    const observation = withText(heart('60'), code)
    const before = structuredClone(observation)
    expect(decodeObservation(observation).decoded).toBe(true)
    expect(observation).toStrictEqual(before)
  })

  it('with a charset, spaces in its base64 and a byte order mark is decoded', () => {
    const data = Buffer.from(`\uFEFF${heart('60')}`)
      .toString('base64')
      .replace(/(.{20})/g, '$1\r\n')
    const valueAttachment = { contentType: 'Application/JSON; charset=utf-8', data }
    expect(decodeObservation({ ...withText('', code), valueAttachment }).decoded).toBe(true)
  })
})

describe('a name of Object.prototype in a body', () => {
  it('is a member like any other and pollutes nothing', () => {
    const more =
      ', "__proto__": {"polluted": 1, "heart_rate": 2}, "constructor": {"prototype": {"polluted": 3}}'
    const { observation, decoded } = decodeObservation(withText(heart('60', more), code))
    expect(decoded).toBe(true)
    expect(observation.valueQuantity?.value).toBe(60)
    expect(componentFor(observation, '__proto__.polluted')?.valueQuantity?.value).toBe(1)
    expect(componentFor(observation, '__proto__.heart_rate')?.valueQuantity?.value).toBe(2)
    expect(componentFor(observation, 'constructor.prototype.polluted')?.valueQuantity?.value).toBe(3)
    expect('polluted' in {}).toBe(false)
    expect(Object.getPrototypeOf(observation)).toBe(Object.prototype)
  })

  it('does not stand in for a member that is missing', () => {
    const inherited = `{"body": {"__proto__": {"heart_rate": {"value": 60, "unit": "beats/min"}}, ${frame}}}`
    expectUntouched(withText(inherited, code), decodeNotes.unexpectedShape)
    const body = '{"__proto__": {"body": {"heart_rate": {"value": 60, "unit": "beats/min"}}}}'
    expectUntouched(withText(body, code), bodyNotes.notDataPoint)
  })
})
