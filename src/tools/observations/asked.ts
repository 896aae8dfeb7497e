import type { Grant } from '../../access/grant.ts'
import { categoriesOf } from '../../access/restrictions.ts'
import type { ObservationFilter } from '../../exchange/exchange.ts'
import type { ParametersParameter } from '../../fhir/types.ts'
import type { AskedValues } from '../../results/asked-values.ts'
import { oneLine } from '../../results/line.ts'
import { type AskedType, askedTypeOf, codeText } from '../arguments/data-type.ts'
import { oncePerCall } from '../arguments/once-per-call.ts'
import { type Period, type PeriodArguments, periodOf } from '../arguments/period.ts'
import type { Subject } from '../tool.ts'
import { requestedParameters, requestedWords, searchedCodes } from './requested.ts'

/** The arguments that choose observations. */
export interface ObservationArguments extends PeriodArguments {
  readonly data_type?: string | undefined
}

/** Which observations are asked for. */
export interface AskedObservations {
  readonly filter: ObservationFilter
  readonly period: Period
  readonly type: AskedType | undefined
  /** Which values of the observations that are found. */
  readonly values: AskedValues
}

/** Reads the arguments that choose observations. Throws INVALID_ARGUMENT; tools do so before anything is decided. */
export const askedObservations = oncePerCall((input: ObservationArguments): AskedObservations => {
  const period = periodOf(input)
  const type = input.data_type === undefined ? undefined : askedTypeOf(input.data_type)
  const { from, before } = period
  return {
    filter: {
      ...(type === undefined ? {} : { codes: type.codes }),
      ...(type === undefined || type.panels.length === 0 ? {} : { panels: type.panels }),
      ...(from === undefined ? {} : { from }),
      ...(before === undefined ? {} : { before }),
    },
    period,
    type,
    values: valuesOf(type),
  }
})

function valuesOf(asked: AskedType | undefined): AskedValues {
  const { type, member, codes } = asked ?? {}
  const one = type === undefined || member === undefined ? undefined : { type: type.name, path: member.path }
  return { codes, member: one }
}

/** The patient that a call is about. Throws INVALID_ARGUMENT for the other arguments: nothing is decided on before. */
export function patientSubject(
  input: ObservationArguments & { patient_id: string; study_id?: string | undefined },
): Subject {
  askedObservations(input)
  return { kind: 'patient', patient: input.patient_id, study: input.study_id }
}

/** Whether a period is asked for: observations without a date are in none. */
export function hasPeriod({ filter }: AskedObservations): boolean {
  return (filter.from ?? filter.before) !== undefined
}

/** What is asked, in words: type and codes, period, time zone, and what studies and scopes restrict it to. */
export function wordingOf(asked: AskedObservations, grant: Grant): string {
  return wordingOfAll([asked], grant)
}

/** The same of several types over one period. */
export function wordingOfAll(
  asks: readonly [AskedObservations, ...AskedObservations[]],
  grant: Grant,
): string {
  const categories = categoriesOf(grant.terms.restrictions)
  const [{ period }] = asks
  return [
    asks.map(({ type }) => typeWording(type, grant)).join('; '),
    period.wording === '' ? 'any time' : `${period.wording} (observations without a date are in no period)`,
    `time zone ${period.timeZone}`,
    ...(categories === undefined ? [] : [`only of category ${categories.join(', ')} (the token's scopes)`]),
  ].join(', ')
}

/** What is asked, as parameters of a Parameters resource. */
export function askedParameters(
  { filter, period, type }: AskedObservations,
  grant: Grant,
): ParametersParameter[] {
  const categories = categoriesOf(grant.terms.restrictions)
  return [
    ...(type === undefined ? [] : [{ name: 'dataType', valueString: type.label }]),
    ...searchedCodes(type?.codes ?? [], grant).map((valueCoding) => ({ name: 'code', valueCoding })),
    ...requestedParameters(grant),
    ...(filter.from === undefined ? [] : [{ name: 'from', valueInstant: filter.from }]),
    ...(filter.before === undefined ? [] : [{ name: 'before', valueInstant: filter.before }]),
    { name: 'timeZone', valueString: period.timeZone },
    ...(categories ?? []).map((valueString) => ({ name: 'category', valueString })),
  ]
}

function typeWording(type: AskedType | undefined, grant: Grant): string {
  const requested = requestedWords(grant)
  if (type === undefined) return requested === undefined ? 'all types' : `all types that ${requested}`
  const codes = searchedCodes(type.codes, grant).map((code) => oneLine(codeText(code)))
  const searched = codes.length === 0 ? 'no code searched' : `codes searched: ${codes.join(', ')}`
  const within = requested === undefined ? '' : `, of those that ${requested}`
  return `${oneLine(type.label)} (${searched}${within})`
}
