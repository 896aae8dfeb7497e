import { fhirMcpError } from '../errors.ts'
import type { Patient } from '../fhir/types.ts'
import type { PatientFilter } from './exchange.ts'

/** The conditions on names that a filter may have. */
export const nameConditions = ['name', 'family', 'given'] as const

type NameCondition = (typeof nameConditions)[number]

/** What stands between the words of a name, as people write it and as servers keep it. */
const betweenWords = /[\s,\-‐‑–]+/u

/**
 * The words of a wanted name. Servers compare a value with the beginning of whole parts, so a full name is asked for by any of
 * its words, which loses nobody of `fitsNames`. Throws INVALID_ARGUMENT where there is none.
 */
export function wordsOfName(text: string): string[] {
  const words = text.split(betweenWords).flatMap((word) => word.replace(/\.+$/, '') || [])
  if (words.length > 0) return [...new Set(words)]
  throw fhirMcpError('INVALID_ARGUMENT', { detail: 'A search condition must not be empty.' })
}

/**
 * Whether a patient has the names of a filter: a part of the name (family, a given name, prefix, suffix, text) begins with the
 * whole text; or each of its words is at the beginning of a word of the name, and one of them at the beginning of a part.
 * Case and diacritics do not count (FHIR R5 §3.2.1.5.9).
 */
export function fitsNames(patient: Patient, filter: PatientFilter): boolean {
  return nameConditions.every((condition) => {
    const wanted = filter[condition]
    return wanted === undefined || fits(partsOf(patient, condition), wanted)
  })
}

function partsOf(patient: Patient, condition: NameCondition): string[] {
  const names = Array.isArray(patient.name) ? patient.name : []
  const parts = names.flatMap(({ family, given = [], text, prefix = [], suffix = [] }) => {
    if (condition === 'family') return [family]
    return condition === 'given' ? given : [family, text, ...given, ...prefix, ...suffix]
  })
  return parts.flatMap((part) => (typeof part === 'string' ? folded(part) : []))
}

function fits(parts: readonly string[], wanted: string): boolean {
  const whole = folded(wanted)
  if (parts.some((part) => part.startsWith(whole))) return true
  const words = wordsOfName(whole)
  const ofName = parts.flatMap((part) => part.split(betweenWords))
  return (
    words.every((word) => ofName.some((one) => one.startsWith(word))) &&
    words.some((word) => parts.some((part) => part.startsWith(word)))
  )
}

function folded(text: string): string {
  const plain = text.normalize('NFD').replace(/\p{M}/gu, '').replace(/[’‘]/g, "'")
  // By way of capitals, which have no ß.
  return plain.toUpperCase().toLowerCase().replace(/\s+/g, ' ').trim()
}
