import { fhirMcpError } from '../../errors.ts'

/** A JupyterHealth Exchange has Observations alone. Nothing is sent. */
export async function searchOf(): Promise<never> {
  throw fhirMcpError('NOT_SUPPORTED_BY_EXCHANGE', {
    detail: 'A JupyterHealth Exchange has nothing but Observations of a patient.',
  })
}

/** The same for one resource. */
export const readOf = searchOf
