import { fhirMcpError } from '../../errors.ts'

/** The refusal where no token was to be had; why is for the log of whoever did not give one. */
export function noCredential() {
  return fhirMcpError('EXCHANGE_REJECTED', { detail: 'It did not get a credential for the exchange.' })
}
