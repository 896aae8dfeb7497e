import { describe, expect, it } from 'vitest'
import type { Observation } from '../../src/fhir/types.ts'
import {
  dataTypeOf,
  dataTypes,
  findDataType,
  loincCodesOf,
  measureOf,
  openMHealthCodesOf,
  searchCodesOf,
} from '../../src/open-mhealth/data-types.ts'
import { ieee, loinc, omh } from './observations.ts'

function coded(...coding: { system?: string; code?: string }[]): Observation {
  return { resourceType: 'Observation', status: 'final', code: { coding } }
}

/** LOINC's check digit (Mod 10), as its Users' Guide defines it. */
function isLoinc(code: string): boolean {
  const [digits = '', check] = code.split('-')
  const odd = [...digits].reverse().filter((_, place) => place % 2 === 0)
  const even = [...digits].reverse().filter((_, place) => place % 2 === 1)
  const doubled = String(Number(odd.join('')) * 2)
  const sum = [...even, ...doubled].reduce((total, digit) => total + Number(digit), 0)
  return String((10 - (sum % 10)) % 10) === check
}

describe('the registry', () => {
  it('is in the order of its names, each of them once', () => {
    const names = dataTypes().map(({ name }) => name)
    expect(names).toEqual([...new Set(names)].sort())
  })

  it('has a title, a meaning, a published version, units and at least one number for each', () => {
    for (const type of dataTypes()) {
      expect(type.title).not.toBe('')
      expect(type.meaning).toMatch(/^[A-Z].*\.$/)
      expect(openMHealthCodesOf(type).length).toBeGreaterThan(0)
      expect(type.units.length).toBeGreaterThan(0)
      expect(type.members.filter(({ kind }) => kind === 'quantity').length > 1).toBe(
        type.shape === 'components',
      )
    }
  })

  it('has LOINC codes with a right check digit only', () => {
    expect(isLoinc('8867-5')).toBe(false)
    const codes = dataTypes().flatMap(({ loinc: own, otherLoinc, members }) => [
      ...own,
      ...otherLoinc,
      ...members.flatMap((member) => member.loinc ?? []),
    ])
    for (const code of codes) expect([code, isLoinc(code)]).toEqual([code, true])
  })

  it('has no word that means two types', () => {
    const words = dataTypes().flatMap(({ name, synonyms, members }) => [
      name,
      ...synonyms,
      ...members.flatMap((member) => member.synonyms ?? []),
    ])
    expect(new Set(words).size).toBe(words.length)
  })
})

describe('findDataType', () => {
  it.each([
    ['heart-rate', 'heart-rate'],
    ['Heart Rate', 'heart-rate'],
    ['heart_rate', 'heart-rate'],
    ['  HEART - RATE ', 'heart-rate'],
    ['hr', 'heart-rate'],
    ['Pulse', 'heart-rate'],
    ['8867-4', 'heart-rate'],
    ['http://loinc.org|40443-4', 'heart-rate'],
    ['omh:heart-rate:2.0', 'heart-rate'],
    ['OMH:Heart-Rate:9.x', 'heart-rate'],
    [`${omh}|omh:heart-rate:2.0`, 'heart-rate'],
    [`${ieee}|ieee:heart-rate:1`, 'heart-rate'],
    ['steps', 'step-count'],
    ['glucose', 'blood-glucose'],
    ['blood sugar', 'blood-glucose'],
    ['105272-9', 'blood-glucose'],
    ['BP', 'blood-pressure'],
    ['8480-6', 'blood-pressure'],
    ['http://loinc.org|8462-4', 'blood-pressure'],
    ['weight', 'body-weight'],
    ['SpO2', 'oxygen-saturation'],
    ['temperature', 'body-temperature'],
    ['exercise', 'physical-activity'],
    ['hrv', 'heart-rate-variability'],
    ['sleep', 'sleep-duration'],
    ['93832-4', 'sleep-duration'],
    ['ieee:total-sleep-time:1.0', 'total-sleep-time'],
  ])('takes %j as %s', (word, name) => {
    expect(findDataType(word)?.name).toBe(name)
  })

  it.each([
    '',
    'blood type',
    'constructor',
    '__proto__',
    '1234-5',
    'http://loinc.org|1234-5',
    'http://snomed.info/sct|8867-4',
    `${ieee}|omh:heart-rate:2.0`,
    'omh:blood-type:1.0',
    '|',
  ])('takes %j as nothing', (word) => {
    expect(findDataType(word)).toBeUndefined()
  })
})

