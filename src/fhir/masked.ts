/** A datatype without a value, and why (FHIR extension data-absent-reason). */
export const masked = {
  extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'masked' }],
} as const
