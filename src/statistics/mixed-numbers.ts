import type { Unit } from '../results/values.ts'
import type { TimedNumber } from './days.ts'
import { commonUnit, inUnit, isOneUnit, type Scale } from './scale.ts'

/** The values of one unit, in no order. */
export interface NumbersOfUnit {
  readonly scale: Scale
  readonly numbers: number[]
  /** Those with a known day, where they are kept. */
  readonly timed: TimedNumber[]
}

/** Values in units that can be converted into one another, by the key of their unit. */
export type MixedNumbers = Map<string, NumbersOfUnit>

/** Values that are all in one unit. */
export interface OneUnit {
  /** Undefined where no value had one. */
  readonly unit: Unit | undefined
  readonly numbers: readonly number[]
  readonly timed: readonly TimedNumber[]
  /** How many values were converted, by the unit that they were in. */
  readonly converted: ReadonlyMap<string, number>
}

/** The part of a unit, made where there is none yet. */
export function partOf(mixed: MixedNumbers, scale: Scale): NumbersOfUnit {
  const known = mixed.get(scale.key)
  if (known !== undefined) return known
  const made: NumbersOfUnit = { scale, numbers: [], timed: [] }
  mixed.set(scale.key, made)
  return made
}

/** The type's unit of values, where it has one that they can be converted into. */
export function preferredUnit(mixed: MixedNumbers): Unit | undefined {
  const [first] = mixed.values()
  return first?.scale.preferred
}

/** Puts values into one unit: `unit` where it is given, else the one that they are all in, else the type's. */
export function inOneUnit(mixed: MixedNumbers, unit?: Unit): OneUnit {
  const parts = [...mixed.values()]
  const target = unit ?? commonUnit(parts.map(({ scale, numbers }) => ({ scale, n: numbers.length })))
  const converted = new Map<string, number>()
  for (const { scale, numbers } of parts) {
    if (numbers.length > 0 && !isOneUnit(scale.unit, target)) {
      converted.set(scale.unit?.label ?? '', numbers.length)
    }
  }
  const [only, ...others] = parts
  if (converted.size === 0 && only !== undefined && others.length === 0) {
    return { unit: target, numbers: only.numbers, timed: only.timed, converted }
  }
  return {
    unit: target,
    numbers: parts.flatMap(({ scale, numbers }) => numbers.map((number) => inUnit(number, scale, target))),
    timed: parts.flatMap(({ scale, timed }) =>
      timed.map((one) => ({ ...one, number: inUnit(one.number, scale, target) })),
    ),
    converted,
  }
}
