import { isDeepStrictEqual } from 'node:util'
import { valuesAt } from '../fhir/compartment.ts'
import { numbersAsWritten } from '../fhir/decimal-digits.ts'
import { masked } from '../fhir/masked.ts'
import type { AnyResource } from '../fhir/types.ts'
import { unitWord } from './own-words.ts'
import { dateWord, isKnownSystem, isPlainWord, quoted, referenceWord } from './quoted.ts'

/** Elements that say what a resource is rather than what it says. */
const apart = new Set(['resourceType', 'id', 'meta', 'text'])

/**
 * What a resource says, for reading: the path of each element that has a value, and the value in words. Codes, quantities,
 * periods and references are one value; nothing else is left out.
 */
export function elementTexts(resource: AnyResource): [path: string, text: string][] {
  return Object.entries(numbersAsWritten(resource)).flatMap(([name, value]) =>
    apart.has(name) ? [] : textsWithin(name, value),
  )
}

/** A value of one of FHIR's datatypes in words; undefined for one that consists of several. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return stringText(value)
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (!isObject(value)) return undefined
  return (
    conceptText(value) ??
    quantityText(value) ??
    periodText(value) ??
    referenceText(value) ??
    (isDeepStrictEqual(value, masked) ? 'masked' : undefined)
  )
}

/** A text in quotes; a code, a date or a reference as it is. */
function stringText(text: string): string {
  return isPlainWord(text) || dateWord(text) === text || referenceWord(text) === text ? text : long(text)
}

function long(text: string): string {
  return quoted(text, Number.POSITIVE_INFINITY)
}

/** A code in one word: the code alone, else what is said in its place. */
export function wordOf(value: unknown): string | undefined {
  const [word] = ['coding.code', 'code', 'text', 'coding.display'].flatMap((path) => valuesAt(value, path))
  return typeof value === 'string' ? value : typeof word === 'string' ? word : undefined
}

function textsWithin(path: string, value: unknown): [path: string, text: string][] {
  if (Array.isArray(value)) return value.flatMap((one) => textsWithin(path, one))
  const text = textOf(value)
  if (text !== undefined) return [[path, text]]
  if (!isObject(value)) return []
  return Object.entries(value).flatMap(([name, member]) =>
    name === 'id' ? [] : textsWithin(`${path}.${name}`, member),
  )
}

const conceptMembers = new Set(['coding', 'text', 'id'])
const codingMembers = new Set(['system', 'version', 'code', 'display', 'userSelected', 'id'])
const quantityMembers = new Set(['value', 'comparator', 'unit', 'system', 'code', 'id'])
const periodMembers = new Set(['start', 'end', 'id'])
const referenceMembers = new Set(['reference', 'type', 'display', 'id'])

/** Whether an object has members of a datatype and no other: one with an extension is told member by member. */
function isOf(value: Record<string, unknown>, members: ReadonlySet<string>): boolean {
  return Object.keys(value).every((name) => members.has(name))
}

function conceptText(value: Record<string, unknown>): string | undefined {
  if (isOf(value, conceptMembers) && Array.isArray(value.coding)) {
    const codings: unknown[] = value.coding
    const texts = codings.flatMap((one) => (isObject(one) ? (codingText(one) ?? []) : []))
    if (texts.length < codings.length) return undefined
    return [...(typeof value.text === 'string' ? [long(value.text)] : []), ...texts].join(', ')
  }
  if (isOf(value, conceptMembers) && typeof value.text === 'string') return long(value.text)
  return codingText(value)
}

function codingText(value: Record<string, unknown>): string | undefined {
  const { system, code, display } = value
  if (!isOf(value, codingMembers) || typeof code !== 'string') return undefined
  const named = typeof system === 'string' ? `${system}|${code}` : code
  const isCode = (system === undefined || typeof system === 'string') && isKnownSystem(system)
  const said = isCode && isPlainWord(code) ? named : quoted(named)
  return typeof display === 'string' ? `${long(display)} (${said})` : said
}

function quantityText(value: Record<string, unknown>): string | undefined {
  const { value: number, comparator = '', unit, code } = value
  // A number whose digits are kept is a text here.
  const isNumber = typeof number === 'number' || typeof number === 'string'
  if (!isOf(value, quantityMembers) || !isNumber) return undefined
  return `${comparator}${number} ${unitWord(String(unit ?? code ?? ''))}`.trim()
}

function periodText(value: Record<string, unknown>): string | undefined {
  const { start, end } = value
  if (!isOf(value, periodMembers) || (start ?? end) === undefined) return undefined
  return `${start === undefined ? '…' : dateWord(String(start))} to ${end === undefined ? '…' : dateWord(String(end))}`
}

function referenceText(value: Record<string, unknown>): string | undefined {
  const { reference, display } = value
  if (!isOf(value, referenceMembers) || typeof (reference ?? display) !== 'string') return undefined
  if (typeof reference !== 'string') return long(String(display))
  const named = referenceWord(reference)
  return typeof display === 'string' ? `${long(display)} (${named})` : named
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
