import { randomBytes } from 'node:crypto'
import { fhirMcpError } from '../errors.ts'
import { isNumberLiteral, withDigits } from '../fhir/decimal-digits.ts'

/** What a marked number begins with: nobody outside of this process can write one. */
const mark = `fhir-mcp-${randomBytes(12).toString('hex')}:`
/** A decimal of so many characters without exponent is what a double gives back, but for zeros at its end. */
const surely = 15
/** An answer with more raw control characters than this is left as it is: no JSON. */
const mostControls = 100_000
const error = {
  url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason',
  valueCode: 'error',
}
/** Names of FHIR's elements; others have no companion. */
const element = /^[a-z][A-Za-z0-9]*$/

const quote = 0x22
const backslash = 0x5c
const minus = 0x2d
const zero = 0x30
const space = 0x20
const brace = 0x7b
const nine = 0x39

/**
 * The bytes of a JSON text in which each number that `JSON.parse` would change (`1.00`, 17 digits, `1e999`) is a marked text
 * instead, for `restoreNumbers`, and each control character within a text, which `JSON.parse` refuses, is escaped; the same bytes where there is none, and where it is no object of JSON. Reads each byte once, which costs a small part of what
 * parsing does; a parser that keeps all digits costs many times as much.
 */
export function markNumbers(body: Buffer): Buffer {
  const pieces: Buffer[] = []
  let from = 0
  let first = 0
  while (isBlank(body[first])) first += 1
  if (body[first] !== brace) return body
  let isText = false
  let controls = 0
  for (let at = first; at < body.length; at++) {
    const byte = body[at]
    if (isText) {
      if (byte === backslash) at += 1
      else if (byte === quote) isText = false
      else if (byte !== undefined && byte < space && controls < mostControls) {
        controls += 1
        pieces.push(body.subarray(from, at), escaped(byte))
        from = at + 1
      }
    } else if (byte === quote) isText = true
    else if (byte === minus || isDigit(byte)) {
      const end = endOfNumber(body, at)
      if (mayChange(body, at, end)) {
        const text = body.toString('latin1', at, end)
        if (isNumberLiteral(text) && String(Number(text)) !== text) {
          pieces.push(body.subarray(from, at), Buffer.from(`"${mark}${text}"`))
          from = end
        }
      }
      at = end - 1
    }
  }
  return pieces.length === 0 ? body : Buffer.concat([...pieces, body.subarray(from)])
}

/**
 * Turns marked texts back into numbers, each with its digits beside it (see `digitsUrl`). A number that no double can hold is
 * left out of its element, which says `error` as the reason: never null, and never another number. Throws EXCHANGE_REJECTED
 * where there is no element to say it.
 */
export function restoreNumbers(answer: object): void {
  const left: object[] = [answer]
  for (let node = left.pop(); node !== undefined; node = left.pop()) {
    for (const name of Object.keys(node)) {
      const value: unknown = Reflect.get(node, name)
      if (typeof value === 'object' && value !== null) left.push(value)
      else if (typeof value === 'string' && value.startsWith(mark))
        restore(node, name, value.slice(mark.length))
    }
  }
}

function restore(node: object, name: string, digits: string): void {
  const number = Number(digits)
  const isHeld = Number.isFinite(number) && (number !== 0 || !/[1-9]/.test(digits.replace(/[eE].*/, '')))
  if (isHeld) Reflect.set(node, name, number)
  else Reflect.deleteProperty(node, name)
  const companion = `_${name}`
  const beside: unknown = Object.hasOwn(node, companion) ? Reflect.get(node, companion) : undefined
  if (!Array.isArray(node) && element.test(name) && (beside === undefined || isObject(beside))) {
    Reflect.set(node, companion, isHeld ? withDigits(beside, digits) : withDigits(beside, digits, error))
  } else if (!isHeld) {
    const detail = 'Its answer has a number that no double can hold, where FHIR has none.'
    throw fhirMcpError('EXCHANGE_REJECTED', { detail })
  }
}

/** `\u0001` */
function escaped(control: number): Buffer {
  return Buffer.from(`\\u${control.toString(16).padStart(4, '0')}`)
}

function endOfNumber(body: Buffer, start: number): number {
  let at = start + 1
  for (let byte = body[at]; isDigit(byte) || isOfNumber(byte); byte = body[at]) at += 1
  return at
}

/** Whether a number is one that has to be looked at closely: it ends with a zero behind its point, is long, or is rare. */
function mayChange(body: Buffer, start: number, end: number): boolean {
  if (end - start > surely || (body[start] === minus && body[start + 1] === zero)) return true
  let hasPoint = false
  for (let at = start; at < end; at++) {
    const byte = body[at]
    if (byte === 0x2e) hasPoint = true
    else if (byte === 0x65 || byte === 0x45) return true
  }
  return hasPoint && body[end - 1] === zero
}

/** JSON's white space, and the bytes of a byte order mark. */
function isBlank(byte: number | undefined): boolean {
  return (
    byte === 0x20 ||
    byte === 0x0a ||
    byte === 0x0d ||
    byte === 0x09 ||
    byte === 0xef ||
    byte === 0xbb ||
    byte === 0xbf
  )
}

/** `.`, `e`, `E`, `+` and `-` within a number. */
function isOfNumber(byte: number | undefined): boolean {
  return byte === 0x2e || byte === 0x65 || byte === 0x45 || byte === 0x2b || byte === minus
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= zero && byte <= nine
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
