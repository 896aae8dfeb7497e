import { describe, expect, it } from 'vitest'
import type { Observation } from '../../src/fhir/types.ts'
import { observationTable } from '../../src/results/observations.ts'
import { coded, observation } from '../tools/observation-double.ts'

const baseUrl = 'http://exchange.example/fhir'
const masked = [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'masked' }]
const mmol = (value: number) => ({
  value,
  unit: 'mmol/L',
  system: 'http://unitsofmeasure.org',
  code: 'mmol/L',
})
const potassium = (id: string, more: Partial<Observation> = {}) =>
  observation(id, {
    code: coded('2823-3', 'Potassium'),
    effectiveDateTime: '2026-10-01T08:00:00Z',
    valueQuantity: mmol(7.1),
    ...more,
  })
const rowOf = async (
  one: Observation,
  related: readonly Observation[] = [],
  format: 'fhir' | 'fhir_full' | 'table' = 'fhir',
) => {
  const view = { format, timeZone: 'Europe/Berlin', baseUrl }
  const known = new Map(related.map((row) => [row.id ?? '', row] as const))
  const { columns, rows } = await observationTable([one], { ...view, related: known })
  const [row] = rows
  if (row === undefined) throw new TypeError('no row')
  return { ...row, cells: Object.fromEntries(columns.map((name, index) => [name, row.cells[index]])) }
}
const flag = (code: string, display: string) => [
  {
    coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation', code, display }],
  },
]

describe('what is said of a value', () => {
  it('is in its row: flag, reference range and note', async () => {
    const { line, cells, resource } = await rowOf(
      potassium('k', {
        interpretation: flag('HH', 'Critical high'),
        referenceRange: [{ low: mmol(3.5), high: mmol(5.1) }],
        note: [{ text: 'haemolysed sample,\nrepeat' }],
      }),
    )
    const text =
      '7.1 mmol/L; interpretation "Critical high" (HH); reference range 3.5 to 5.1 mmol/L; note: "haemolysed sample, repeat"'
    expect(line).toContain(`| ${text} | k`)
    expect(cells).toMatchObject({ text, interpretation: 'Critical high (HH)', value: 7.1 })
    expect(resource).toMatchObject({
      interpretation: flag('HH', 'Critical high'),
      referenceRange: [{ low: mmol(3.5), high: mmol(5.1) }],
      note: [{ text: 'haemolysed sample,\nrepeat' }],
    })
  })

  it.each<[string, NonNullable<Observation['referenceRange']>[number], string]>([
    ['a lower end', { low: mmol(3.5) }, 'from 3.5 mmol/L'],
    ['an upper end', { high: mmol(5.1) }, 'up to 5.1 mmol/L'],
    ['ends of two units', { low: { value: 3, unit: 'a' }, high: { value: 5, unit: 'b' } }, '3 "a" to 5 "b"'],
    ['a text', { text: 'below 100' }, '"below 100"'],
    ['a kind', { high: mmol(9), type: { text: 'critical' } }, 'up to 9 mmol/L ("critical")'],
    ['the normal kind', { high: mmol(9), type: { coding: [{ code: 'normal' }] } }, 'up to 9 mmol/L'],
    ['a group', { high: mmol(9), appliesTo: [{ text: 'pregnant' }] }, 'up to 9 mmol/L ("pregnant")'],
    ['a value', { normalValue: { text: 'negative' } }, '"negative"'],
  ])('gives a reference range with %s', async (_, range, text) => {
    expect((await rowOf(potassium('k', { referenceRange: [range] }))).line).toContain(
      `reference range ${text} | k`,
    )
  })

  it('says nothing of what says nothing', async () => {
    const empty = potassium('k', { referenceRange: [{}], interpretation: [], note: [] })
    expect((await rowOf(empty)).line).toBe(
      '- 2026-10-01T10:00:00+02:00 | "Potassium (2823-3)" | 7.1 mmol/L | k',
    )
  })

  it('belongs to the component that has it', async () => {
    const component = [
      { code: { text: 'a' }, valueQuantity: mmol(1), interpretation: flag('L', 'Low') },
      { code: { text: 'b' }, valueQuantity: mmol(2), referenceRange: [{ high: mmol(5) }] },
    ]
    const { line } = await rowOf(observation('o', { component }))
    expect(line).toContain(
      '"a" 1 mmol/L (interpretation "Low" (L)), "b" 2 mmol/L (reference range up to 5 mmol/L)',
    )
  })

  it('is bounded, however much of it there is', async () => {
    const many = potassium('k', {
      interpretation: Array.from({ length: 50 }, () => ({ text: 'x'.repeat(500) })),
      referenceRange: Array.from({ length: 50 }, () => ({ text: 'y'.repeat(5000) })),
      note: Array.from({ length: 50 }, () => ({ text: 'z'.repeat(5000) })),
    })
    const { line } = await rowOf(many)
    expect(line.length).toBeLessThan(3500)
    expect(line).toContain('and 44 more; reference range')
    expect(line).toMatch(/note: "z+…" \(5000 characters, whole in format fhir_full\), /)
    expect(line).toContain('and 47 more | k')
  })
})

