import { fhirMcpError } from '../errors.ts'

/** The namespaces under which fhir-kit-client prints URLs, queries and bodies by the package `debug`. */
const namespaces = ['fhir-kit-client:error', 'fhir-kit-client:info']

/**
 * Throws CONFIG where `DEBUG` would make fhir-kit-client print what it sends and gets: patient data does not belong in a log,
 * and this package cannot switch that off. `debug` takes names separated by space or comma, `*` for anything, `-` for all but.
 */
export function assertQuietClient(debug: string | undefined): void {
  const words = (debug ?? '').split(/[\s,]+/).filter((word) => word !== '')
  const excluded = words.filter((word) => word.startsWith('-')).map((word) => word.slice(1))
  const included = words.filter((word) => !word.startsWith('-'))
  const isNamed = (by: readonly string[], name: string) => by.some((word) => fits(word, name))
  if (namespaces.some((name) => isNamed(included, name) && !isNamed(excluded, name))) {
    throw fhirMcpError('CONFIG', {
      detail:
        'DEBUG makes fhir-kit-client print patient data: add -fhir-kit-client:* to it, or leave it out.',
    })
  }
}

function fits(pattern: string, name: string): boolean {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`).test(name)
}
