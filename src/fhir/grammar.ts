import { fhirMcpError } from '../errors.ts'

const idGrammar = /^[A-Za-z0-9\-.]{1,64}$/
const typeGrammar = /^[A-Z][A-Za-z]{1,63}$/

/** Whether a text is a FHIR id (R5 datatypes, `id`: 1 to 64 of `A-Z a-z 0-9 - .`); `.` and `..` are none. */
export function isFhirId(text: string): boolean {
  return idGrammar.test(text) && text !== '.' && text !== '..'
}

/** Whether a text has the form of a FHIR resource type. */
export function isResourceType(text: string): boolean {
  return typeGrammar.test(text)
}

/**
 * The id that an argument names: `123` or `Patient/123`.
 * Throws INVALID_ARGUMENT when the type is another one or the id is not of FHIR's grammar.
 */
export function idOf(argument: string, types: readonly string[], name: string): string {
  const slash = argument.indexOf('/')
  const type = slash === -1 ? undefined : argument.slice(0, slash)
  const id = slash === -1 ? argument : argument.slice(slash + 1)
  if ((type !== undefined && !types.includes(type)) || !isFhirId(id)) {
    throw fhirMcpError('INVALID_ARGUMENT', {
      detail: `${name} must be a FHIR id, as 123 or ${types[0]}/123: 1 to 64 of letters, digits, "-" and "."`,
    })
  }
  return id
}
