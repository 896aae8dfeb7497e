import type { AnyResource, Coding, ParametersParameter } from '../fhir/types.ts'
import { boundedText } from './large-values.ts'
import { longestCode, type Unit, ucum } from './values.ts'

/** A Parameters resource. */
export function parametersOf(parameter: readonly ParametersParameter[]): AnyResource {
  return { resourceType: 'Parameters', parameter }
}

/** A number with its unit; a plain decimal where there is none. The number is given as it is, not rounded. */
export function numberParameter(name: string, value: number, unit: Unit): ParametersParameter {
  const { label, system, code } = unit
  if (label === '') return { name, valueDecimal: value }
  const coded = system === ucum && code !== undefined && code.length <= longestCode ? { system, code } : {}
  return { name, valueQuantity: { value, unit: label, ...coded } }
}

/** A code that was searched or found. */
export function codeParameter(name: string, { system, code, display }: Coding): ParametersParameter {
  const valueCoding = {
    ...(system === undefined ? {} : { system }),
    ...(code === undefined ? {} : { code }),
    ...(display === undefined ? {} : { display: boundedText(display) }),
  }
  return { name, valueCoding }
}
