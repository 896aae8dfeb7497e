import type { CodeableConcept, Coding, ObservationComponent } from '../fhir/types.ts'
import { isObject, ownMember } from './body.ts'
import { instantOf } from './instant.ts'
import { quantityOf } from './units.ts'

/** One value of a body and where it stands in it. */
export interface Leaf {
  /** Names of the members on the way, joined with `.`; items of an array by their index. */
  readonly path: string
  readonly value: LeafValue
}

export type LeafValue =
  | { readonly kind: 'unitValue'; readonly value: number; readonly unit: string }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'boolean'; readonly value: boolean }
  /** `null`, a blank text, an empty object or array. */
  | { readonly kind: 'empty' }

const deepest = 16
const fhirCode = /^\S+( \S+)*$/
const zoned = /T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/

/** Takes a body apart, in its order; undefined where it is nested deeper than any schema is. */
export function leavesOf(body: object): Leaf[] | undefined {
  const leaves: Leaf[] = []
  return collect(body, '', 0, leaves) ? leaves : undefined
}

function collect(container: object, path: string, depth: number, leaves: Leaf[]): boolean {
  if (depth > deepest) return false
  const unitValue = unitValueOf(container)
  if (unitValue !== undefined) leaves.push({ path, value: unitValue })
  const entries = Object.entries(container)
  if (entries.length === 0) leaves.push({ path, value: { kind: 'empty' } })
  return entries.every(([name, value]: [string, unknown]) => {
    if (unitValue !== undefined && (name === 'value' || name === 'unit')) return true
    const own = depth === 0 ? name : `${path}.${name}`
    if (typeof value === 'object' && value !== null) return collect(value, own, depth + 1, leaves)
    leaves.push({ path: own, value: plainValueOf(value) })
    return true
  })
}

function unitValueOf(container: object): LeafValue | undefined {
  if (!isObject(container)) return undefined
  const value = ownMember(container, 'value')
  const unit = ownMember(container, 'unit')
  if (typeof value !== 'number' || typeof unit !== 'string') return undefined
  return { kind: 'unitValue', value, unit }
}

function plainValueOf(value: unknown): LeafValue {
  if (typeof value === 'number') return { kind: 'number', value }
  if (typeof value === 'boolean') return { kind: 'boolean', value }
  return typeof value === 'string' && value.trim() !== '' ? { kind: 'string', value } : { kind: 'empty' }
}

/**
 * The component of a member. Its code is the member's path in the code system of the body's namespace (`body_posture`,
 * `sleep_stage_summary.total_sleep_time`), with LOINC beside it where there is one. The value keeps its kind: a
 * quantity, a boolean, a `dateTime` where it is one with an offset, else a string; `unknown` where it is empty.
 */
export function componentOf(leaf: Leaf, system: string, loinc: readonly Coding[]): ObservationComponent {
  const coding = [...(fhirCode.test(leaf.path) ? [{ system, code: leaf.path }] : []), ...loinc]
  const text = labelOf(leaf.path)
  const code: CodeableConcept = coding.length > 0 ? { coding, text } : { text }
  return { code, ...valueElement(leaf.value) }
}

function labelOf(path: string): string {
  const label = path
    .replace(/^effective_time_frame\./, '')
    .replace(/[._]+/g, ' ')
    .trim()
  return label === '' ? 'unnamed' : label
}

function valueElement(value: LeafValue): Omit<ObservationComponent, 'code'> {
  switch (value.kind) {
    case 'unitValue':
      return { valueQuantity: quantityOf(value.value, value.unit) }
    case 'number':
      return { valueQuantity: { value: value.value } }
    case 'boolean':
      return { valueBoolean: value.value }
    case 'string':
      return zoned.test(value.value) && instantOf(value.value) !== undefined
        ? { valueDateTime: value.value }
        : { valueString: value.value }
    case 'empty': {
      const system = 'http://terminology.hl7.org/CodeSystem/data-absent-reason'
      return { dataAbsentReason: { coding: [{ system, code: 'unknown' }] } }
    }
  }
}

/** A word of a body as a concept in the code system of its namespace. */
export function conceptOf(word: string, system: string): CodeableConcept {
  return { coding: [fhirCode.test(word) ? { system, code: word } : { system, display: word }], text: word }
}
