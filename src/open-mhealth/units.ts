import type { Quantity } from '../fhir/types.ts'
import { ucumSystem } from './systems.ts'

/**
 * Units of the Open mHealth and IEEE 1752.1 schemas that UCUM has. The schemas take their words from UCUM's "common
 * synonyms", so `C`, `gr` or `Mo` do not mean what they mean as UCUM codes: only this table translates.
 */
const units: ReadonlyMap<string, string> = new Map([
  ['ps', 'ps'],
  ['ns', 'ns'],
  ['us', 'us'],
  ['ms', 'ms'],
  ['sec', 's'],
  ['min', 'min'],
  ['h', 'h'],
  ['d', 'd'],
  ['wk', 'wk'],
  ['Mo', 'mo'],
  ['yr', 'a'],
  ['fm', 'fm'],
  ['pm', 'pm'],
  ['nm', 'nm'],
  ['um', 'um'],
  ['mm', 'mm'],
  ['cm', 'cm'],
  ['m', 'm'],
  ['km', 'km'],
  ['in', '[in_i]'],
  ['ft', '[ft_i]'],
  ['yd', '[yd_i]'],
  ['mi', '[mi_i]'],
  ['fg', 'fg'],
  ['pg', 'pg'],
  ['ng', 'ng'],
  ['ug', 'ug'],
  ['mg', 'mg'],
  ['g', 'g'],
  ['kg', 'kg'],
  ['Metric Ton', 't'],
  ['gr', '[gr]'],
  ['oz', '[oz_av]'],
  ['lb', '[lb_av]'],
  ['Ton', '[ston_av]'],
  ['K', 'K'],
  ['C', 'Cel'],
  ['F', '[degF]'],
  ['mg/dL', 'mg/dL'],
  ['mmol/L', 'mmol/L'],
  ['mmHg', 'mm[Hg]'],
  ['%', '%'],
  ['L/min', 'L/min'],
  ['m/s', 'm/s'],
  ['km/h', 'km/h'],
  ['kcal', 'kcal'],
  ['MET', '{MET}'],
  ['beats/min', '/min'],
  ['breaths/min', '/min'],
  ['steps', '{steps}'],
  ['laps', '{laps}'],
  ['skips', '{skips}'],
  ['movements', '{movements}'],
  ['strokes', '{strokes}'],
  ['steps/min', '{steps}/min'],
  ['laps/min', '{laps}/min'],
  ['skips/min', '{skips}/min'],
  ['movements/min', '{movements}/min'],
  ['strokes/min', '{strokes}/min'],
  ['strokes/lap', '{strokes}/{lap}'],
  ['events/h', '{events}/h'],
  ['awakenings/h', '{awakenings}/h'],
  ['snores/h', '{snores}/h'],
  ['pL', 'pL'],
  ['nL', 'nL'],
  ['uL', 'uL'],
  ['mL', 'mL'],
  ['cL', 'cL'],
  ['dL', 'dL'],
  ['L', 'L'],
  ['kL', 'kL'],
  ['mL/min', 'mL/min'],
  ['kg/m2', 'kg/m2'],
  ['kg/m^2', 'kg/m2'],
  ['m/s^2', 'm/s2'],
  ['rad/s', 'rad/s'],
  ['deg', 'deg'],
  ['min/km', 'min/km'],
  ['min/mi', 'min/[mi_i]'],
  ['pT', 'pT'],
  ['nT', 'nT'],
  ['uT', 'uT'],
  ['mT', 'mT'],
  ['T', 'T'],
  ['Hz', 'Hz'],
  ['dB', 'dB'],
  ['lx', 'lx'],
  ['ppm', '[ppm]'],
  ['1', '1'],
])

/** The UCUM code of a schema's unit; undefined where UCUM has none, or where the unit is not one of the schemas'. */
export function ucumOf(unit: string): string | undefined {
  return units.get(unit)
}

/** A quantity in the body's own number and unit text; `system` and `code` only where UCUM has the unit. */
export function quantityOf(value: number, unit: string): Quantity {
  const code = ucumOf(unit)
  if (code !== undefined) return { value, unit, system: ucumSystem, code }
  return unit.trim() === '' ? { value } : { value, unit }
}

/** Every UCUM code that a unit of the schemas has. */
export function openMHealthUcumCodes(): readonly string[] {
  return [...new Set(units.values())]
}
