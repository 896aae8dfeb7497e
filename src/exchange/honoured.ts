import { fhirMcpError } from '../errors.ts'
import type { CodeableConcept, Observation, Patient, SearchCode } from '../fhir/types.ts'
import { requireHonoured } from './check.ts'
import { certainInterval, effectiveInterval, intervalOf, isUndated } from './effective.ts'
import type { ObservationFilter, PatientFilter } from './exchange.ts'
import { birthdateParts } from './whole-days.ts'

/** Bounds of the effective time in milliseconds since the epoch: [from, before). */
export interface Bounds {
  readonly from: number | undefined
  readonly before: number | undefined
}

/** Reads the bounds of a filter. Throws INVALID_ARGUMENT when one is not an instant. */
export function boundsOf(filter: ObservationFilter): Bounds {
  return { from: instantOf(filter.from, 'start'), before: instantOf(filter.before, 'end') }
}

function instantOf(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined
  const interval = intervalOf(text)
  if (interval?.exact !== true) {
    throw fhirMcpError('INVALID_ARGUMENT', { detail: `${name} must be an instant with its offset.` })
  }
  return interval.from
}

/**
 * Holds an observation against the filters that were asked for, as far as it can be told (FHIR R5 §3.2.1.5.6: a period
 * matches when it overlaps). Throws NOT_SUPPORTED_BY_EXCHANGE when one was ignored.
 */
export function holdAgainstFilter(observation: Observation, filter: ObservationFilter, bounds: Bounds): void {
  if (filter.codes !== undefined) {
    requireHonoured(isOfCodes(observation, filter), 'code')
  }
  if (bounds.from === undefined && bounds.before === undefined) return
  requireHonoured(!isUndated(observation), 'date')
  const effective = effectiveInterval(observation)
  if (effective === undefined) return
  requireHonoured(effective.to >= (bounds.from ?? Number.NEGATIVE_INFINITY), 'date')
  requireHonoured(effective.from < (bounds.before ?? Number.POSITIVE_INFINITY), 'date')
}

/** What a time without fractions of a second may reach, in milliseconds. */
const restOfSecond = 999

/**
 * Whether an observation is in a period that it was not searched by: [from, before). Undefined where servers may see it in
 * another way: a time without an offset near an end of the period, an open period, a Timing.
 */
export function fitsPeriod(observation: Observation, { from, before }: Bounds): boolean | undefined {
  if (from === undefined && before === undefined) return true
  if (isUndated(observation)) return false
  const widest = effectiveInterval(observation)
  const narrowest = certainInterval(observation)
  if (widest === undefined || narrowest === undefined) return undefined
  const [start, end] = [from ?? Number.NEGATIVE_INFINITY, before ?? Number.POSITIVE_INFINITY]
  if (widest.to + restOfSecond < start || widest.from >= end) return false
  return narrowest.to >= start && narrowest.from < end ? true : undefined
}

/**
 * Whether two neighbours of an answer are in the order that was asked for, as far as it can be told: undated come last, and
 * with them what names no stretch of time.
 */
export function inOrder(first: Observation, second: Observation, order: 'newest' | 'oldest'): boolean {
  if (isUndated(second)) return true
  if (isUndated(first)) return effectiveInterval(second) === undefined
  const [a, b] = [first, second].map((one) => intervalOf(one.effectiveDateTime ?? one.effectiveInstant))
  if (a?.exact !== true || b?.exact !== true) return true
  return order === 'newest' ? a.from >= b.from : a.from <= b.from
}

/** Whether one of an observation's codings is the code. */
export function hasCode(observation: Observation, { system, code }: SearchCode): boolean {
  return codingsOf(observation.code).some((coding) => coding.system === system && coding.code === code)
}

/** Whether an observation or one of its components has a code of a filter, or it is one of the filter's panels. */
export function isOfCodes(observation: Observation, { codes = [], panels = [] }: ObservationFilter): boolean {
  const components = Array.isArray(observation.component) ? observation.component : []
  const all = [observation, ...components].flatMap((one) => codingsOf(one.code))
  return (
    codes.some(({ system, code }) =>
      all.some((coding) => coding.system === system && coding.code === code),
    ) || panels.some((code) => hasCode(observation, code))
  )
}

/** Whether an observation is in one of these categories, each one `system|code`, `|code` (no system) or `code`. */
export function inCategories(observation: Observation, categories: readonly string[]): boolean {
  const concepts = Array.isArray(observation.category) ? observation.category : []
  const codings = concepts.flatMap((concept) => codingsOf(concept))
  return categories.some((category) => {
    const bar = category.indexOf('|')
    const code = category.slice(bar + 1)
    return codings.some(
      (coding) => coding.code === code && (bar === -1 || (coding.system ?? '') === category.slice(0, bar)),
    )
  })
}

function codingsOf(concept: CodeableConcept | undefined) {
  return Array.isArray(concept?.coding) ? concept.coding : []
}

/**
 * Holds a patient against a filter, as far as it can be told; names are compared by `fitsNames`. Throws
 * NOT_SUPPORTED_BY_EXCHANGE when one was ignored.
 */
export function holdAgainstPatientFilter(patient: Patient, filter: PatientFilter): void {
  for (const condition of filter.birthdate ?? []) {
    requireHonoured(bornWithin(patient.birthDate, condition), 'birthdate')
  }
  requireHonoured(filter.identifier === undefined || hasIdentifier(patient, filter.identifier), 'identifier')
}

/** Whether a patient has an identifier: `system|value`, `|value` (no system) or `value`. */
export function hasIdentifier(patient: Patient, identifier: string): boolean {
  const bar = identifier.indexOf('|')
  const value = identifier.slice(bar + 1)
  const identifiers = Array.isArray(patient.identifier) ? patient.identifier : []
  return identifiers.some(
    (own) => own.value === value && (bar === -1 || (own.system ?? '') === identifier.slice(0, bar)),
  )
}

function bornWithin(birthDate: string | undefined, condition: string): boolean {
  const { prefix, date } = birthdateParts(condition)
  const born = intervalOf(birthDate)
  const wanted = intervalOf(date)
  if (born === undefined || wanted === undefined) return false
  switch (prefix) {
    case 'ge':
      return born.to >= wanted.from
    case 'le':
      return born.from <= wanted.to
    case 'gt':
      return born.to > wanted.to
    case 'lt':
      return born.from < wanted.from
    default:
      return born.from <= wanted.to && born.to >= wanted.from
  }
}
