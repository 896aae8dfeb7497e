/**
 * Writes src/units/ucum-table.ts: the units of the data types, of Open mHealth and of exporters, each with its dimension and its
 * exact size, from UCUM's definitions (the package @lhncbc/ucum-lhc). Run it after a build: `npm run units`.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dataTypes } from '../dist/src/open-mhealth/data-types.js'
import { openMHealthUcumCodes } from '../dist/src/open-mhealth/units.js'
import { textUnitCodes } from '../dist/src/units/text-units.js'
import { withoutAnnotations } from '../dist/src/units/ucum-code.js'

const require = createRequire(import.meta.url)
const { UcumLhcUtils } = require('@lhncbc/ucum-lhc')
const { version } = JSON.parse(
  readFileSync(new URL('../node_modules/@lhncbc/ucum-lhc/package.json', import.meta.url), 'utf8'),
)
const ucum = UcumLhcUtils.getInstance()
const mole = ucum.getSpecifiedUnit('mol', 'validate').unit.magnitude_

/** Units that nobody here writes but that others do, of the dimensions of the data types. */
const others = [
  ...['ns', 'us', 'ms', 's', 'min', 'h', 'd', 'wk'],
  ...['nm', 'um', 'mm', 'cm', 'dm', 'm', 'km', '[in_i]', '[ft_i]', '[yd_i]', '[mi_i]', '[nmi_i]'],
  ...['pg', 'ng', 'ug', 'mg', 'g', 'kg', 't', '[gr]', '[oz_av]', '[lb_av]', '[ston_av]', '[stone_av]'],
  ...[
    'g/L',
    'g/dL',
    'g/mL',
    'mg/L',
    'mg/dL',
    'mg/mL',
    'ug/L',
    'ug/dL',
    'ug/mL',
    'ng/L',
    'ng/dL',
    'ng/mL',
    'pg/mL',
  ],
  ...['mol', 'mmol', 'umol', 'mol/L', 'mmol/L', 'umol/L', 'nmol/L', 'pmol/L', 'mmol/dL', 'umol/dL'],
  ...['Pa', 'hPa', 'kPa', 'bar', 'mbar', 'mm[Hg]', 'cm[H2O]'],
  ...['%', '1', '[ppth]', '[ppm]'],
  ...['nL', 'uL', 'mL', 'cL', 'dL', 'L', 'm3', 'cm3', '[foz_us]', '[pt_us]', '[cup_us]'],
  ...['L/s', 'L/min', 'L/h', 'mL/s', 'mL/min', 'mL/h', 'mL/(kg.min)', 'mL/kg/min', 'mL/min/kg', 'L/(kg.min)'],
  ...['m/s', 'm/min', 'cm/s', 'km/h', '[mi_i]/h', '[ft_i]/s', '[kn_i]', 'min/km', 'min/[mi_i]', 's/m'],
  ...['J', 'kJ', 'cal', 'kcal', '[Cal]', 'W.h', 'kW.h', 'W', 'kW'],
  ...['/s', '/min', '/h', '/d', '/wk', '/(24.h)', 'Hz', 'kHz'],
  ...['g/m2', 'kg/m2', '[lb_av]/[in_i]2', 'm/s2', 'lx', 'lm', 'cd'],
  ...['pT', 'nT', 'uT', 'mT', 'T', 'V', 'mV', 'uV', 'S', 'uS'],
]

/** Temperatures have a zero of their own: degrees Celsius = (value - zero) * times / per. */
const temperatures = { Cel: [1, 1, 0], K: [1, 1, 273.15], '[degF]': [5, 9, 32] }
const letters = ['L', 'T', 'M', 'A', 'K', 'C', 'Cd']

const codes = new Set(
  [
    ...dataTypes().flatMap(({ units }) => units),
    ...openMHealthUcumCodes(),
    ...textUnitCodes(),
    ...others,
  ].map(withoutAnnotations),
)
const rows = [...codes].flatMap((code) => row(code) ?? []).sort()
writeFileSync(
  new URL('../src/units/ucum-table.ts', import.meta.url),
  `// Made by scripts/units.mjs from @lhncbc/ucum-lhc ${version} (UCUM); do not edit.

/** A unit's size in the base unit of its dimension: base = (value - zero) * times / per, exactly. */
export type Size = readonly [dimension: string, times: number, per: number, zero?: number]

/** Units by their UCUM code without annotations. Arbitrary and logarithmic units are not among them. */
export const ucumTable: Readonly<Record<string, Size>> = {
${rows.join('\n')}
}
`,
)

function row(code) {
  // Months and years have no length of their own, and pi is no fraction.
  if (/^(mo|a)$|deg|rad/.test(code) && code !== '[degF]') return undefined
  const { unit, status } = ucum.getSpecifiedUnit(code, 'validate')
  if (status !== 'valid' || unit === null) {
    console.error(`${code} is not UCUM, and is left out`)
    return undefined
  }
  const temperature = temperatures[code]
  if (unit.isArbitrary_ || unit.equivalentExp_ !== 0 || (unit.isSpecial_ && temperature === undefined)) {
    return undefined
  }
  // UCUM counts a mole as a number; mass and substance, and cells and moles, are kept apart all the same.
  const { moleExp_: moles } = unit
  if (code.includes('mol') && moles === 0) return undefined
  const dimension = dimensionOf(unit.dim_?.dimVec_ ?? [], moles)
  const [times, per, zero] = temperature ?? [...fractionOf(unit.magnitude_ / mole ** moles), 0]
  const size = [`'${dimension}'`, times, per, ...(zero === 0 ? [] : [zero])]
  return `  '${code}': [${size.join(', ')}],`
}

function dimensionOf(exponents, moles) {
  const named = [...exponents.map((exponent, at) => [letters[at], exponent]), ['mol', moles]]
  const text = named
    .filter(([, exponent]) => exponent !== 0)
    .map(([letter, exponent]) => `${letter}${exponent}`)
  return text.length === 0 ? '1' : text.join('.')
}

/** A double as the fraction of whole numbers that it stands for: UCUM's definitions are decimals and quotients of them. */
function fractionOf(size) {
  for (let per = 1; per <= 100_000; per += 1) {
    const times = Math.round(size * per)
    if (times > 0 && isNear(times / per, size)) return reduced([times, per])
  }
  for (let digits = 0; digits <= 22; digits += 1) {
    const times = Math.round(size * 10 ** digits)
    const isExact = times > 0 && times <= 1e15 && isNear(times / 10 ** digits, size, 4e-15)
    if (isExact) return reduced([times, 10 ** digits])
  }
  for (let digits = 0; digits <= 15; digits += 1) {
    const per = Math.round(10 ** digits / size)
    if (per > 0 && per <= 1e15 && isNear(10 ** digits / per, size)) return reduced([10 ** digits, per])
  }
  throw new Error(`no exact fraction for ${size}`)
}

/** The library multiplies in doubles, which costs it the last digit or two. */
function isNear(one, other, most = 1e-15) {
  return Math.abs(one / other - 1) < most
}

function reduced([times, per]) {
  let [a, b] = [times, per]
  while (b !== 0) [a, b] = [b, a % b]
  return [times / a, per / a]
}
