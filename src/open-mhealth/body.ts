import type { Observation } from '../fhir/types.ts'
import { survivesParsing } from './decimal.ts'

/** Why a body could not be read. Fixed texts: nothing of the attachment is in them. */
export const bodyNotes = {
  notJson: 'The attachment is not application/json with data; it is kept as it came.',
  notBase64: 'The attachment is not UTF-8 in base64; it is kept as it came.',
  notParsed: 'The attachment is not valid JSON; it is kept as it came.',
  notExact:
    'The attachment has a number or a name that JSON cannot give back exactly; it is kept as it came.',
  notDataPoint: 'The attachment is not an Open mHealth data point with a body; it is kept as it came.',
} as const

/** A body, or why there is none. */
export type Body = { readonly members: object; readonly header: unknown } | { readonly note: string }

type Attachment = NonNullable<Observation['valueAttachment']>

const utf8 = new TextDecoder('utf-8', { fatal: true })
const base64 = /^[A-Za-z0-9+/]*={0,2}$/
const scalar = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/** Whether something of JSON is an object, and not an array or null. */
export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A member of an object of JSON; never one that it inherits. */
export function ownMember(object: object, name: string): unknown {
  return Object.hasOwn(object, name) ? Reflect.get(object, name) : undefined
}

/**
 * Reads body and header out of the base64 of a data point (`{header, body}`). A number that a double cannot hold as written
 * (too many digits, too large) and a member that is there twice are refused: JSON.parse would change them in silence.
 */
export function readBody(attachment: Attachment): Body {
  const { contentType, data } = attachment
  if (typeof contentType !== 'string' || typeof data !== 'string' || !isJson(contentType)) {
    return { note: bodyNotes.notJson }
  }
  const text = textOf(data)
  if (text === undefined) return { note: bodyNotes.notBase64 }
  let point: unknown
  try {
    point = JSON.parse(text)
  } catch {
    return { note: bodyNotes.notParsed }
  }
  if (!isExact(text, point)) return { note: bodyNotes.notExact }
  if (!isObject(point)) return { note: bodyNotes.notDataPoint }
  const body = ownMember(point, 'body')
  return isObject(body)
    ? { members: body, header: ownMember(point, 'header') }
    : { note: bodyNotes.notDataPoint }
}

function isJson(contentType: string): boolean {
  return /^\s*application\/json\s*(;|$)/i.test(contentType)
}

function textOf(data: string): string | undefined {
  const bytes = bytesOf(data)
  if (bytes === undefined || bytes.length === 0) return undefined
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

function bytesOf(data: string): Buffer | undefined {
  const bytes = Buffer.from(data, 'base64')
  // Nearly all are written as they would be here, and need not be looked through for blanks and other characters.
  if (bytes.toString('base64') === data) return bytes
  const compact = data.replace(/\s+/g, '')
  return compact.length % 4 === 0 && base64.test(compact) ? Buffer.from(compact, 'base64') : undefined
}

function isExact(text: string, parsed: unknown): boolean {
  const literals = text.match(scalar) ?? []
  const isExact = literals.every((literal) => literal.startsWith('"') || survivesParsing(literal))
  return isExact && literals.length === scalarsOf(parsed)
}

/** How many names, strings and numbers came out: fewer than went in where a name was there twice. */
function scalarsOf(parsed: unknown): number {
  const left = [parsed]
  let scalars = 0
  while (left.length > 0) {
    const value = left.pop()
    if (typeof value === 'string' || typeof value === 'number') scalars++
    if (Array.isArray(value)) for (const item of value) left.push(item)
    else if (isObject(value)) {
      for (const member of Object.values(value)) left.push(member)
      scalars += Object.keys(value).length
    }
  }
  return scalars
}
