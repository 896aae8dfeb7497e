import { randomBytes } from 'node:crypto'
import { Transform } from 'node:stream'
import { mapNumbers } from '../fhir/decimal-digits.ts'

/** What stands for a number on its way through an SDK, which writes JSON by itself; nobody else can write one. */
const mark = `fhir-mcp-number-${randomBytes(12).toString('hex')}:`
const marked = new RegExp(`"${mark}([-+.0-9eE]+)"`, 'g')

/** A result in which numbers whose digits are kept are marked, so that `exactNumbers` can write them with these digits. */
export function markDigits<T>(result: T): T
export function markDigits(result: unknown): unknown {
  return mapNumbers(result, (digits) => `${mark}${digits}`)
}

/** The JSON text of an SDK with the numbers of `markDigits` in their own digits. */
export function exactNumbers(json: string): string {
  return json.includes(mark) ? json.replace(marked, '$1') : json
}

/** A value as JSON, numbers with the digits that are kept of them. */
export function exactJson(value: unknown): string {
  return exactNumbers(JSON.stringify(markDigits(value)))
}

/** The same for a stream of events or messages, each of them on a line. */
export function exactNumbersStream(): Transform {
  const decoder = new TextDecoder()
  let line = ''
  return new Transform({
    transform(chunk: Buffer, _, done) {
      line += decoder.decode(chunk, { stream: true })
      const end = line.lastIndexOf('\n') + 1
      const whole = exactNumbers(line.slice(0, end))
      line = line.slice(end)
      done(null, whole)
    },
    flush(done) {
      done(null, exactNumbers(line + decoder.decode()))
    },
  })
}
