import { describe, expect, it } from 'vitest'
import { markSubsetted, subsetted } from '../../src/fhir/subsetted.ts'
import type { Patient } from '../../src/fhir/types.ts'
import {
  pruneDemographics,
  pruneListedPatient,
  pruneListedStudy,
  pruneStudy,
  yearOf,
} from '../../src/results/prune.ts'

const minimal = { detail: 'minimal', full: false, codes: [] } as const
const identified = { detail: 'identified', full: false, codes: [] } as const
const full = { detail: 'identified', full: true, codes: [] } as const

const whole: Patient = {
  resourceType: 'Patient',
  id: 'p1',
  implicitRules: 'urn:x:rules',
  modifierExtension: [{ url: 'urn:x:modifier', valueBoolean: true }],
  identifier: [
    { system: 'urn:x', value: 'CODE-1' },
    { system: 'urn:mrn', value: 'MRN-1' },
  ],
  active: true,
  name: [{ family: 'Moreau' }],
  telecom: [{ value: '555-0100' }],
  gender: 'female',
  birthDate: '1962-05-14',
  _birthDate: { extension: [{ url: 'urn:x:time', valueDateTime: '1962-05-14T08:00:00Z' }] },
  deceasedDateTime: '2026-01-01',
  address: [{ city: 'Springfield' }],
  contact: [{ telecom: [{ value: '555-0199' }] }],
  photo: [{ title: 'face' }],
  text: { status: 'generated', div: '<div>Moreau, 555-0100</div>' },
  link: [{ other: { reference: 'Patient/p0', display: 'Anna Moreau' }, type: 'replaced-by' }],
}

describe('a patient of a list', () => {
  it('keeps id, birth year, sex and every element that changes the meaning', () => {
    expect(pruneListedPatient(whole, minimal)).toEqual({
      resourceType: 'Patient',
      id: 'p1',
      implicitRules: 'urn:x:rules',
      modifierExtension: [{ url: 'urn:x:modifier', valueBoolean: true }],
      active: true,
      gender: 'female',
      birthDate: '1962',
      deceasedDateTime: '2026-01-01',
      link: [{ other: { reference: 'Patient/p0' }, type: 'replaced-by' }],
      meta: { tag: [subsetted] },
    })
  })

  it('keeps of the identifiers only the participant codes', () => {
    const { identifier } = pruneListedPatient(whole, { ...minimal, codes: ['CODE-1'] })
    expect(identifier).toEqual([{ system: 'urn:x', value: 'CODE-1' }])
  })

  it('has names, identifiers and birth date when identified, and no way to reach the person', () => {
    for (const pruning of [identified, full]) {
      const pruned = pruneListedPatient(whole, pruning)
      expect(pruned).toMatchObject({
        name: whole.name,
        identifier: whole.identifier,
        birthDate: '1962-05-14',
      })
      for (const secret of ['555-01', 'Springfield', 'face'])
        expect(JSON.stringify(pruned)).not.toContain(secret)
      expect(pruned.meta).toEqual({ tag: [subsetted] })
    }
  })

  it('has all other elements when full, but no contact that hides in an extension', () => {
    const language = { url: 'urn:x:language', valueCode: 'fr' }
    const birthPlace = { url: 'urn:x:place', valueAddress: { city: 'Springfield' } }
    const pruned = pruneListedPatient({ ...whole, extension: [language, birthPlace] }, full)
    expect(pruned.extension).toEqual([language])
    expect(pruned).toMatchObject({ link: whole.link })
    expect(pruneListedPatient({ ...whole, extension: [birthPlace] }, full)).not.toHaveProperty('extension')
  })

  it('is marked exactly when something was left out', () => {
    const bare: Patient = {
      resourceType: 'Patient',
      id: 'p1',
      active: true,
      gender: 'male',
      birthDate: '1962',
    }
    for (const pruning of [minimal, identified, full]) expect(pruneListedPatient(bare, pruning)).toEqual(bare)
    const named = { ...bare, name: [{ family: 'Moreau' }] }
    expect(pruneListedPatient(named, identified)).toEqual(named)
    expect(pruneListedPatient(named, minimal)).toEqual({ ...bare, meta: { tag: [subsetted] } })
  })

  it('keeps security labels, and the mark once', () => {
    const meta = { versionId: '7', source: '#x', security: [{ code: 'R' }], tag: [subsetted] }
    const pruned = pruneListedPatient({ resourceType: 'Patient', id: 'p1', meta }, minimal)
    expect(pruned.meta).toEqual({ security: [{ code: 'R' }], tag: [subsetted] })
    expect(
      pruneListedPatient({ resourceType: 'Patient', id: 'p1', meta: { security: [{ code: 'R' }] } }, minimal),
    ).toEqual({
      resourceType: 'Patient',
      id: 'p1',
      meta: { security: [{ code: 'R' }] },
    })
  })

  it('leaves no reference dangling when contained resources go', () => {
    const contained: Patient['contained'] = [{ resourceType: 'Patient', id: 'other' }]
    const patient: Patient = {
      resourceType: 'Patient',
      id: 'p1',
      contained,
      link: [{ other: { reference: '#other' }, type: 'refer' }],
    }
    const masked = {
      extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'masked' }],
    }
    for (const pruning of [minimal, identified, full]) {
      const pruned = pruneListedPatient(patient, pruning)
      expect(pruned).not.toHaveProperty('contained')
      expect(pruned.link).toEqual([{ other: masked, type: 'refer' }])
    }
    const byIdentifier: Patient = {
      resourceType: 'Patient',
      id: 'p1',
      link: [{ other: { identifier: { value: 'MRN-9' } }, type: 'refer' }],
    }
    expect(pruneListedPatient(byIdentifier, minimal).link).toEqual([{ other: masked, type: 'refer' }])
    expect(pruneListedPatient({ resourceType: 'Patient', id: 'p1', link: [] }, minimal)).not.toHaveProperty(
      'link',
    )
  })
})

