import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { markNumbers, restoreNumbers } from '../../src/exchange/decimal-literals.ts'
import { digitsUrl, writtenNumber } from '../../src/fhir/decimal-digits.ts'
import { exactJson } from '../../src/mcp/exact-numbers.ts'
import { callOf, clientOf, startExchange } from './loopback.ts'

/** What the exchange client makes of a JSON text. */
function read(text: string): Record<string, unknown> {
  const parsed = JSON.parse(markNumbers(Buffer.from(text)).toString())
  restoreNumbers(parsed)
  return parsed
}

const digit = fc.constantFrom(...'0123456789')
const digits = fc.array(digit, { minLength: 1, maxLength: 22 }).map((all) => all.join(''))
const literals = fc
  .tuple(
    fc.constantFrom('', '-'),
    digits.map((text) => text.replace(/^0+(?=\d)/, '')),
    fc.option(digits, { nil: undefined }),
    fc.option(fc.tuple(fc.constantFrom('e', 'E', 'e+', 'e-'), fc.integer({ min: 0, max: 200 })), {
      nil: undefined,
    }),
  )
  .map(
    ([sign, whole, fraction, power]) =>
      `${sign}${whole}${fraction === undefined ? '' : `.${fraction}`}${power === undefined ? '' : power.join('')}`,
  )

describe('a number of an answer', () => {
  it.each([
    '1.00',
    '12345678901234567',
    '0.10',
    '100.0',
    '-0',
    '-0.0',
    '1e2',
    '1E-7',
    '0.12345678901234567890',
    '1e23',
  ])('%s keeps its digits, and is the number that it was', (literal) => {
    const quantity = read(`{"value":${literal},"unit":"kg"}`)
    expect(quantity.value).toBe(Number(literal))
    expect(writtenNumber(quantity, 'value')).toBe(literal)
    expect(exactJson(quantity)).toBe(`{"value":${literal},"unit":"kg"}`)
  })

  it.each(['1', '0', '-7', '1.5', '0.1', '123456789012345', '-98.65', '0.000001'])(
    '%s needs nothing',
    (literal) => {
      const body = Buffer.from(`{"value": ${literal} }`)
      expect(markNumbers(body)).toBe(body)
      expect(writtenNumber(read(body.toString()), 'value')).toBe(literal)
    },
  )

  it('comes out as it went in, whatever it is and wherever it stands', () => {
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        literals,
        fc.string().map((text) => JSON.stringify(text)),
        fc.constantFrom('true', 'null', '"1.00"', '"\\\\"', '"\\""', '" 1.00, "'),
        fc.dictionary(fc.stringMatching(/^[a-z][A-Za-z]{0,5}$/), tie('any'), { maxKeys: 4 }).map(
          (object) =>
            `{${Object.entries(object)
              .map(([name, member]) => `${JSON.stringify(name)}:${member}`)
              .join(',')}}`,
        ),
      ),
    })).any
    fc.assert(
      fc.property(value, (inner) => {
        const text = `{"inner":${inner}}`
        fc.pre(JSON.stringify(JSON.parse(text)).includes('null') === text.includes('null'))
        expect(exactJson(read(text))).toBe(
          JSON.stringify(JSON.parse(text)) === text ? text : expectedOf(text),
        )
      }),
      { numRuns: 500 },
    )
  })

  it.each(['1e999', '-1e400', '1e-400', '0.1e-999'])(
    '%s, which no double can hold, is an error of its element',
    (literal) => {
      const quantity = read(`{"value":${literal},"unit":"kg"}`)
      expect(quantity).toEqual({
        unit: 'kg',
        _value: {
          extension: [
            { url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'error' },
            { url: digitsUrl, valueString: literal },
          ],
        },
      })
      expect(writtenNumber(quantity, 'value')).toBe(literal)
      expect(exactJson(quantity)).not.toMatch(/null|Infinity/)
      expect(() => read(`{"list":[${literal}]}`)).toThrowError(
        expect.objectContaining({ code: 'FHIR_MCP_EXCHANGE_REJECTED' }),
      )
      expect(() => read(`{"_value":${literal}}`)).toThrow()
    },
  )

  it('keeps what its companion says already', () => {
    const own = { id: 'v', extension: [{ url: 'urn:x', valueBoolean: true }] }
    const text = `{"value":1.00,"_value":${JSON.stringify(own)}}`
    const quantity = read(text)
    expect(quantity._value).toMatchObject({ id: 'v', extension: [own.extension[0], { url: digitsUrl }] })
    expect(exactJson(quantity)).toBe(text)
  })

  it('makes no text a number, no number valid that is none, and no prototype', () => {
    const texts = '{"a":"1.00","b":"\\"2.00","c":"\\\\","d":"x\\\\\\"3.00"}'
    expect(markNumbers(Buffer.from(texts)).toString()).toBe(texts)
    for (const wrong of ['01.00', '1.', '.50', '1.0.0', '1e', '--1.0', '1.00.', '+1.00', '1-1.0']) {
      expect(() => read(`{"value":${wrong}}`), wrong).toThrow(SyntaxError)
    }
    const odd = read('{"_proto__":1.00,"constructor":2.00,"a-b":3.00}')
    expect(Object.getPrototypeOf(odd)).toBe(Object.prototype)
    expect(odd).toMatchObject({ _proto__: 1, 'a-b': 3 })
    const html = Buffer.from('<p>it cost 1.00</p>')
    expect(markNumbers(html)).toBe(html)
  })
})

/** The same text without what JSON may leave out, by other means: numbers as they are, everything else as JSON writes it. */
function expectedOf(text: string): string {
  const numbers: string[] = []
  const held = text.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) => {
    if (token.startsWith('"')) return token
    const number = Number(token)
    numbers.push(String(number) === token ? JSON.stringify(number) : token)
    return `"#${numbers.length - 1}#"`
  })
  return JSON.stringify(JSON.parse(held)).replace(/"#(\d+)#"/g, (_, at: string) => numbers[Number(at)] ?? '')
}

describe('the exchange client', () => {
  it.each(['identity', 'gzip'])('keeps the digits of an answer that comes %s', async (encoding) => {
    const { gzipSync } = await import('node:zlib')
    const body = '{"resourceType":"Observation","id":"1","valueQuantity":{"value":1.00}}'
    const exchange = await startExchange((response) => {
      response.setHeader('content-type', 'application/fhir+json')
      if (encoding === 'gzip') response.setHeader('content-encoding', 'gzip')
      response.end(encoding === 'gzip' ? gzipSync(body) : body)
    })
    const observation = await clientOf(exchange.baseUrl).read(callOf(), 'Observation', '1')
    expect(exactJson(observation)).toBe(body)
  })

  it('refuses a total that no double can hold', async () => {
    const exchange = await startExchange((response) => {
      response.setHeader('content-type', 'application/fhir+json')
      response.end('{"resourceType":"Bundle","type":"searchset","total":1e999}')
    })
    await expect(clientOf(exchange.baseUrl).search(callOf(), 'Observation', [])).rejects.toMatchObject({
      code: 'FHIR_MCP_EXCHANGE_REJECTED',
    })
  })
})
