import { describe, expect, it } from 'vitest'
import { dataTypes } from '../../src/open-mhealth/data-types.ts'
import { quantityOf, ucumOf } from '../../src/open-mhealth/units.ts'

describe('units', () => {
  it.each([
    ['sec', 's'],
    ['Mo', 'mo'],
    ['yr', 'a'],
    ['C', 'Cel'],
    ['F', '[degF]'],
    ['lb', '[lb_av]'],
    ['oz', '[oz_av]'],
    ['gr', '[gr]'],
    ['Ton', '[ston_av]'],
    ['Metric Ton', 't'],
    ['mi', '[mi_i]'],
    ['mmHg', 'mm[Hg]'],
    ['beats/min', '/min'],
    ['steps', '{steps}'],
  ])('%s is %s in UCUM', (unit, code) => {
    expect(ucumOf(unit)).toBe(code)
  })

  it('without UCUM keep their text and have no system', () => {
    expect(quantityOf(4, 'cups')).toStrictEqual({ value: 4, unit: 'cups' })
    expect(quantityOf(4, 'constructor')).toStrictEqual({ value: 4, unit: 'constructor' })
    expect(quantityOf(4, '')).toStrictEqual({ value: 4 })
  })

  it('of every type are ones that a body can be in', () => {
    const reachable = new Set(
      [
        'sec',
        'min',
        'h',
        'ms',
        'm',
        'km',
        'mi',
        'kg',
        'g',
        'lb',
        'oz',
        'C',
        'F',
        'K',
        'mg/dL',
        'mmol/L',
        'mmHg',
      ]
        .concat(['%', 'kcal', 'MET', 'm/s', 'km/h', 'beats/min', 'steps', 'strokes', 'laps', '1'])
        .concat(['steps/min', 'strokes/min'])
        .concat(['mg', 'cm', 'mm', 'in', 'ft', 'kg/m2', 'L', 'L/min', 'mL/min', 'ppm', 'min/km', 'min/mi'])
        .concat(['events/h', 'awakenings/h', 'snores/h', 'deg', 'rad/s', 'm/s^2', 'lx', 'nm', 'dB'])
        .concat(['T', 'mT', 'uT', 'nT', 'pT'])
        .map(ucumOf),
    )
    reachable.add('{steps}/(24.h)')
    for (const { units } of dataTypes()) for (const unit of units) expect(reachable).toContain(unit)
  })
})
