/**
 * Units as exporters write them in words, with the UCUM code that they mean; nothing is guessed beyond it. They are what Apple's
 * HKUnit, HealthKitOnFHIR, HealthKitToFhir, HealthConnectOnFHIR and MIMIC-IV on FHIR write, the names that UCUM gives its units,
 * and other spellings of these (case, blanks, plural). `test/units/lists/text-units.json` has each source with its version, and
 * those few that are from none of them; a test holds this table against it.
 */
const textUnits: Readonly<Record<string, readonly string[]>> = {
  '/min': [
    ...['bpm', 'BPM', 'Bpm', 'beats/min', 'beats/minute', 'beats per minute', 'count/min', 'counts/min'],
    ...[
      'breaths/min',
      'breaths/minute',
      'breaths per minute',
      'brpm',
      'insp/min',
      'resp/min',
      'per minute',
      '/minute',
    ],
  ],
  'mm[Hg]': ['mmHg', 'mmhg', 'MMHG', 'mm Hg', 'mm hg', 'MM HG', 'mm[hg]', 'mmHG', 'MMHg'],
  'cm[H2O]': ['cmH2O', 'cmAq', 'cm H2O'],
  kPa: ['KPA', 'kpa'],
  'mg/dL': ['mg/dl', 'MG/DL', 'MGDL', 'MG/dL', 'mgdl', 'mgdL', 'mgPerdL'],
  'g/dL': ['g/dl', 'G/DL', 'GDL', 'gm/dl', 'gm/dL', 'GM/DL'],
  'mmol/L': ['mmol/l', 'MMOL/L', 'MMOLL', 'mmoll', 'mmolPerL'],
  'umol/L': ['umol/l', 'UMOL/L', 'µmol/L', 'μmol/L', 'µmol/l', 'μmol/l'],
  kg: ['KG', 'Kg', 'kgs', 'kilogram', 'kilograms'],
  g: ['gram', 'grams', 'gm'],
  ug: ['mcg', 'µg', 'μg'],
  '[lb_av]': ['lb', 'lbs', 'LB', 'LBS', 'Lbs', 'lb.', 'lbs.', 'pound', 'pounds'],
  Cel: ['degC', 'DegC', 'deg C', '°C', 'ºC', '℃', 'Celsius', 'celsius'],
  '[degF]': ['degF', 'DegF', 'deg F', '°F', 'ºF', '℉', 'Fahrenheit', 'fahrenheit'],
  '%': ['percent', 'Percent', 'pct'],
  ms: ['msec', 'millisecond', 'milliseconds'],
  s: ['sec', 'secs', 'second', 'seconds'],
  min: ['mins', 'minute', 'minutes', 'Min'],
  h: ['hr', 'hrs', 'hour', 'hours', 'Hours'],
  d: ['day', 'days'],
  kcal: ['Cal', 'Kcal', 'KCAL', 'kilocalorie', 'kilocalories'],
  kJ: ['KJ', 'kilojoule', 'kilojoules'],
  m: ['meter', 'meters', 'metre', 'metres'],
  cm: ['CM', 'centimeter', 'centimeters', 'centimetre', 'centimetres'],
  km: ['KM', 'kilometer', 'kilometers', 'kilometre', 'kilometres'],
  '[mi_i]': ['mi', 'mile', 'miles'],
  '[ft_i]': ['ft', 'foot', 'feet'],
  '[in_i]': ['in', 'in.', 'inch', 'inches', 'Inch'],
  'km/h': ['km/hr', 'kph', 'KPH'],
  '[mi_i]/h': ['mph', 'MPH', 'mi/hr', 'mi/h'],
  L: ['l', 'liter', 'liters', 'litre', 'litres'],
  mL: ['ml', 'milliliter', 'milliliters'],
  'L/min': ['l/min', 'LPM', 'lpm'],
  'kg/m2': ['kg/m²', 'kg/m^2', 'kg/m*2', 'KG/M2', 'kg/sqm'],
  'mL/(kg.min)': ['ml/kg/min', 'mL/kg/min', 'mL/min·kg', 'ml/(kg*min)', 'mL/kg*min'],
  '1': ['count', 'counts', 'steps', 'Steps', 'step'],
}

/** Texts that mean a unit only where the type is measured in its dimension: `C` is no coulomb in a body temperature. */
const textUnitsOfDimension: Readonly<Record<string, readonly string[]>> = {
  C: ['Cel'],
  F: ['[degF]'],
  oz: ['[oz_av]', '[foz_us]'],
  OZ: ['[oz_av]', '[foz_us]'],
  ounces: ['[oz_av]', '[foz_us]'],
  st: ['[stone_av]'],
  stone: ['[stone_av]'],
}

/** Every text that is understood. */
export const unitTexts: readonly string[] = [
  ...Object.values(textUnits).flat(),
  ...Object.keys(textUnitsOfDimension),
]

const codesOfText = new Map(
  Object.entries(textUnits).flatMap(([code, texts]) => texts.map((text) => [text, [code]] as const)),
)

/** The UCUM codes that a unit text may mean: one, or several of which one has to fit the type. Empty where none is known. */
export function codesOfTextUnit(text: string): { readonly codes: readonly string[]; readonly sure: boolean } {
  const trimmed = text.trim()
  const codes = codesOfText.get(trimmed)
  if (codes !== undefined) return { codes, sure: true }
  const possible = Object.hasOwn(textUnitsOfDimension, trimmed) ? textUnitsOfDimension[trimmed] : undefined
  return { codes: possible ?? [], sure: false }
}

/** Every UCUM code that a text may mean. */
export function textUnitCodes(): readonly string[] {
  return [...new Set([...Object.keys(textUnits), ...Object.values(textUnitsOfDimension).flat()])]
}
