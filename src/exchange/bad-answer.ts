import { FhirMcpError } from '../errors.ts'

/**
 * An answer that contradicts itself, is not FHIR, or is not all there. It is EXCHANGE_REJECTED as a refusal is, but says nothing
 * of what was asked for, so that it proves no filter.
 */
export class BadAnswer extends FhirMcpError {
  constructor(detail: string) {
    super('EXCHANGE_REJECTED', { detail })
  }
}
