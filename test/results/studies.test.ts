import { describe, expect, it } from 'vitest'
import type { ResearchStudy } from '../../src/fhir/types.ts'
import { sponsorOf, studyRow } from '../../src/results/studies.ts'

const party = (code: string, more: object) => ({ role: { coding: [{ code }] }, ...more })
const bare = { resourceType: 'ResearchStudy', id: 's1', status: 'active' } as const

describe('a study as a row', () => {
  it('says what is there, and null where there is nothing', () => {
    const study: ResearchStudy = { ...bare, period: { end: '2027-01-01' } }
    const { line, cells, resource } = studyRow(study, { format: 'fhir', baseUrl: 'http://exchange.example' })
    expect(line).toBe('- ResearchStudy/s1 | without a title | status active | ?..2027-01-01')
    expect(cells).toEqual(['s1', null, 'active', null, null, '2027-01-01', null])
    expect(resource).toEqual(study)
  })
})

describe('the sponsor of a study', () => {
  it.each<[string | undefined, ResearchStudy]>([
    ['Northlake', { ...bare, sponsor: { display: 'Northlake' } }],
    ['Organization/o1', { ...bare, sponsor: { reference: 'Organization/o1' } }],
    [undefined, { ...bare, sponsor: {} }],
    [undefined, bare],
    [undefined, { ...bare, associatedParty: [{ role: {} }, party('funder', { name: 'Fund' })] }],
    [
      'Harbor',
      { ...bare, associatedParty: [party('funder', { name: 'Fund' }), party('sponsor', { name: 'Harbor' })] },
    ],
    [
      'Clinic, Organization/o2',
      {
        ...bare,
        associatedParty: [party('sponsor', { party: { reference: 'Organization/o2', display: 'Clinic' } })],
      },
    ],
  ])('is %s', (sponsor, study) => {
    expect(sponsorOf(study)).toBe(sponsor)
  })
})
