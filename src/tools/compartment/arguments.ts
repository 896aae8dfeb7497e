import { z } from 'zod'
import type { CompartmentType } from '../../fhir/compartment.ts'
import { codeStudyId, patientId } from '../arguments/ids.ts'

/** A type is one of those that the operator allows, and there is at least one. */
export type AllowedTypes = readonly [CompartmentType, ...CompartmentType[]]

/** Whose record, and which type of it. */
export function recordArguments(types: AllowedTypes) {
  return { patient_id: patientId, study_id: codeStudyId, type: z.enum(types) }
}

/** What a call can need is any of the types; one call needs the type that it asks for. */
export function recordRule(types: AllowedTypes) {
  return { needs: types.map((type) => ({ types: [type] })), patients: true }
}

/** The one type that a call needs. */
export function needsOfType({ type }: { readonly type: CompartmentType }) {
  return [{ types: [type] }]
}

/** What was given, as the record of a call says it: with the type, which the configuration names. */
export function namesWithType(names: readonly string[], type: CompartmentType): string[] {
  return names.map((name) => (name === 'type' ? `type=${type}` : name))
}
