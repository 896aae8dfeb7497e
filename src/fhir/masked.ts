/** A datatype without a value, and why (FHIR extension data-absent-reason). */
export const masked = {
  extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'masked' }],
} as const

/** Whether a value is one that was masked here. */
export function isMasked(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Reflect.get(value, 'extension') === masked.extension
}
