import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Observation } from '../../src/fhir/types.ts'
import { observationTable } from '../../src/results/observations.ts'
import { bloodPressure, coded, observation, quantity } from '../tools/observation-double.ts'

const baseUrl = 'http://exchange.example/fhir'
const view = { format: 'fhir', timeZone: 'Europe/Berlin', baseUrl, related: new Map() } as const
const rowOf = async (one: Observation, format: 'fhir' | 'fhir_full' | 'table' = 'fhir') => {
  const { columns, rows } = await observationTable([one], { ...view, format })
  const [row] = rows
  if (row === undefined) throw new TypeError('no row')
  const cells = Object.fromEntries(columns.map((name, index) => [name, row.cells[index]]))
  return { ...row, cells }
}
const at = { effectiveDateTime: '2026-10-01T08:00:00Z' }
const heart = (id: string, more: Partial<Observation> = {}) =>
  observation(id, { ...at, valueQuantity: quantity(64), ...more })
const subsetted = [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' }]

describe('an observation as a row', () => {
  it('has time with offset, type, value, unit and id on one line', async () => {
    expect((await rowOf(heart('o1'))).line).toBe(
      '- 2026-10-01T10:00:00+02:00 | heart-rate 8867-4 | 64 /min | o1',
    )
  })

  it('keeps both numbers of blood pressure, in the line and in cells of their own', async () => {
    const { line, cells } = await rowOf(bloodPressure('o1', '2026-10-01T08:00:00Z', 155, 87))
    expect(line).toContain(
      'blood-pressure | systolic blood pressure 155 mm[Hg], diastolic blood pressure 87 mm[Hg] | o1',
    )
    expect(cells).toMatchObject({
      value: null,
      'systolic blood pressure (mm[Hg])': 155,
      'diastolic blood pressure (mm[Hg])': 87,
    })
  })

  it('has one column for one code, named as most rows name it', async () => {
    const of = (id: string, value: number, text: string) =>
      observation(id, {
        ...at,
        code: coded('85353-1'),
        component: [{ code: { ...coded('8478-0'), text }, valueQuantity: quantity(value, 'mm[Hg]') }],
      })
    const listed = [of('a', 90, 'MAP'), of('b', 92, 'Mean'), of('c', 94, 'Mean')]
    const { columns, rows } = await observationTable(listed, { ...view, format: 'table' })
    const column = columns.indexOf('Mean (8478-0) (mm[Hg])')
    expect(columns.slice(10)).toEqual(['Mean (8478-0) (mm[Hg])'])
    expect(rows.map(({ cells }) => cells[column])).toEqual([90, 92, 94])
  })

  it('keeps both ends of an interval', async () => {
    const effectivePeriod = { start: '2026-10-01T08:00:00Z', end: '2026-10-01T09:00:00Z' }
    const { line, cells } = await rowOf(observation('o1', { effectivePeriod, valueQuantity: quantity(1) }))
    expect(line).toContain('2026-10-01T10:00:00+02:00/2026-10-01T11:00:00+02:00')
    expect(cells).toMatchObject({ time: '2026-10-01T10:00:00+02:00', end: '2026-10-01T11:00:00+02:00' })
  })

  it.each<[string, Partial<Observation>, string]>([
    ['entered in error', { status: 'entered-in-error' }, '64 /min; ENTERED-IN-ERROR: not a reading'],
    ['cancelled', { status: 'cancelled' }, '64 /min; CANCELLED: not a reading'],
    ['a comparator', { valueQuantity: { ...quantity(40), comparator: '<' } }, '<40 /min'],
    ['absence', { dataAbsentReason: { text: 'error' } }, '64 /min, absent: "error"'],
    [
      'a modifierExtension',
      { modifierExtension: [{ url: 'urn:not', valueBoolean: true }] },
      '64 /min; modifierExtension not understood: may mean something else',
    ],
  ])('has no plain number for %s, and says it', async (_, more, text) => {
    const { cells, line } = await rowOf(heart('o1', more))
    expect(cells).toMatchObject({ value: null, unit: '/min', text })
    expect(line).toContain(text)
    expect((await rowOf(heart('o1'))).cells).toMatchObject({ value: 64, unit: '/min' })
  })

  it('has no plain numbers in components that are modified or entered in error', async () => {
    const pressure = bloodPressure('o1', '2026-10-01T08:00:00Z', 155, 87)
    const column = 'systolic blood pressure (mm[Hg])'
    expect((await rowOf({ ...pressure, status: 'entered-in-error' })).cells).not.toHaveProperty([column])
    expect((await rowOf({ ...pressure, modifierExtension: [{ url: 'urn:x' }] })).cells).not.toHaveProperty([
      column,
    ])
    const [systolic, diastolic] = pressure.component ?? []
    if (systolic === undefined || diastolic === undefined) throw new TypeError('no components')
    const component = [{ ...systolic, modifierExtension: [{ url: 'urn:x' }] }, diastolic]
    const { cells, line } = await rowOf({ ...pressure, component })
    expect(cells).not.toHaveProperty([column])
    expect(line).toContain('155 mm[Hg] (modifierExtension not understood: may mean something else)')
  })

  it('marks a statistic as no single reading and keeps its interpretation', async () => {
    const interpretation = [
      { coding: [{ system: 'https://w3id.org/openmhealth', code: 'average' }], text: 'average' },
    ]
    const per = {
      code: {
        coding: [{ system: 'https://w3id.org/openmhealth', code: 'descriptive_statistic_denominator' }],
      },
      valueString: 'd',
    }
    const { line, resource, cells } = await rowOf(heart('o1', { interpretation, component: [per] }))
    expect(line).toContain('average per d, not a single reading')
    expect(cells).toMatchObject({ statistic: 'average per d' })
    expect(resource).toMatchObject({ interpretation })
    expect(line).not.toContain('interpretation')
    expect(cells).not.toHaveProperty('interpretation')
  })

  it('names an unknown code with its display and code, and cannot be made to look like two rows', async () => {
    const odd = heart('o1', { code: coded('718-7', 'Hemo\n- 2026 | globin'), valueString: 'x\u2028y' })
    expect((await rowOf(odd)).line).toContain('| "Hemo - 2026 | globin (718-7)" |')
    expect((await rowOf(odd)).line).not.toMatch(/[\n\u2028]/)
    expect((await rowOf(heart('o1', { effectiveDateTime: 'soon\n- 2026' }))).line).not.toContain('\n')
  })

  it('says little where there is little', async () => {
    const bare: Observation = { resourceType: 'Observation', status: 'preliminary', code: {} }
    const { line, cells } = await rowOf(bare)
    expect(line).toBe('- undated | not said | without a value; status preliminary')
    expect(Object.values(cells).filter((cell) => cell !== null)).toEqual([
      'not said',
      'without a value; status preliminary',
      'preliminary',
    ])
    const valueless = observation('o1', { component: [{ code: { text: 'part' } }] })
    expect((await rowOf(valueless)).line).toContain('"part" without a value')
  })

  it('has a cell for a timing and for a component without a unit', async () => {
    const timed = observation('o1', {
      effectiveTiming: { code: { text: 'BID' } },
      component: [{ code: { text: 'count' }, valueInteger: 3 }],
    })
    expect((await rowOf(timed)).cells).toMatchObject({ time: 'timing {"code":{"text":"BID"}}', count: 3 })
  })
})

describe('a pruned observation', () => {
  const whole = heart('o1', {
    meta: { versionId: '1', security: [{ code: 'R' }] },
    category: [{ text: 'vital-signs' }],
    performer: [{ display: 'somebody' }],
    note: [{ text: 'note' }],
    subject: { reference: `${baseUrl}/Patient/p1` },
  })

  it('keeps what the answer and its check need, and has the mark exactly when something was left out', async () => {
    expect((await rowOf(whole)).resource).toEqual({
      resourceType: 'Observation',
      id: 'o1',
      meta: { security: [{ code: 'R' }], tag: subsetted },
      status: 'final',
      code: whole.code,
      subject: { reference: 'Patient/p1' },
      ...at,
      valueQuantity: quantity(64),
      note: [{ text: 'note' }],
    })
    expect((await rowOf(whole)).line).toContain('64 /min; note: "note"')
    expect((await rowOf(heart('o1'))).resource).toEqual(heart('o1'))
  })

  it('with fhir_full is whole, but for the address of the exchange', async () => {
    expect((await rowOf(whole, 'fhir_full')).resource).toEqual({
      ...whole,
      subject: { reference: 'Patient/p1' },
    })
  })

  it('never loses an element that says the value, its time, or what changes its meaning', async () => {
    const optional = {
      modifierExtension: [{ url: 'urn:x', valueBoolean: true }],
      dataAbsentReason: { text: 'x' },
      component: [{ code: { text: 'c' }, valueQuantity: { value: 1 } }],
      implicitRules: 'urn:rules',
      effectivePeriod: { start: '2026', end: '2027' },
      effectiveInstant: '2026-10-01T08:00:00Z',
      valueString: 's',
      bodySite: { text: 'arm' },
      method: { text: 'by cuff' },
      focus: [{ display: 'fetus' }],
      interpretation: [{ text: 'high' }],
      referenceRange: [{ text: 'below 100' }],
      note: [{ text: 'haemolysed' }],
      derivedFrom: [{ reference: 'DocumentReference/d' }],
      issued: '2026-10-01T08:00:00Z',
      valueAttachment: { contentType: 'application/json', data: 'e30=' },
      _effectiveDateTime: { extension: [{ url: 'urn:x' }] },
    } as const
    await fc.assert(
      fc.asyncProperty(fc.subarray(Object.keys(optional)), async (names) => {
        const chosen = Object.fromEntries(Object.entries(optional).filter(([name]) => names.includes(name)))
        const given: Observation = { ...observation('o1'), ...chosen }
        expect((await rowOf(given)).resource).toEqual(given)
        const more: Observation = { ...given, performer: [{ display: 'Lab' }] }
        expect((await rowOf(more)).resource).toEqual({ ...given, meta: { tag: subsetted } })
      }),
    )
  })

  it('is marked where labels stay and bookkeeping goes, and where a reference leads nowhere', async () => {
    const tag = [{ system: 'urn:x', code: 'demo' }]
    const labelled: Observation = { ...heart('o1'), meta: { tag, security: [{ code: 'R' }] } }
    expect((await rowOf(labelled)).resource).toEqual(labelled)
    expect((await rowOf({ ...labelled, meta: { ...labelled.meta, versionId: '2' } })).resource).toEqual({
      ...labelled,
      meta: { security: [{ code: 'R' }], tag: [...tag, ...subsetted] },
    })
    expect((await rowOf({ ...heart('o1'), meta: {} })).resource).toEqual({
      ...heart('o1'),
      meta: { tag: subsetted },
    })
    expect(
      (await rowOf({ ...heart('o1'), subject: { reference: '#gone', display: 'Somebody' } })).resource,
    ).toEqual({
      ...heart('o1'),
      subject: { display: 'Somebody' },
      meta: { tag: subsetted },
    })
  })

  it('has no reference into a contained resource that it lost', async () => {
    const contained: Observation = {
      ...heart('o1'),
      contained: [{ resourceType: 'Patient', id: 'x' }],
      valueReference: { reference: '#x', display: 'kept' },
    }
    expect((await rowOf(contained)).resource).toMatchObject({ valueReference: { display: 'kept' } })
    expect(JSON.stringify((await rowOf(contained)).resource)).not.toContain('#x')
  })
})
