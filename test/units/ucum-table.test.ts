import { UcumLhcUtils } from '@lhncbc/ucum-lhc'
import { describe, expect, it } from 'vitest'
import { dataTypes } from '../../src/open-mhealth/data-types.ts'
import { openMHealthUcumCodes } from '../../src/open-mhealth/units.ts'
import { converted, dimensionOf } from '../../src/units/conversion.ts'
import { textUnitCodes } from '../../src/units/text-units.ts'
import { withoutAnnotations } from '../../src/units/ucum-code.ts'
import { ucumTable } from '../../src/units/ucum-table.ts'

const ucum = UcumLhcUtils.getInstance()
const codes = Object.keys(ucumTable)
const values = [1, 96.5, 154.3, 1e-3, 12_345.678]

/** A value by UCUM's own definitions. */
function byUcum(from: string, value: number, to: string): number | undefined {
  const { status, toVal } = ucum.convertUnitTo(from, value, to)
  return status === 'succeeded' && typeof toVal === 'number' ? toVal : undefined
}

describe('the table of units', () => {
  it('converts between any two units of a dimension as UCUM does, to 10 digits', () => {
    let pairs = 0
    for (const from of codes) {
      for (const to of codes) {
        if (from === to || dimensionOf(from) !== dimensionOf(to)) continue
        pairs += 1
        for (const value of values) {
          const own = converted(value, from, to)
          const expected = byUcum(from, value, to)
          expect(expected, `${from} to ${to}`).toBeDefined()
          // What the library loses by subtracting large numbers is not lost here.
          const lost = 1e-12 * Math.max(1, Math.abs(value))
          expect(
            Math.abs((own ?? Number.NaN) - (expected ?? 0)),
            `${value} ${from} to ${to}`,
          ).toBeLessThanOrEqual(Math.abs(expected ?? 0) * 1e-9 + lost)
        }
      }
    }
    expect(pairs).toBeGreaterThan(1000)
  })

  it('has dimensions that UCUM takes for different ones, but for mole, which UCUM counts as a number', () => {
    for (const from of codes) {
      for (const to of codes) {
        if (dimensionOf(from) === dimensionOf(to) || from.includes('mol') || to.includes('mol')) continue
        expect(byUcum(from, 1, to), `${from} to ${to}`).toBeUndefined()
      }
    }
  })

  it('keeps mass and substance apart, and has no arbitrary, logarithmic or calendar unit', () => {
    expect(converted(100, 'mg/dL', 'mmol/L')).toBeUndefined()
    expect(converted(48, 'mmol/mol', '%')).toBeUndefined()
    expect(converted(1, '10*9/L', 'mmol/L')).toBeUndefined()
    for (const code of ['[IU]', "[arb'U]", 'U/L', 'dB', 'B[SPL]', '[pH]', 'mo', 'a', 'meq/L']) {
      expect(dimensionOf(code), code).toBeUndefined()
    }
  })

  it('has every unit of the data types, of Open mHealth and of exporters that can be converted', () => {
    const units = [
      ...dataTypes().flatMap((type) => type.units),
      ...openMHealthUcumCodes(),
      ...textUnitCodes(),
    ]
    const left = [...new Set(units.map(withoutAnnotations))].filter((code) => {
      if (dimensionOf(code) !== undefined) return false
      const { unit, status } = ucum.getSpecifiedUnit(code, 'validate')
      expect(status, code).toBe('valid')
      // Logarithms, angles by pi, and months and years.
      return unit?.isSpecial_ !== true && !/deg|rad|^(mo|a)$/.test(code)
    })
    expect(left, 'run npm run units').toEqual([])
  })
})
