import { fhirMcpError } from '../../errors.ts'
import { isTimeZone } from '../../fhir/time-zone.ts'
import { oneLine } from '../../results/line.ts'
import { askedTypeOf } from '../../tools/arguments/data-type.ts'
import { type Period, periodOf } from '../../tools/arguments/period.ts'

/** What a caller gave for a prompt, by argument. */
export type Given = Readonly<Record<string, string>>

/** The longest title, identifier or code that tools take, and the longest date. */
const longest = { word: 256, time: 40 } as const

/**
 * An id, code, title or identifier; undefined where it was left out or is blank. Throws INVALID_ARGUMENT for one that is too long,
 * or that has line breaks, control characters or characters that nobody sees: tools would not take it, and a prompt is read by
 * an assistant.
 */
export function wordIn(given: Given, name: string): string | undefined {
  const text = given[name]?.trim()
  if (text === undefined || text === '') return undefined
  if (text.length > longest.word) throw invalid(`${name} must have 1 to ${longest.word} characters.`)
  if (oneLine(text, longest.word) !== text) {
    throw invalid(`${name} must be one line of plain text, without characters that are not seen.`)
  }
  return text
}

/** The same where it has to be there. Throws INVALID_ARGUMENT where it is not. */
export function neededWord(given: Given, name: string): string {
  const word = wordIn(given, name)
  if (word === undefined) throw invalid(`${name} is missing.`)
  return word
}

/** A `data_type` that tools know. Throws INVALID_ARGUMENT with the short names for any other. */
export function typeIn(given: Given): string | undefined {
  const word = wordIn(given, 'data_type')
  if (word !== undefined) askedTypeOf(word)
  return word
}

/** The IANA name of a time zone; undefined where it was left out. Throws INVALID_ARGUMENT. */
export function zoneIn(given: Given): string | undefined {
  const zone = wordIn(given, 'time_zone')
  if (zone === undefined || isTimeZone(zone)) return zone
  throw invalid('time_zone must be the IANA name of a time zone, as Europe/Berlin.')
}

/** A period as tools take it, and what they make of it. */
export interface GivenPeriod {
  readonly arguments: { readonly start?: string; readonly end?: string }
  readonly period: Period
}

/** The period of two arguments. Throws INVALID_ARGUMENT for what is no date, and for an end before its start. */
export function periodIn(given: Given, startName: string, endName: string): GivenPeriod {
  const start = timeIn(given, startName)
  const end = timeIn(given, endName)
  const both = { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) }
  return { arguments: both, period: periodOf({ ...both, time_zone: zoneIn(given) ?? 'UTC' }) }
}

function timeIn(given: Given, name: string): string | undefined {
  const text = wordIn(given, name)
  if (text !== undefined && text.length > longest.time) throw invalid(`${name} must be a date.`)
  return text
}

/** The error for an argument of a prompt; its value is never repeated. */
export function invalid(detail: string) {
  return fhirMcpError('INVALID_ARGUMENT', { detail })
}
