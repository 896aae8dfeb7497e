import type { Grant } from '../../access/grant.ts'
import { requestedIn } from '../../access/restrictions.ts'
import type { ParametersParameter, SearchCode } from '../../fhir/types.ts'
import { oneLine, someOf } from '../../results/line.ts'
import { isKnownSystem, quoted } from '../../results/quoted.ts'
import { codeText } from '../arguments/data-type.ts'

/** What an answer keeps to because studies requested no more, in words; undefined where they narrow nothing. */
export function requestedWords({ terms }: Grant): string | undefined {
  const requested = requestedIn(terms.restrictions)
  if (requested === undefined) return undefined
  const { studies, codes } = requested
  const who = `${studies.length === 1 ? 'study' : 'the studies'} ${someOf(studies)}`
  const types =
    codes.length === 0
      ? 'none'
      : someOf(
          codes.map((code) =>
            isKnownSystem(code.system) ? oneLine(codeText(code)) : quoted(codeText(code)),
          ),
        )
  return `${who} requested (${types})`
}

/** The same as parameters of a Parameters resource. */
export function requestedParameters({ terms }: Grant): ParametersParameter[] {
  const { studies = [], codes = [] } = requestedIn(terms.restrictions) ?? {}
  return [
    ...studies.map((study) => ({
      name: 'requestedBy',
      valueReference: { reference: `ResearchStudy/${study}` },
    })),
    ...codes.map((valueCoding) => ({ name: 'requestedType', valueCoding })),
  ]
}

/** Those of the codes that are searched: where studies narrow, those that they requested. */
export function searchedCodes(codes: readonly SearchCode[], { terms }: Grant): readonly SearchCode[] {
  const requested = requestedIn(terms.restrictions)
  if (requested === undefined) return codes
  return codes.filter(({ system, code }) =>
    requested.codes.some((one) => one.system === system && one.code === code),
  )
}

/** Whose observations, and which of them, the numbers of a study are made of. */
export function studyBasis(grant: Grant, over: 'Over' | 'Counted over' = 'Over'): string {
  return requestedIn(grant.terms.restrictions) === undefined
    ? `${over} the study's enrolled patients: the exchange does not record for which study an observation was made.`
    : `${over} the study's enrolled patients, of the types of data that the study requested: these are a study's observations on this exchange.`
}
