import { describe, expect, it } from 'vitest'
import { converted, isSameUnit } from '../../src/units/conversion.ts'
import { codesOfTextUnit } from '../../src/units/text-units.ts'
import { withoutAnnotations } from '../../src/units/ucum-code.ts'
import { shownUnit, ucumCodeOf } from '../../src/units/written-unit.ts'

const ucum = 'http://unitsofmeasure.org'
const text = (label: string) => ({ label, system: undefined, code: undefined })
const coded = (code: string) => ({ label: code, system: ucum, code })

describe('a UCUM code', () => {
  it.each([
    ['{beats}/min', '/min'],
    ['/min', '/min'],
    ['1/min', '/min'],
    ['/min{breaths}', '/min'],
    ['{steps}', '1'],
    ['{steps}/(24.h)', '/(24.h)'],
    ['{strokes}/{lap}', '1'],
    ['kg{wet}', 'kg'],
    ['mg{creat}/dL', 'mg/dL'],
    ['mL/{h}', 'mL'],
    ['10*3.{cells}/uL', '10*3/uL'],
    ['m.{steps}.s', 'm.s'],
    ['({x}.m)', '(1.m)'],
    ['10/min', '10/min'],
    ['', ''],
  ])('%s means %s', (code, bare) => {
    expect(withoutAnnotations(code)).toBe(bare)
  })

  it('is one with another spelling of the same unit', () => {
    expect(isSameUnit('{beats}/min', '/min')).toBe(true)
    expect(isSameUnit('/(24.h)', '/d')).toBe(true)
    expect(isSameUnit('Hz', '/s')).toBe(true)
    expect(isSameUnit('mL/kg/min', 'mL/(kg.min)')).toBe(true)
    expect(isSameUnit('Cel', 'K')).toBe(false)
    expect(isSameUnit('lb', '[lb_av]')).toBe(false)
    expect(isSameUnit('toString', '1')).toBe(false)
  })
})

describe('a converted number', () => {
  it.each([
    [154.3, '[lb_av]', 'kg', 69.98930269],
    [96.5, '[degF]', 'Cel', 35.83333333],
    [98.6, '[degF]', 'Cel', 37],
    [310.15, 'K', 'Cel', 37],
    [-40, 'Cel', '[degF]', -40],
    [6.25, 'h', 's', 22_500],
    [21_232, 's', 'h', 5.897777778],
    [1.005, 'g/L', 'mg/dL', 100.5],
    [5500, 'umol/L', 'mmol/L', 5.5],
    [16, 'kPa', 'mm[Hg]', 120.0102009],
    [0.97, '1', '%', 97],
    [70, '/min', '{beats}/min', 70],
    [1.2, 'Hz', '/min', 72],
    [5, 'km/h', 'm/s', 1.388888889],
    [0, '[lb_av]', 'kg', 0],
  ])('%d %s in %s is %d', (value, from, to, expected) => {
    expect(converted(value, from, to)).toBe(expected)
  })
})

describe('a unit in words', () => {
  it.each([
    ['bpm', '/min'],
    ['beats/minute', '/min'],
    ['count/min', '/min'],
    ['lbs', '[lb_av]'],
    ['mmHg', 'mm[Hg]'],
    ['MGDL', 'mg/dL'],
    [' °F ', '[degF]'],
    ['hr', 'h'],
    ['Cal', 'kcal'],
    ['kg', 'kg'],
    ['mmol/L', 'mmol/L'],
  ])('%s means %s', (label, code) => {
    expect(ucumCodeOf(text(label), [])).toBe(code)
  })

  it('means nothing where it is not in the table', () => {
    for (const label of ['furlongs', 'M', 'units', 'U', 'toString', 'mEq/L', 'C', 'F', 'oz', '']) {
      expect(ucumCodeOf(text(label), []), label).toBeUndefined()
    }
    expect(
      ucumCodeOf({ label: '258983007', system: 'http://snomed.info/sct', code: '258983007' }, []),
    ).toBeUndefined()
    expect(ucumCodeOf({ label: 'kg', system: 'urn:local', code: 'kg' }, [])).toBeUndefined()
  })

  it('means what fits the type where it may mean several things', () => {
    expect(ucumCodeOf(text('C'), ['Cel', '[degF]', 'K'])).toBe('Cel')
    expect(ucumCodeOf(text('F'), ['Cel'])).toBe('[degF]')
    expect(ucumCodeOf(text('oz'), ['kg', 'g'])).toBe('[oz_av]')
    expect(ucumCodeOf(text('oz'), ['mL'])).toBe('[foz_us]')
    expect(ucumCodeOf(text('oz'), ['Cel'])).toBeUndefined()
  })

  it('is known in a code too, where UCUM has no such code', () => {
    expect(ucumCodeOf(coded('mmHg'), [])).toBe('mm[Hg]')
    expect(ucumCodeOf(coded('bpm'), [])).toBe('/min')
    // A coulomb is a coulomb.
    expect(ucumCodeOf(coded('C'), [])).toBe('C')
    expect(ucumCodeOf(coded('10*3/uL'), [])).toBe('10*3/uL')
  })

  it('is shown as the type spells it, else by its code', () => {
    expect(shownUnit(text('count'), ['{steps}', '{steps}/(24.h)'])).toEqual(coded('{steps}'))
    expect(shownUnit(coded('{tot}'), ['{steps}', '{steps}/(24.h)'])).toEqual(coded('{steps}'))
    expect(shownUnit(coded('{beats}/min'), ['/min'])).toEqual(coded('/min'))
    expect(shownUnit(coded('{score}'), [])).toEqual(coded('{score}'))
    expect(shownUnit(text('furlongs'), [])).toEqual(text('furlongs'))
  })

  it('has one meaning in the table', () => {
    expect(codesOfTextUnit('bpm')).toEqual({ codes: ['/min'], sure: true })
    expect(codesOfTextUnit('constructor')).toEqual({ codes: [], sure: false })
  })
})
