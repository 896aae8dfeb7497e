import { describe, expect, it } from 'vitest'
import { numberOf, type ValueHolder, valueText } from '../../src/results/values.ts'

const code = { text: 'x' }
const ucum = 'http://unitsofmeasure.org'
const text = (holder: Partial<ValueHolder>, zone = 'UTC') => valueText({ code, ...holder }, zone)
const json = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64')

describe('a value in words', () => {
  it.each<[string, Partial<ValueHolder>, string | undefined]>([
    [
      'a quantity',
      { valueQuantity: { value: 84, unit: 'mg per dl', system: ucum, code: 'mg/dL' } },
      '84 mg/dL',
    ],
    ['a comparator', { valueQuantity: { value: 40, comparator: '<', unit: 'mg/dL' } }, '<40 mg/dL'],
    [
      'a unit without UCUM',
      { valueQuantity: { value: 1.5, unit: 'cups', system: 'urn:x', code: 'cup' } },
      '1.5 "cups"',
    ],
    [
      'the unit 1 of UCUM as none',
      { valueQuantity: { value: 10, unit: '1', system: ucum, code: '1' } },
      '10',
    ],
    ['the unit 1 without a text', { valueQuantity: { value: 10, system: ucum, code: '1' } }, '10'],
    [
      'what 1 counts',
      { valueQuantity: { value: 10, unit: '{score}', system: ucum, code: '1' } },
      '10 {score}',
    ],
    ['a unit by code alone', { valueQuantity: { value: 1, code: 'cup' } }, '1 "cup"'],
    ['a quantity without a number', { valueQuantity: { unit: 'mg/dL' } }, 'no number mg/dL'],
    ['an integer', { valueInteger: 0 }, '0'],
    ['no', { valueBoolean: false }, 'false'],
    ['a string', { valueString: 'a\n- b' }, '"a - b"'],
    [
      'a concept',
      { valueCodeableConcept: { coding: [{ code: '1', display: 'Positive' }] } },
      '"Positive" (1)',
    ],
    ['a code alone', { valueCodeableConcept: { coding: [{ code: 'POS' }] } }, 'POS'],
    [
      'a range',
      { valueRange: { low: { value: 1, unit: 'm' }, high: { value: 2, unit: 'm' } } },
      '1 m to 2 m',
    ],
    ['an open range', { valueRange: { low: { value: 1, unit: 'm' } } }, '1 m to open'],
    ['a ratio', { valueRatio: { numerator: { value: 1 }, denominator: { value: 128 } } }, '1 : 128'],
    ['a time', { valueTime: '08:30:00' }, '08:30:00'],
    ['a dateTime', { valueDateTime: '2026-10-01T08:00:00Z' }, '2026-10-01T08:00:00Z'],
    ['a period', { valuePeriod: { start: '2026-10-01', end: '2026-10-03' } }, '2026-10-01/2026-10-03'],
    ['absence', { dataAbsentReason: { coding: [{ code: 'error' }] } }, 'absent: error'],
    ['absence without a reason', { dataAbsentReason: {} }, 'absent: not said'],
    ['nothing', {}, undefined],
    [
      'a reference',
      { valueReference: { reference: 'Device/1' } },
      'reference "{\\"reference\\":\\"Device/1\\"}"',
    ],
  ])('says %s', (_, holder, expected) => {
    expect(text(holder)).toBe(expected)
  })

  it('keeps every number of few samples', () => {
    const valueSampledData = {
      origin: { value: 0 },
      intervalUnit: 'ms',
      interval: 4,
      dimensions: 1,
      data: '1 2 3',
    }
    expect(text({ valueSampledData })).toBe('3 samples, every 4 ms, 1 to 3, as sent: 1 2 3')
  })

  it('gives times in the time zone', () => {
    expect(text({ valueDateTime: '2026-10-01T08:00:00Z' }, 'Europe/Berlin')).toBe('2026-10-01T10:00:00+02:00')
  })

  it('shows the body of an Open mHealth attachment that was not translated, without its header', () => {
    const data = json({ header: { uuid: 'secret' }, body: { new_type: { value: 7, unit: 'x' } } })
    const said = text({ valueAttachment: { contentType: 'application/json', data } })
    expect(said).toBe('not translated: "{\\"new_type\\":{\\"value\\":7,\\"unit\\":\\"x\\"}}"')
    const plain = text({ valueAttachment: { contentType: 'application/json', data: json([1, 2]) } })
    expect(plain).toBe('not translated: "[1,2]"')
  })

  it('names any other attachment without its address', () => {
    const broken = { contentType: 'application/json', data: 'e30x', title: 'T' }
    expect(text({ valueAttachment: broken })).toBe(
      'attachment "T" (application/json, 3 bytes), its data is in format fhir',
    )
    const linked = { contentType: 'image/png', size: '9', url: 'http://exchange.example/x' }
    expect(text({ valueAttachment: linked })).toBe(
      'attachment (image/png, 9 bytes), its data is in format fhir',
    )
    expect(text({ valueAttachment: {} })).toBe('attachment (unknown type), without data')
    const primitive = { contentType: 'application/json', data: json(7) }
    expect(text({ valueAttachment: primitive })).toBe('not translated: "7"')
  })
})

describe('a value as a plain number', () => {
  const read = (holder: Partial<ValueHolder>, modified = false) => numberOf({ code, ...holder }, modified)

  it('is one with its unit', () => {
    expect(read({ valueQuantity: { value: 0, unit: 'steps' } })).toEqual({
      number: 0,
      unit: { label: 'steps', system: undefined, code: undefined },
    })
    expect(read({ valueInteger: 3 })).toMatchObject({ number: 3, unit: { label: '' } })
  })

  it.each<[string, Partial<ValueHolder>, boolean]>([
    ['comparator', { valueQuantity: { value: 40, comparator: '<' } }, false],
    ['unknown modifier', { valueQuantity: { value: 40 } }, true],
    ['unknown modifier', { valueQuantity: { value: 40 }, modifierExtension: [{ url: 'urn:x' }] }, false],
    ['absent', { valueQuantity: { value: 40 }, dataAbsentReason: {} }, false],
    ['no value', { valueQuantity: { unit: 'mg/dL' } }, false],
    ['no value', {}, false],
    ['not a number', { valueString: '40' }, false],
    ['not a number', { valueString: '40' }, true],
    ['out of range', { valueQuantity: { value: JSON.parse('1e999') } }, false],
  ])('is none: %s', (why, holder, modified) => {
    expect(read(holder, modified)).toMatchObject({ why })
    expect(read(holder, modified)).not.toHaveProperty('number')
  })
})
