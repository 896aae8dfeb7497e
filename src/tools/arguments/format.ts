import { z } from 'zod'

/** Arrangement of a list: FHIR without the elements that seldom matter, all of FHIR, or columns and rows. */
export const format = z
  .enum(['fhir', 'fhir_full', 'table'])
  .default('fhir')
  .describe('fhir: pruned; fhir_full: all, others masked')

/** Arrangement of one resource. */
export const singleFormat = z
  .enum(['fhir', 'fhir_full'])
  .default('fhir')
  .describe('fhir: pruned; fhir_full: all, others masked')

/** How much of a person a list of patients tells (minimum necessary). */
export const detail = z
  .enum(['minimal', 'identified'])
  .default('minimal')
  .describe('identified: with names and birth dates')

export type Format = z.output<typeof format>
export type SingleFormat = z.output<typeof singleFormat>
export type Detail = z.output<typeof detail>

/** Whether `format` and `detail` of a list of patients fit: all elements of a person are not the minimum. */
export function fullIsIdentified({ format, detail }: { format: Format; detail: Detail }): boolean {
  return format !== 'fhir_full' || detail === 'identified'
}

/** What to say when they do not. */
export const fullNeedsIdentified = {
  error: 'format fhir_full needs detail identified; use format fhir, or say detail: "identified"',
  path: ['format'],
}
