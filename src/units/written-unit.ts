import { dimensionOf, isSameUnit } from './conversion.ts'
import { codesOfTextUnit } from './text-units.ts'
import { withoutAnnotations } from './ucum-code.ts'

/** Code system of UCUM units. */
const ucum = 'http://unitsofmeasure.org'

/** A unit as a quantity writes it: `label` is its UCUM code, else its text. */
export interface WrittenUnit {
  readonly label: string
  readonly system: string | undefined
  readonly code: string | undefined
}

/**
 * The UCUM code of a unit: its own, or that of its text where the text is known to mean one; undefined where there is none.
 * `units` are the UCUM units of what is measured, which decide what `C` or `oz` is.
 */
export function ucumCodeOf(
  { label, system, code }: WrittenUnit,
  units: readonly string[],
): string | undefined {
  if (system === ucum && code !== undefined && dimensionOf(code) !== undefined) return code
  const { codes, sure } = codesOfTextUnit(label)
  if (sure) return codes[0]
  const fitting = codes.find((one) => units.some((own) => dimensionOf(own) === dimensionOf(one)))
  if (fitting !== undefined) return fitting
  if (system === ucum && code !== undefined) return code
  return system === undefined && dimensionOf(label) !== undefined ? label : undefined
}

/**
 * A UCUM code as it is shown: as `units` spell it (`{steps}`), else without annotations (`/min` for `{beats}/min`), but for one
 * that has nothing else (`{score}`).
 */
export function shownCode(code: string, units: readonly string[]): string {
  if (units.includes(code)) return code
  const own = units.filter((one) => isSameUnit(one, code))
  const [only] = own
  if (only !== undefined && own.length === 1) return only
  const bare = withoutAnnotations(code)
  return bare === '1' ? code : bare
}

/** A unit as it is shown where values are put together. */
export function shownUnit(unit: WrittenUnit, units: readonly string[]): WrittenUnit {
  const code = ucumCodeOf(unit, units)
  if (code === undefined) return unit
  const label = shownCode(code, units)
  return { label, system: ucum, code: label }
}
