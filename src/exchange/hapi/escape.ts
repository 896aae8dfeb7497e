import { fhirMcpError } from '../../errors.ts'
import type { SearchCode } from '../../fhir/types.ts'

/** Escapes a text as a FHIR search value (R5 §3.2.1.5.5.2): `\`, `,`, `|` and `$` stand for themselves. */
export function searchValue(text: string): string {
  if (text.trim() === '') {
    throw fhirMcpError('INVALID_ARGUMENT', { detail: 'A search condition must not be empty.' })
  }
  return text.replace(/[\\,|$]/g, '\\$&')
}

/** `system|code` as a search value; a text without `|` is a code of any system. */
export function tokenValue(token: string): string {
  const bar = token.indexOf('|')
  if (bar === -1) return searchValue(token)
  const system = token.slice(0, bar)
  return `${system === '' ? '' : searchValue(system)}|${searchValue(token.slice(bar + 1))}`
}

/** Codes as one search value, any of them. */
export function codesValue(codes: readonly SearchCode[]): string {
  return codes.map(({ system, code }) => `${searchValue(system)}|${searchValue(code)}`).join(',')
}
