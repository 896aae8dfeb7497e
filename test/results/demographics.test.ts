import { describe, expect, it } from 'vitest'
import type { Patient } from '../../src/fhir/types.ts'
import { demographicLines } from '../../src/results/demographics.ts'

describe('demographics in lines', () => {
  it('say everything that is there', () => {
    const lines = demographicLines({
      resourceType: 'Patient',
      id: 'p1',
      name: [{ text: 'Anna Moreau' }],
      birthDate: '1962-05-14',
      gender: 'female',
      deceasedBoolean: false,
      identifier: [{ system: 'urn:mrn', value: '1' }, { value: '2' }],
      telecom: [
        { system: 'phone', value: '555', use: 'home' },
        { system: 'email', value: 'a@example.com' },
      ],
      address: [
        { line: ['1 Main St'], city: 'Springfield', postalCode: '1000', use: 'home' },
        { text: 'Elsewhere\n2' },
      ],
      maritalStatus: { coding: [{ code: 'M' }] },
      communication: [{ language: { text: 'French' } }, { language: { coding: [{ code: 'de' }] } }],
      managingOrganization: { reference: 'Organization/o1' },
    })
    expect(lines).toEqual([
      'Patient: p1',
      'name: "Anna Moreau"',
      'born: 1962-05-14',
      'sex: female',
      'deceased: no',
      'identifiers: "urn:mrn|1", "2"',
      'telecom: "phone 555 (home)", "email a@example.com"',
      'address: "1 Main St, Springfield, 1000, (home)"; "Elsewhere 2"',
      'marital status: "M"',
      'languages: "French", "de"',
      'organization: Organization/o1',
    ])
  })

  it('say nothing of what is not there', () => {
    expect(demographicLines({ resourceType: 'Patient', id: 'p1' })).toEqual(['Patient: p1'])
    const died: Patient = { resourceType: 'Patient', id: 'p1', deceasedBoolean: true }
    expect(demographicLines(died)).toContain('deceased: yes')
    expect(demographicLines({ ...died, deceasedDateTime: '2026' })).toContain('deceased: 2026')
    const named: Patient = {
      resourceType: 'Patient',
      maritalStatus: { text: 'married' },
      managingOrganization: { display: 'Clinic' },
    }
    expect(demographicLines(named)).toEqual(['marital status: "married"', 'organization: "Clinic"'])
  })
})
