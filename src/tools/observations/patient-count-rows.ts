import type { ParametersParameter } from '../../fhir/types.ts'
import { barred, oneLine } from '../../results/line.ts'
import { allQuoted } from '../../results/quoted.ts'
import type { PatientCount } from './count-by-patient.ts'
import { countParameters, countText } from './count-text.ts'
import type { CodesOf } from './participant-codes.ts'

/** A patient's count as a parameter and as a line of text. */
export interface PatientCountRow {
  readonly parameter: ParametersParameter
  readonly line: string
}

const largest = { count: 2_147_483_647, excluded: 2_147_483_647 }
const separators = 2

/** Lays out what became of a patient; one who was not counted has no number. */
export function patientCountRow({ patient, result }: PatientCount, codesOf: CodesOf): PatientCountRow {
  const codes = codesOf(patient).map((code) => oneLine(code))
  const outcome: ParametersParameter[] =
    typeof result === 'string' ? [{ name: 'notCounted', valueString: result }] : countParameters(result)
  const parameter = {
    name: 'patient',
    part: [
      { name: 'reference', valueReference: { reference: `Patient/${patient}` } },
      ...codes.map((code) => ({ name: 'participantCode', valueString: code })),
      ...outcome,
    ],
  }
  const said = typeof result === 'string' ? `NOT COUNTED: ${result}` : countText(result)
  return { parameter, line: barred([`Patient/${patient}`, allQuoted(codes), said]) }
}

/** How many of the first patients fit into these bytes, whatever their counts are: at least one. */
export function patientsThatFit(patients: readonly string[], codesOf: CodesOf, bytes: number): number {
  let left = bytes
  for (const [index, patient] of patients.entries()) {
    const { parameter, line } = patientCountRow({ patient, result: largest }, codesOf)
    left -= Buffer.byteLength(JSON.stringify(parameter)) + Buffer.byteLength(line) + separators
    if (left < 0) return Math.max(1, index)
  }
  return patients.length
}
