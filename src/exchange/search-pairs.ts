import { fhirMcpError } from '../errors.ts'

/** A search as name and value pairs, in order; a name may come more than once. Values are encoded by the client. */
export type SearchPairs = readonly (readonly [name: string, value: string])[]

const parameterGrammar = /^[A-Za-z_][\w.:-]*$/

/**
 * The pairs of a search as a query or form. Throws INVALID_ARGUMENT for a name outside FHIR's grammar (R5 search, §3.2.1.5:
 * names, chains, `_has` and modifiers), and for a value with an alternative without a letter or a digit: servers take an
 * empty value (`patient=`, `_id=,`, `code=|`, `name=_`) for no condition at all and answer everything.
 */
export function encodePairs(pairs: SearchPairs): string {
  const query = new URLSearchParams()
  for (const [name, value] of pairs) {
    if (!parameterGrammar.test(name)) {
      throw fhirMcpError('INVALID_ARGUMENT', { detail: 'A search parameter has no valid name.' })
    }
    if (!alternatives(value).every((alternative) => /[\p{L}\p{N}]/u.test(alternative))) {
      throw fhirMcpError('INVALID_ARGUMENT', {
        detail: `A search by ${name} needs a value with a letter or a digit.`,
      })
    }
    query.append(name, value)
  }
  return query.toString()
}

/** The parts between commas; an escaped comma (`\,`) belongs to its part. */
function alternatives(value: string): string[] {
  return value.replace(/\\./gs, '_').split(',')
}
