import { dataTypes } from '../open-mhealth/data-types.ts'
import { type Unit, ucum } from '../results/values.ts'
import { converted, dimensionOf, isSameUnit } from '../units/conversion.ts'
import { withoutAnnotations } from '../units/ucum-code.ts'
import { shownUnit, ucumCodeOf } from '../units/written-unit.ts'

/** The unit of a value, and which other units it can be put together with. */
export interface Scale {
  /** The same for all units that can be converted into one another; a key by itself for a unit that cannot. */
  readonly group: string
  /** The same for all spellings of one unit. */
  readonly key: string
  /** As it is shown: the UCUM code without annotations, else the text. Undefined where there is none. */
  readonly unit: Unit | undefined
  /** The type's unit of the group: what values in several units are put into. */
  readonly preferred: Unit | undefined
}

const noUnit: Scale = { group: '', key: '', unit: undefined, preferred: undefined }
/** Statistics that a zero that moves, or a factor, does not leave what they are. */
const spreads = /^(?:count|quartile deviation|standard deviation|variance)(?: |$)/

/** Working a scale out costs more than adding a value. Servers write few units, or a bounded number is kept. */
const known = new WeakMap<readonly string[], Map<string, Scale>>()
const mostKnown = 500
const noUnits: readonly string[] = []

const unitsByType = new Map(
  dataTypes().map(({ name, shape, members }) => [
    name,
    new Map([
      ...(shape === 'quantity' ? [['', members[0]?.units ?? noUnits] as const] : []),
      ...members.map(({ path, units }) => [path, units] as const),
    ]),
  ]),
)

/**
 * UCUM units that a value is measured in, by the key of its type and of the member that it is; the first of a dimension is the
 * type's unit. None for what no type has.
 */
export function unitsOf(type: string, member: string | undefined): readonly string[] {
  return unitsByType.get(type)?.get(member ?? '') ?? noUnits
}

/** The scale of a unit; `units` are those of the type, `statistic` what the value is. */
export function scaleOf(
  unit: Unit | undefined,
  units: readonly string[],
  statistic: string | undefined,
): Scale {
  if (unit === undefined || (unit.label === '' && !countsAs(unit, units))) return noUnit
  const isSpread = spreads.test(statistic ?? '')
  const written = JSON.stringify([unit.label, unit.system, unit.code, isSpread])
  const scales = known.get(units) ?? new Map<string, Scale>()
  known.set(units, scales)
  const scale = scales.get(written) ?? madeScale(unit, units, isSpread)
  if (scales.size < mostKnown) scales.set(written, scale)
  return scale
}

/** UCUM's `1` says something only of what is measured in a unit of its dimension: 0.97 of 100 %. */
function countsAs({ system, code }: Unit, units: readonly string[]): boolean {
  return system === ucum && code === '1' && units.some((one) => dimensionOf(one) === dimensionOf('1'))
}

function madeScale(unit: Unit, units: readonly string[], isSpread: boolean): Scale {
  const code = ucumCodeOf(unit, units)
  if (code === undefined) {
    const key = `${unit.system ?? ''}|${unit.label}`
    return { group: key, key, unit, preferred: undefined }
  }
  const shown = shownUnit(unit, units)
  // Steps and strokes are both UCUM's 1, but a type that counts either counts two things.
  const isOneOfSeveral = units.includes(code) && units.filter((one) => isSameUnit(one, code)).length > 1
  const key = isOneOfSeveral ? code : withoutAnnotations(code)
  const dimension = isOneOfSeveral || isSpread ? undefined : dimensionOf(code)
  if (dimension === undefined) return { group: key, key, unit: shown, preferred: undefined }
  const preferred = units.find((one) => dimensionOf(one) === dimension)
  return {
    group: dimension,
    key,
    unit: shown,
    preferred: preferred === undefined ? undefined : { label: preferred, system: ucum, code: preferred },
  }
}

/** Which unit values of one group are given in: their own where it is one, else the type's, else the most frequent. */
export function commonUnit(
  parts: readonly { readonly scale: Scale; readonly n: number }[],
): Unit | undefined {
  const used = parts.filter(({ n }) => n > 0)
  const [first, ...others] = used.length > 0 ? used : parts
  if (first === undefined) return undefined
  if (others.every(({ scale }) => isOneUnit(scale.unit, first.scale.unit))) return first.scale.unit
  const preferred = first.scale.preferred
  if (preferred !== undefined) return preferred
  const byNumber = [first, ...others].toSorted(
    (a, b) => b.n - a.n || ((a.scale.unit?.label ?? '') < (b.scale.unit?.label ?? '') ? -1 : 1),
  )
  return byNumber[0]?.scale.unit
}

/** A number of a scale in another unit of its group, rounded to 10 significant digits where it is converted. */
export function inUnit(number: number, { unit }: Scale, target: Unit | undefined): number {
  if (isOneUnit(unit, target) || unit?.code === undefined || target?.code === undefined) return number
  return converted(number, unit.code, target.code) ?? number
}

/** Whether two units are one, so that nothing is converted between them. */
export function isOneUnit(one: Unit | undefined, other: Unit | undefined): boolean {
  if (one?.code !== undefined && other?.code !== undefined && one.system === ucum && other.system === ucum) {
    return isSameUnit(one.code, other.code)
  }
  return one?.label === other?.label && one?.system === other?.system
}