describe('one patient', () => {
  it('keeps telecom and address, and loses narrative, photo and next of kin', () => {
    const { text: _, photo: __, contact: ___, ...kept } = whole
    expect(pruneDemographics(whole)).toEqual({ ...kept, meta: { tag: [subsetted] } })
    expect(pruneDemographics(kept)).toEqual(kept)
  })
})

describe('a study', () => {
  const study = {
    resourceType: 'ResearchStudy',
    id: 's1',
    status: 'active',
    title: 'Heart',
    description: 'Long.',
    text: { status: 'generated', div: '<div/>' },
    contained: [{ resourceType: 'Organization', id: 'o' }],
    sponsor: { reference: '#o', display: 'Northlake' },
  } as const

  it('of a list keeps what tells it from others', () => {
    expect(pruneListedStudy({ ...study, contained: [...study.contained] })).toEqual({
      resourceType: 'ResearchStudy',
      id: 's1',
      status: 'active',
      title: 'Heart',
      sponsor: { display: 'Northlake' },
      meta: { tag: [subsetted] },
    })
  })

  it('alone loses the narrative only', () => {
    const { text: _, ...kept } = study
    expect(pruneStudy({ ...study, contained: [...study.contained] })).toEqual({
      ...kept,
      meta: { tag: [subsetted] },
    })
  })
})

describe('the mark and the year', () => {
  it('keeps other tags', () => {
    const tag = { system: 'urn:x', code: 'demo' }
    expect(markSubsetted({ resourceType: 'Patient', meta: { tag: [tag] } }).meta).toEqual({
      tag: [tag, subsetted],
    })
  })

  it.each([
    ['1962-05-14', '1962'],
    ['1962', '1962'],
    ['soon', undefined],
    [undefined, undefined],
  ])('reads the year of %s', (date, year) => {
    expect(yearOf(date)).toBe(year)
  })
})
