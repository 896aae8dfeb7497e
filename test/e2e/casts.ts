import type { Cast } from './scenarios.ts'

const hapi = {
  permissions: { studies: ['study-a', 'study-b'], organizations: [] },
  study: 'study-a',
  title: 'Study A',
  studies: ['study-a', 'study-b'],
  enrolled: ['pat-1', 'pat-16', 'pat-2', 'pat-3', 'pat-4', 'pat-5', 'pat-6'],
  patient: 'pat-5',
  code: 'A005',
  family: 'Fam1',
  sharing: ['pat-1', 'pat-15', 'pat-16'],
  observations: { patient: 105, excluded: 1, heartRate: 26 },
  ofStudy: 605,
  range: { first: '2026-09-20', last: '2026-11-1' },
} as const

/** The cohorts of the recorded servers, as somebody sees them who may see the first two studies. */
export const casts: readonly Cast[] = [
  { ...hapi, server: 'hapi-r4', fhirVersion: 'R4' },
  { ...hapi, server: 'hapi-r5', fhirVersion: 'R5' },
  {
    server: 'jupyterhealth-r5',
    fhirVersion: 'R5',
    permissions: {
      studies: ['30006', '30007'],
      organizations: [{ id: '20009', name: 'Northlake Clinic', role: 'member' }],
    },
    study: '30006',
    title: 'Northlake Cardiometabolic Study',
    studies: ['30006', '30007'],
    enrolled: [
      '40006',
      '40007',
      '40008',
      '40009',
      '40010',
      '40011',
      '40012',
      '40013',
      '40014',
      '40015',
      '40019',
    ],
    patient: '40006',
    code: 'NL-1000',
    family: 'Fernwick',
    sharing: ['40006'],
    observations: { patient: 1200, excluded: 0, heartRate: 1060 },
    ofStudy: 3200,
    range: { first: '2026-09-2', last: '2026-11-' },
  },
]
