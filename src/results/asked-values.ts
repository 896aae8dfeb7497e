import type { Observation, ObservationComponent, SearchCode } from '../fhir/types.ts'
import type { ValueName } from './reading-names.ts'

/** Which values of an observation a question is about: an observation may be there for one of its components. */
export interface AskedValues {
  /** Codes of the observation, or of the component; undefined: every value. */
  readonly codes: readonly SearchCode[] | undefined
  /** The one value of a type, by the names that `nameOfValue` gives. */
  readonly member: { readonly type: string; readonly path: string } | undefined
}

/** A question about whatever there is. */
export const everyValue: AskedValues = { codes: undefined, member: undefined }

/**
 * Whether a value of an observation, its own or that of a component, is what was asked for. Where the observation itself has a
 * code that was asked for, all of its values are; else those of the components that have one.
 */
export function isAskedValue(
  { codes, member }: AskedValues,
  observation: Observation,
  { component, name }: { readonly component: ObservationComponent | undefined; readonly name: ValueName },
): boolean {
  if (member !== undefined) return name.type.key === member.type && name.component?.key === member.path
  if (codes === undefined || hasAny(observation, codes)) return true
  return component !== undefined && hasAny(component, codes)
}

function hasAny({ code }: Observation | ObservationComponent, codes: readonly SearchCode[]): boolean {
  const codings = code?.coding ?? []
  return codings.some((own) => codes.some((one) => one.system === own.system && one.code === own.code))
}
