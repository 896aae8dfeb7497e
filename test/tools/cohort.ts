import type { Patient } from '../../src/fhir/types.ts'
import { enrolmentOf } from './call-tool.ts'

const person = (id: string, more: Partial<Patient> = {}): Patient => ({
  resourceType: 'Patient',
  id,
  meta: { versionId: '1' },
  identifier: [{ system: 'urn:x:mrn', value: `MRN-${id}` }],
  active: true,
  name: [{ family: 'Moreau', given: ['Anna'] }],
  telecom: [{ system: 'phone', value: '555-0100' }],
  address: [{ city: 'Springfield' }],
  gender: 'female',
  birthDate: '1962-05-14',
  ...more,
})

/** Two of one name, a withdrawn, a screening, a re-enrolled, a merged and a foreign patient. */
export const cohort = {
  patients: [
    person('p1'),
    person('p2', { birthDate: '1990-02-01' }),
    person('p3', { name: [{ family: 'Withdrawn' }] }),
    person('p4', { name: [{ family: 'Screening' }] }),
    person('p5', { name: [{ family: 'Back' }] }),
    person('p6', {
      active: false,
      name: [{ family: 'Merged' }],
      link: [{ other: { reference: 'Patient/p1', display: 'Anna Moreau' }, type: 'replaced-by' }],
    }),
    person('p9', { name: [{ family: 'Moreau', given: ['Foreign'] }] }),
  ],
  rosters: {
    'study/s1': [
      enrolmentOf('p1'),
      enrolmentOf('p2', { codes: [], start: undefined }),
      enrolmentOf('p3', { status: 'withdrawn', end: '2026-03-01' }),
      enrolmentOf('p4', { status: 'screening', start: undefined }),
      enrolmentOf('p5', { subject: 'rs-p5-1', status: 'withdrawn', end: '2026-02-01' }),
      enrolmentOf('p5', { subject: 'rs-p5-2', start: '2026-04-01' }),
      enrolmentOf('p6'),
    ],
    'study/s2': [enrolmentOf('p1', { subject: 'rs2-p1', codes: ['B001'] })],
    'study/s9': [enrolmentOf('p9')],
    'organization/o1': [
      enrolmentOf('p4', { subject: undefined, status: 'member', enrolled: true, codes: [] }),
    ],
  },
}
