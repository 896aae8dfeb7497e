import type { Gap } from '../exchange/exchange.ts'
import type { ParametersParameter } from '../fhir/types.ts'
import type { Note } from './outcome.ts'

const texts: Readonly<Record<Gap, string>> = {
  told: 'PARTIAL: the exchange says itself that its answer may be incomplete. What is missing is not known, so numbers here may be too small.',
  fewer:
    'PARTIAL: the exchange gave fewer rows than the number that it names itself. Numbers here are of the rows that it gave.',
  repeated:
    'PARTIAL: the exchange gave some rows more than once. Each is here once; others may be missing in their place, so numbers here may be too small.',
  imports:
    'PARTIAL: more observations of the patient were imported than can be read, so none of them is here. A data_type or a period does not help: what was imported is read whole.',
}

/** What has to be said of rows that may be missing, in words of ours. */
export function gapTexts(gaps: Iterable<Gap>): string[] {
  return [...new Set(gaps)].map((gap) => texts[gap])
}

/** The same as notes of a searchset. */
export function gapNotes(gaps: Iterable<Gap>): Note[] {
  return gapTexts(gaps).map((text) => ({ severity: 'warning', code: 'incomplete', text }))
}

/** The same as parameters. */
export function gapParameters(gaps: Iterable<Gap>): ParametersParameter[] {
  return gapTexts(gaps).map((valueString) => ({ name: 'incomplete', valueString }))
}