describe('codes to search for', () => {
  it('are all published versions in both namespaces, then LOINC: of the whole, then of members that no other type is', () => {
    const type = findDataType('physical-activity')
    expect(type && searchCodesOf(type)).toEqual([
      { system: omh, code: 'omh:physical-activity:2.0' },
      { system: omh, code: 'omh:physical-activity:1.2' },
      { system: omh, code: 'omh:physical-activity:1.1' },
      { system: omh, code: 'omh:physical-activity:1.0' },
      { system: ieee, code: 'ieee:physical-activity:1.0' },
      { system: loinc, code: '73985-4' },
      { system: loinc, code: '55411-3' },
      { system: loinc, code: '74008-4' },
    ])
  })

  it('have those that a body gets before those that other writers use', () => {
    const [glucose, heart] = [findDataType('blood-glucose'), findDataType('heart-rate')]
    expect(glucose && loincCodesOf(glucose).map(({ code }) => code)).toEqual([
      ...['2339-0', '15074-8', '2345-7', '14749-6', '99504-3', '105272-9'],
      ...['41653-7', '14743-9', '32016-8', '2340-8', '2341-6', '74774-1'],
    ])
    expect(heart && loincCodesOf(heart).map(({ code }) => code)).toEqual(['8867-4', '40443-4', '8889-8'])
  })

  it('lead back to their type, and nothing else does', () => {
    for (const type of dataTypes()) {
      for (const { system, code } of searchCodesOf(type)) {
        const shared = code === '93832-4' && type.name === 'total-sleep-time'
        expect(dataTypeOf(coded({ system, code }))?.name).toBe(shared ? 'sleep-duration' : type.name)
      }
      for (const { system, code } of openMHealthCodesOf(type)) {
        expect(findDataType(`${system}|${code}`)).toBe(type)
      }
      expect(dataTypeOf(coded({ system: omh, code: `omh:${type.name}:99.0` }))).toBeUndefined()
    }
  })
})

describe('dataTypeOf', () => {
  it('goes by the Open mHealth or IEEE coding before LOINC, and by LOINC alone', () => {
    const sleep = [
      { system: loinc, code: '93832-4' },
      { system: ieee, code: 'ieee:total-sleep-time:1.0' },
    ]
    expect(dataTypeOf(coded(...sleep))?.name).toBe('total-sleep-time')
    expect(dataTypeOf(coded({ system: loinc, code: '93832-4' }))?.name).toBe('sleep-duration')
    expect(dataTypeOf(coded({ system: loinc, code: '59408-5' }))?.name).toBe('oxygen-saturation')
  })

  it('knows a member that stands alone', () => {
    const alone = coded({ system: loinc, code: '8480-6' })
    expect(dataTypeOf(alone)?.name).toBe('blood-pressure')
    expect(measureOf(alone.code)?.member?.path).toBe('systolic_blood_pressure')
  })

  it('calls a version that is not searched for by its own code, with LOINC beside it or not', () => {
    const other = { system: omh, code: 'omh:body-weight:9.9' }
    expect(dataTypeOf(coded(other))).toBeUndefined()
    expect(dataTypeOf(coded(other, { system: loinc, code: '29463-7' }))).toBeUndefined()
    expect(dataTypeOf(coded(other, { system: ieee, code: 'ieee:body-weight:0.1' }))?.name).toBe('body-weight')
  })

  it('knows no type by an unknown or no coding', () => {
    expect(dataTypeOf(coded({ system: loinc }, { system: omh, code: 'omh:blood-type:1.0' }))).toBeUndefined()
    expect(dataTypeOf(coded())).toBeUndefined()
    expect(dataTypeOf({ resourceType: 'Observation', status: 'final', code: { text: 'x' } })).toBeUndefined()
  })
})
