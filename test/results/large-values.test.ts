import { describe, expect, it } from 'vitest'
import type { AnyResource, Observation } from '../../src/fhir/types.ts'
import { attachmentText, boundedText, quotedText, sampledDataText } from '../../src/results/large-values.ts'
import { withoutLong } from '../../src/results/without-long.ts'

type Sampled = NonNullable<Observation['valueSampledData']>
const sampled = (more: object, data = '1 2 3') =>
  sampledDataText({ origin: { value: 0, code: 'mV' }, dimensions: 1, data, ...more } as Sampled)

describe('sampled data in words', () => {
  it('has a million samples in a line', () => {
    const data = Array.from({ length: 1_000_000 }, (_, n) => 1000 + (n % 1000)).join(' ')
    expect(sampled({ period: 4 }, data)).toBe('1000000 samples, every 4 ms, 1000 to 1999 mV')
  })

  it.each<[string, string, object, string?]>([
    ['R5', '3 samples, every 2 s, 1 to 3 mV, as sent: 1 2 3', { interval: 2, intervalUnit: 's' }],
    ['offsets', '3 samples, 1 to 3 mV, as sent: 1 2 3', { offsets: '0 1 2' }],
    [
      'a factor and an origin',
      '3 samples, 5.1 to 5.3 mV, as sent: 1 2 3 times 0.1 plus 5',
      { factor: 0.1, origin: { value: 5, code: 'mV' } },
    ],
    [
      'dimensions',
      '2 samples of 3 dimensions, 1 to 6 mV, as sent: 1 2 3 4 5 6',
      { dimensions: 3 },
      '1 2 3 4 5 6',
    ],
    ['no unit', '3 samples, 1 to 3, as sent: 1 2 3', { origin: { value: 0 } }],
    [
      'errors and limits',
      '5 samples, 7 to 7 mV, 3 values not measured (E, U or L), 1 value not readable, as sent: "E U L x 7"',
      {},
      'E U L x 7',
    ],
    ['no measured value', '1 sample, 1 value not measured (E, U or L), as sent: E', {}, 'E'],
    ['no samples', '0 samples, as sent:', {}, ''],
  ])('says %s', (_, expected, more, data) => {
    expect(sampled(more, data).trim()).toBe(expected)
  })

  it('says where the data is missing', () => {
    expect(sampledDataText({ origin: { value: 0 }, dimensions: 1, interval: 1, intervalUnit: 'ms' })).toBe(
      'sampled data without its data, every 1 ms',
    )
  })
})

describe('a long text', () => {
  it('is described by its beginning and its length', () => {
    const long = 'ä'.repeat(5_000_000)
    expect(quotedText(long)).toBe(`"${'ä'.repeat(200)}…" (5000000 characters, whole in format fhir_full)`)
    expect(boundedText(long)).toHaveLength(200 + '… (5000000 characters, whole in format fhir_full)'.length)
    expect([quotedText('short'), boundedText('short')]).toEqual(['"short"', 'short'])
  })

  it('names an attachment by what it is', () => {
    expect(attachmentText({ contentType: 'image/png', data: 'A'.repeat(4000) })).toBe(
      'attachment (image/png, 3000 bytes), its data is in format fhir_full',
    )
    expect(attachmentText({ size: '7', url: 'http://x' })).toBe(
      'attachment (unknown type, 7 bytes), its data is in format fhir',
    )
    expect(attachmentText({ title: 't' })).toBe('attachment "t" (unknown type), without data')
  })
})

describe('a resource without its long texts', () => {
  const long = 'x'.repeat(101)
  const cut = (more: object) => withoutLong({ resourceType: 'Observation', ...more }, 100)

  it('is itself where there are none', () => {
    const short: AnyResource = { resourceType: 'Observation', id: 'o', note: [{ text: 'x' }] }
    expect(withoutLong(short, 100)).toBe(short)
  })

  it('has neither them nor what they leave empty', () => {
    expect(
      cut({
        id: 'o',
        status: 'final',
        valueString: long,
        code: { text: long, coding: [{ code: 'c', display: long }, { display: long }] },
        component: [{ code: { text: long } }, { code: { text: 'kept' }, valueInteger: 0 }],
        valueSampledData: { origin: { value: 1 }, data: long },
      }),
    ).toEqual({
      resourceType: 'Observation',
      id: 'o',
      status: 'final',
      code: { coding: [{ code: 'c' }] },
      component: [{ code: { text: 'kept' }, valueInteger: 0 }],
      valueSampledData: { origin: { value: 1 } },
    })
  })

  it('has nothing that says less than before: no note without text, no extension without value', () => {
    expect(
      cut({
        note: [{ time: '2026', text: long }, { text: 'kept' }],
        text: { status: 'generated', div: long },
        extension: [
          { url: 'urn:x', valueString: long },
          { url: 'urn:y', valueString: 'kept' },
        ],
        parameter: [{ name: 'n', valueString: long }],
      }),
    ).toEqual({
      resourceType: 'Observation',
      note: [{ text: 'kept' }],
      extension: [{ url: 'urn:y', valueString: 'kept' }],
    })
  })
})
