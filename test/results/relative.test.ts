import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { masked } from '../../src/fhir/masked.ts'
import { withoutBase, withoutContained } from '../../src/results/relative.ts'

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

  it('leaves nothing of itself, wherever it stood, and all else as it was', () => {
    const base = 'http://fhir.example/r4/'
    const text = fc.constantFrom(`${base}Patient/1`, base, 'http://fhir.example/r4', 'Patient/1', '')
    const { json } = fc.letrec<{ json: unknown }>((tie) => ({
      json: fc.oneof(
        { depthSize: 'medium' },
        text,
        fc.constantFrom(1, true, null),
        fc.array(tie('json'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom('a', 'b', 'reference'), tie('json'), { maxKeys: 3 }),
      ),
    }))
    fc.assert(
      fc.property(json, (given) => {
        const written = JSON.stringify(given)
        const relative = withoutBase(given, base)
        expect(JSON.stringify(relative)).toBe(written.replaceAll(`"${base}`, '"'))
        expect(JSON.stringify(given)).toBe(written)
        if (!written.includes(base)) expect(relative).toBe(given)
      }),
    )
  })
})

describe('references into what was contained', () => {
  it('go at any depth, and what else they say stays', () => {
    const resource = {
      resourceType: 'Observation',
      contained: [{ resourceType: 'Device', id: 'd' }],
      subject: { reference: 'Patient/1' },
      performer: [{ reference: '#d' }, { reference: '#d', display: 'Cuff' }],
      component: [{ extension: [{ url: 'urn:x', valueReference: { reference: '#d', type: 'Device' } }] }],
    }
    const before = structuredClone(resource)
    expect(withoutContained(resource)).toEqual({
      resourceType: 'Observation',
      subject: { reference: 'Patient/1' },
      performer: [masked, { display: 'Cuff' }],
      component: [{ extension: [{ url: 'urn:x', valueReference: { type: 'Device' } }] }],
    })
    expect(resource).toEqual(before)
  })
})