describe('when an observation was issued', () => {
  it('stands beside the time of an undated one, which it does not date', async () => {
    const { line, cells } = await rowOf(
      observation('o', { issued: '2022-07-07T10:00:00Z', valueQuantity: mmol(6) }),
    )
    expect(line).toContain('- undated, issued 2022-07-07T12:00:00+02:00 | ')
    expect(cells).toMatchObject({ time: null, issued: '2022-07-07T10:00:00Z' })
  })

  it('is said of a dated one where it is another day', async () => {
    expect((await rowOf(potassium('k', { issued: '2026-10-04T08:00:00Z' }))).line).toContain(
      '7.1 mmol/L; issued 2026-10-04T10:00:00+02:00 | k',
    )
    expect((await rowOf(potassium('k', { issued: '2026-10-01T21:00:00Z' }))).line).not.toContain('issued')
  })
})

describe('an observation that refers to others', () => {
  const panel = observation('panel', {
    code: coded('24323-8', 'Metabolic panel'),
    hasMember: [
      { reference: 'Observation/k', display: 'Potassium of Ada' },
      { reference: 'Observation/foreign', display: 'Sodium of Bo' },
    ],
  })

  it('names those that are within the grant by their own code, and no others', async () => {
    const { line, resource, cells } = await rowOf(panel, [potassium('k')])
    const text = 'panel of 2 members: "Potassium (2823-3)" k, a member'
    expect(line).toContain(`"Metabolic panel (24323-8)" | ${text} | panel`)
    expect(cells).toMatchObject({ text })
    expect(resource).toMatchObject({
      hasMember: [
        { reference: 'Observation/k', display: 'Potassium of Ada' },
        { type: 'Observation', extension: masked },
      ],
    })
    expect(JSON.stringify([line, resource])).not.toMatch(/foreign|Bo/)
  })

  it.each(['fhir', 'fhir_full', 'table'] as const)('names no other in format %s', async (format) => {
    expect(JSON.stringify(await rowOf(panel, [], format))).not.toMatch(/foreign|Bo|Ada/)
  })

  it('says what a value was derived from', async () => {
    const derivedFrom = [
      { reference: `${baseUrl}/Observation/k` },
      { reference: 'DocumentReference/d', display: 'report' },
      { reference: '#inner' },
      { display: 'somewhere' },
    ]
    const { line, resource } = await rowOf(potassium('o', { derivedFrom }), [potassium('k')])
    expect(line).toContain(
      '7.1 mmol/L; derived from "Potassium (2823-3)" k, a DocumentReference, another observation, another observation | o',
    )
    expect(resource).toMatchObject({
      derivedFrom: [
        { reference: 'Observation/k' },
        { reference: 'DocumentReference/d', display: 'report' },
        { extension: masked },
        { extension: masked },
      ],
    })
  })

  it('names twenty at most', async () => {
    const hasMember = Array.from({ length: 25 }, (_, n) => ({ reference: `Observation/m${n}` }))
    const text = (await rowOf(observation('o', { hasMember }))).line
    expect(text).toContain('panel of 25 members: a member, ')
    expect(text).toContain('a member and 5 more | o')
  })
})
