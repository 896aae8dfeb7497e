import { describe, expect, it } from 'vitest'
import { digitsUrl } from '../../src/fhir/decimal-digits.ts'
import { exactJson, exactNumbers, exactNumbersStream, markDigits } from '../../src/mcp/exact-numbers.ts'

const kept = (valueString: string) => ({ extension: [{ url: digitsUrl, valueString }] })

describe('a number on the wire', () => {
  it('has the digits that are kept of it, and no extension', () => {
    const result = { a: [{ value: 1, _value: kept('1.00'), unit: 'kg' }], text: '1' }
    expect(exactJson(result)).toBe('{"a":[{"value":1.00,"unit":"kg"}],"text":"1"}')
    expect(result.a[0]?._value).toEqual(kept('1.00'))
  })

  it('is the number itself where nothing is kept', () => {
    const result = { value: 1.5, list: [1, { b: null }] }
    expect(markDigits(result)).toBe(result)
    expect(exactJson(result)).toBe(JSON.stringify(result))
  })

  it.each([
    ['another number', '2.00'],
    ['JSON', '1,"admin":true'],
    ['a text', '1.00"'],
    ['blank', ' 1.00'],
    ['no number', 'NaN'],
  ])('is never what an exchange smuggles in as its digits: %s', (_, digits) => {
    const result = { value: 1, _value: kept(digits) }
    expect(JSON.parse(exactJson(result))).toEqual(result)
  })

  it('is in a stream of events as well, wherever the pieces are cut, with every letter', async () => {
    const message = JSON.stringify(markDigits({ value: 1, _value: kept('1.00'), name: 'Ångström 李' }))
    const bytes = Buffer.from(`event: message\ndata: ${message}\n\n: keep-alive\n\n`)
    for (let size = 1; size <= bytes.length; size += 7) {
      const stream = exactNumbersStream()
      for (let at = 0; at < bytes.length; at += size) stream.write(bytes.subarray(at, at + size))
      stream.end()
      const text = Buffer.concat(await stream.toArray()).toString()
      expect(text).toBe('event: message\ndata: {"value":1.00,"name":"Ångström 李"}\n\n: keep-alive\n\n')
    }
  })

  it('is not touched in the text of anybody who does not know the mark', () => {
    const text = '{"value":"fhir-mcp-number-0:1.00"}'
    expect(exactNumbers(text)).toBe(text)
  })
})
