import { describe, expect, it } from 'vitest'
import type { Observation, Quantity } from '../../src/fhir/types.ts'
import { dataTypeOf, findDataType, searchCodesOf } from '../../src/open-mhealth/data-types.ts'
import { decodeObservation } from '../../src/open-mhealth/decode.ts'
import { ucumOf } from '../../src/open-mhealth/units.ts'
import { nameOfObservation } from '../../src/results/reading-names.ts'
import { contributionsOf } from '../../src/statistics/contributions.ts'
import schemas from './lists/exchange-schemas.json' with { type: 'json' }
import seed from './lists/exchange-seed.json' with { type: 'json' }
import exporters from './lists/exporters.json' with { type: 'json' }
import { loinc, withBody } from './observations.ts'

interface Value {
  readonly path: string
  readonly unit?: string
  readonly text?: string
}

/** Units of the schemas for which UCUM has nothing. */
const withoutUcum = ['dBA']
/** Schemas of the list that are about a medicine and no measure; they are read member by member. */
const undescribed = ['reason-single-medication-dose-not-taken', 'single-medication-dose-taken']

function place(body: Record<string, unknown>, [name = '', ...rest]: string[], value: unknown): void {
  if (rest.length === 0) {
    body[name] = value
    return
  }
  const inner = (body[name] ?? (/^\d+$/.test(rest[0] ?? '') ? [] : {})) as Record<string, unknown>
  body[name] = inner
  place(inner, rest, value)
}

/** A body with every value of a schema, each with another number, and the numbers. */
function bodyOf(values: readonly Value[]) {
  const body: Record<string, unknown> = {}
  const numbers = new Map<string, { value: number; unit: string | undefined }>()
  for (const [at, { path, unit, text }] of values.entries()) {
    const value = 36.25 + at
    if (text === undefined) numbers.set(path, { value, unit })
    place(body, path.split('.'), text ?? (unit === undefined ? value : { value, unit }))
  }
  body.effective_time_frame = {
    time_interval: { start_date_time: '2026-10-01T08:00:00Z', end_date_time: '2026-10-01T09:00:00Z' },
  }
  return { body, numbers }
}

function quantitiesOf({ valueQuantity, component = [] }: Observation): Quantity[] {
  const all = [valueQuantity, ...component.map((one) => one.valueQuantity)]
  return all.filter((one) => one !== undefined)
}

describe('the codes that an exchange has from the start', () => {
  it('are all known and searched for by the name of their type', () => {
    expect(seed.codes).toHaveLength(15)
    for (const coding of seed.codes) {
      const type = findDataType(coding.code)
      expect([coding.code, type && searchCodesOf(type)]).toEqual([
        coding.code,
        expect.arrayContaining([coding]),
      ])
    }
  })

  it('have a schema in the list of schemas, or are known all the same', () => {
    const listed = schemas.schemas.map(({ code }) => code)
    expect(listed).toEqual(expect.arrayContaining(seed.codes.map(({ code }) => code)))
  })
})

describe('every schema of a measure that an exchange vendors', () => {
  it.each(schemas.schemas)('$code gives its values exactly, with unit, time and name', ({ code, values }) => {
    const { body, numbers } = bodyOf(values)
    const { observation, decoded } = decodeObservation(withBody(body, code))
    const name = code.split(':')[1] ?? ''
    expect(decoded).toBe(true)
    expect(observation.effectivePeriod).toEqual({
      start: '2026-10-01T08:00:00Z',
      end: '2026-10-01T09:00:00Z',
    })
    for (const { value, unit } of numbers.values()) {
      const found = quantitiesOf(observation).find((quantity) => quantity.value === value)
      expect([value, found?.value]).toEqual([value, value])
      if (unit === undefined || withoutUcum.includes(unit)) continue
      expect([unit, found?.unit, found?.code]).toEqual([unit, unit, ucumOf(unit)])
      expect(ucumOf(unit)).toBeDefined()
    }
    expect(nameOfObservation(observation).label).toBe(name)
    const type = dataTypeOf(observation)
    expect(type === undefined).toBe(undescribed.includes(name))
    if (type !== undefined) expect(searchCodesOf(type).map((one) => one.code)).toContain(code)
  })
})

