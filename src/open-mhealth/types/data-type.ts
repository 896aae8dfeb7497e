import type { LoincCode } from '../loinc.ts'
import type { Namespace } from '../systems.ts'

/** One member of a body that its schema defines and that carries a measurement. */
export interface Member {
  /** Path in the body, which is also the component's code: names joined with `.`. */
  readonly path: string
  readonly kind: 'quantity' | 'text'
  /**
   * UCUM units that its property is measured in; LOINC stands only beside one of these. The first of a dimension is what values
   * in several units are put into.
   */
  readonly units: readonly string[]
  /** Other English words for it. */
  readonly synonyms?: readonly string[]
  /** LOINC of the component, and of an observation of its own where a writer makes one of it. */
  readonly loinc?: LoincCode
  /** Unit, in the schemas' words, of a number that the schema writes without one. */
  readonly bareUnit?: string
}

/** A type of data: all versions of its schema, in both namespaces. */
export interface DataType {
  /** Short name: the schema's own. */
  readonly name: string
  readonly title: string
  /** What it means, in a line. */
  readonly meaning: string
  /** Published versions of its schema. Others are read as well, but only these are searched for and called by its name. */
  readonly versions: Readonly<Record<Namespace, readonly string[]>>
  /** LOINC codes of the whole observation, of which a decoded body gets those that fit it. */
  readonly loinc: readonly LoincCode[]
  /** LOINC codes of the same measure that other writers use: searched for, never given to a body. */
  readonly otherLoinc: readonly LoincCode[]
  /** `quantity`: one number in `valueQuantity`. `components`: its numbers in `component`, one each. */
  readonly shape: 'quantity' | 'components'
  readonly members: readonly Member[]
  /** Paths that a body has to have. */
  readonly required: readonly string[]
  /** UCUM units of its values. */
  readonly units: readonly string[]
  /** Whether a value sums up a stretch of time, and is not a reading at a point in time. */
  readonly aggregate: boolean
  /** Other English words for it. */
  readonly synonyms: readonly string[]
}

type Described = Omit<DataType, 'shape' | 'members' | 'required' | 'units' | 'otherLoinc'> & {
  readonly otherLoinc?: readonly LoincCode[]
}

export const times = ['s', 'min', 'h'] as const
export const distances = ['m', 'km', '[mi_i]'] as const
export const lengths = ['m', 'cm', 'mm', '[in_i]', '[ft_i]'] as const
export const masses = ['kg', 'g', 'mg', '[lb_av]', '[oz_av]'] as const
export const portions = ['g', 'mg', 'kg', '[oz_av]', '[lb_av]'] as const
export const temperatures = ['Cel', '[degF]', 'K'] as const

/** A member that is a number with a unit. `bareUnit`: the unit of a number that the schema writes without one. */
export function quantity(
  path: string,
  units: readonly string[],
  loinc?: LoincCode,
  bareUnit?: string,
): Member {
  return {
    path,
    kind: 'quantity',
    units,
    ...(loinc === undefined ? {} : { loinc }),
    ...(bareUnit === undefined ? {} : { bareUnit }),
  }
}

/** A type of one number. */
export function single(member: Member, type: Described): DataType {
  return {
    otherLoinc: [],
    ...type,
    shape: 'quantity',
    members: [member],
    required: [member.path],
    units: member.units,
  }
}

/** A type of several values. */
export function several(members: readonly Member[], required: readonly string[], type: Described): DataType {
  const units = [...new Set(members.flatMap((member) => member.units))]
  return { otherLoinc: [], ...type, shape: 'components', members, required, units }
}
