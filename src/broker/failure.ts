import { type ErrorName, errorCatalog, FhirMcpError } from '../errors.ts'
import type { ErrorModel } from './consent/model.ts'

const again = 'Start again in the program that sent you here.'

/** What a person is told when there is no client to tell: a code of the catalog and words of ours, nothing of what was thrown. */
export function errorModel(oauthError: string, thrown?: unknown): ErrorModel {
  if (thrown instanceof FhirMcpError) {
    return { code: thrown.code, message: thrown.entry.message, cure: thrown.entry.cure }
  }
  if (thrown instanceof Error && thrown.name === 'SessionNotFound') return expiredModel
  if (oauthError === 'server_error') return catalogModel('STORAGE_UNAVAILABLE')
  if (oauthError === 'invalid_client') {
    return invalid('The program that sent you here is not known, or its description cannot be read.')
  }
  if (oauthError === 'invalid_redirect_uri') {
    return invalid('The program that sent you here did not say truly where the answer goes.')
  }
  return invalid('The program that sent you here asked for something that cannot be answered.')
}

/** What a person is told whose sign-in is over, or was begun elsewhere. */
export const expiredModel: ErrorModel = {
  code: 'FHIR_MCP_UNAUTHENTICATED',
  message: 'This sign-in has expired, was used already, or was begun in another browser.',
  cure: again,
}

function catalogModel(name: ErrorName): ErrorModel {
  const { message, cure } = errorCatalog[name]
  return { code: `FHIR_MCP_${name}`, message, cure }
}

function invalid(message: string): ErrorModel {
  return { code: 'FHIR_MCP_INVALID_ARGUMENT', message, cure: again }
}