describe('a type that nobody described', () => {
  const frame = { effective_time_frame: { date_time: '2026-10-01T08:00:00+02:00' } }

  it('has its value, unit and time, and is named after its schema', () => {
    const body = { grip_strength: { value: 31.4, unit: 'kg' }, arm: 'left', ...frame }
    const { observation } = decodeObservation(withBody(body, 'omh:grip-strength:1.0'))
    expect(observation.valueAttachment).toBeUndefined()
    expect(observation.valueQuantity).toEqual({
      value: 31.4,
      unit: 'kg',
      system: 'http://unitsofmeasure.org',
      code: 'kg',
    })
    expect(observation.effectiveDateTime).toBe('2026-10-01T08:00:00+02:00')
    expect(observation.component?.map(({ code, valueString }) => [code.text, valueString])).toEqual([
      ['arm', 'left'],
    ])
    expect(nameOfObservation(observation)).toEqual({ label: 'grip-strength', key: 'grip-strength' })
    expect(contributionsOf(observation)[0]).toMatchObject({
      type: { label: 'grip-strength' },
      component: undefined,
      scale: { unit: { label: 'kg' } },
      value: { number: 31.4 },
    })
  })

  it('has each of several numbers as a component, except the one that its schema is named after', () => {
    const two = { left: { value: 1.5, unit: 'cm' }, right: { value: 2.5, unit: 'furlongs' }, ...frame }
    const pair = decodeObservation(withBody(two, 'ieee:pupil-size:0.2')).observation
    expect(pair.valueQuantity).toBeUndefined()
    expect(pair.component?.map(({ code, valueQuantity }) => [code.text, valueQuantity?.value])).toEqual([
      ['left', 1.5],
      ['right', 2.5],
    ])
    const named = { ...two, pupil_size: { value: 3, unit: 'mm' } }
    const { observation } = decodeObservation(withBody(named, 'ieee:pupil-size:0.2'))
    expect(observation.valueQuantity?.value).toBe(3)
    expect(observation.component).toHaveLength(2)
  })

  it('of an average says that it is one', () => {
    const body = { grip_strength: { value: 31, unit: 'kg' }, descriptive_statistic: 'average', ...frame }
    for (const coding of [
      [{ system: 'https://w3id.org/openmhealth', code: 'omh:grip-strength:1.0' }],
      [{ system: 'urn:x:own', code: 'grip' }],
    ]) {
      const { observation } = decodeObservation({ ...withBody(body, 'omh:x:1.0'), code: { coding } })
      expect(contributionsOf(observation)[0]?.statistic).toBe('average')
    }
  })

  it('in another version of a schema that is described is called by its code', () => {
    const body = { body_weight: { value: 80, unit: 'kg' }, ...frame }
    const { observation } = decodeObservation(withBody(body, 'omh:body-weight:9.9'))
    expect(observation.valueQuantity?.value).toBe(80)
    expect(nameOfObservation(observation).label).toBe('As sent (omh:body-weight:9.9)')
  })
})

describe('the LOINC codes that exporters write', () => {
  const codes = exporters.exporters.flatMap(({ name, codes: own }) =>
    own.map((one) => ({ exporter: name, ...one })),
  )

  it.each(codes)('$exporter: $of, $loinc', (one) => {
    const expected = 'as' in one ? one.as : undefined
    const type = findDataType(one.loinc)
    expect(type?.name).toBe(expected)
    if (type === undefined) return
    expect(searchCodesOf(type)).toContainEqual({ system: loinc, code: one.loinc })
    expect(
      dataTypeOf({
        resourceType: 'Observation',
        status: 'final',
        code: { coding: [{ system: loinc, code: one.loinc }] },
      }),
    ).toBe(type)
  })
})
