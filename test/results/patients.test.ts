import { describe, expect, it } from 'vitest'
import type { Patient } from '../../src/fhir/types.ts'
import { demographicNotes } from '../../src/results/demographics.ts'
import { markersOf, nameOf } from '../../src/results/patients.ts'

describe('the name of a patient', () => {
  it.each<[string | undefined, Patient['name']]>([
    [
      'Dr. Anna B. Moreau MD',
      [
        { use: 'old', text: 'Anna Before' },
        { prefix: ['Dr.'], given: ['Anna', 'B.'], family: 'Moreau', suffix: ['MD'] },
      ],
    ],
    [
      'Anna Official',
      [
        { use: 'usual', text: 'Anna' },
        { use: 'official', text: 'Anna Official' },
      ],
    ],
    ['Anna Before', [{ use: 'old', text: 'Anna\nBefore' }]],
    [undefined, [{}]],
    [undefined, []],
    [undefined, undefined],
  ])('is %s', (text, name) => {
    expect(nameOf({ resourceType: 'Patient', ...(name === undefined ? {} : { name }) })).toBe(text)
  })
})

describe('what has to be known of a patient', () => {
  it('is said in a list and alone', () => {
    const patient: Patient = {
      resourceType: 'Patient',
      active: false,
      deceasedDateTime: '2026-01-01',
      link: [
        { other: { display: 'somebody' }, type: 'replaced-by' },
        { other: { reference: 'Patient/0' }, type: 'replaces' },
      ],
    }
    expect(markersOf(patient)).toEqual(['not active', 'replaced by another patient', 'deceased'])
    expect(demographicNotes(patient)).toEqual([
      'This record was merged: it is replaced by another patient.',
      'This record is not active.',
    ])
    expect(markersOf({ resourceType: 'Patient', deceasedBoolean: false })).toEqual([])
    expect(demographicNotes({ resourceType: 'Patient', active: true })).toEqual([])
  })
})
