import { describe, expect, it } from 'vitest'
import { withoutBase } from '../../src/results/relative.ts'

describe("the exchange's address", () => {
  it('is taken off wherever it stands, and look-alikes are left alone', () => {
    const resource = {
      resourceType: 'Patient',
      link: [{ other: { reference: 'http://fhir.example/r4/Patient/1' } }],
      photo: [{ url: 'http://fhir.example/r4/Binary/2' }],
      website: 'http://fhir.example/r4x/Binary/2',
      active: true,
    }
    for (const base of ['http://fhir.example/r4', 'http://fhir.example/r4/']) {
      expect(withoutBase(resource, base)).toEqual({
        resourceType: 'Patient',
        link: [{ other: { reference: 'Patient/1' } }],
        photo: [{ url: 'Binary/2' }],
        website: 'http://fhir.example/r4x/Binary/2',
        active: true,
      })
    }
  })
})
