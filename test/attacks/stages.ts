import type { FhirMcpOptions } from '../../plugins/index.ts'
import {
  permissionsClaim,
  startExchange,
  syntheticCohort,
  type TestExchange,
} from '../../src/test-kit/index.ts'
import { idOf, imported } from '../exchange/jupyterhealth-imports.ts'
import { record } from '../tools/record.ts'
import type { Names } from './hostile.ts'
import type { Reach, WireRules } from './wire.ts'
import { hapiRules, jupyterHealthRules } from './wire-rules.ts'

/** An exchange, somebody who may see a part of it, and that part. */
export interface Stage {
  readonly title:
    | 'arguments: HAPI R4'
    | 'arguments: HAPI R5'
    | 'arguments: JupyterHealth'
    | 'arguments: JupyterHealth, organizations and imports'
  readonly start: () => Promise<TestExchange<unknown>>
  readonly fhir: (url: string) => FhirMcpOptions['fhir']
  readonly rules: WireRules
  readonly claims: object
  readonly reach: Omit<Reach, 'pages' | 'authorization'>
  /** Members of the rosters who are not enrolled: they are listed, and never asked for. */
  readonly known: readonly string[]
  readonly names: Names
  readonly usual: Readonly<Record<string, readonly unknown[]>>
}

const periods = {
  start: ['2026-09-01', '2026-10', '2026-10-05T08:00'],
  end: ['2026-11-01', '2026-12', '2026-10-20T08:00:00+02:00'],
  time_zone: ['UTC', 'Europe/Berlin'],
  data_type: ['heart-rate', 'blood-glucose', 'http://loinc.org|8867-4'],
  birthdate: ['ge1900-01-01', ['ge1940-01-01', 'lt1980-01-01']],
  cursor: [],
  limit: [1, 5, 50],
  format: ['fhir', 'table'],
  detail: ['minimal', 'identified'],
}

/** A HAPI server, which lets everybody see everything. */
export const hapi = (fhirVersion: 'R4' | 'R5'): Stage => ({
  title: `arguments: HAPI ${fhirVersion}`,
  start: () => {
    const cohort = [...syntheticCohort(), ...record(fhirVersion)]
    return startExchange({ dialect: 'hapi', fhirVersion, cohort })
  },
  fhir: (url) => ({ baseUrl: url, credentials: 'none', types: ['Condition', 'Encounter'] }),
  rules: hapiRules,
  claims: permissionsClaim({ studies: ['study-a'], organizations: { 'org-1': 'viewer' } }),
  reach: {
    studies: new Set(['study-a']),
    organizations: new Set(['org-1']),
    patients: new Set(['pat-1', 'pat-2', 'pat-3', 'pat-4', 'pat-5', 'pat-6', 'pat-16']),
  },
  known: ['pat-13', 'pat-14'],
  names: {
    inside: [
      'study-a',
      'pat-1',
      'pat-5',
      'A001',
      'Study A',
      'org-1',
      'Patient/pat-2',
      'MRN0001',
      'Halvorsen',
    ],
    foreign: [
      'study-b',
      'study-c',
      'org-2',
      'pat-7',
      'pat-10',
      'pat-13',
      'pat-14',
      'pat-15',
      'Patient/pat-9',
      'B007',
      'Study C',
    ],
  },
  usual: {
    ...periods,
    study_id: ['study-a', 'ResearchStudy/study-a', 'Study A'],
    patient_id: ['pat-1', 'Patient/pat-5', 'pat-4', 'A001'],
    participant_code: ['A001'],
    name: ['Halvorsen'],
    family: ['Halvorsen'],
    given: ['Ingrid'],
    identifier: ['MRN0001', 'urn:x:mrn|MRN0001'],
    type: ['Condition', 'Encounter'],
    search: [{}, { code: '38341003' }, { status: 'finished', date: 'ge2026' }],
    id: ['pat-1-condition-1', 'Condition/pat-1-condition-2', 'Encounter/pat-1-encounter'],
  },
})

const span = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => String(first + index))

/** A JupyterHealth Exchange. */
export const jupyterHealth: Stage = {
  title: 'arguments: JupyterHealth',
  // Somebody who may see more at the exchange than the token says.
  start: () => startExchange({ dialect: 'jupyterhealth', authorize: () => 'both_member' }),
  fhir: (url) => ({ baseUrl: url, credentials: 'forward', audience: 'https://exchange.test' }),
  rules: jupyterHealthRules,
  claims: permissionsClaim({ studies: ['30006', '30007'] }),
  reach: {
    studies: new Set(['30006', '30007']),
    organizations: new Set(),
    patients: new Set(span(40006, 40019)),
  },
  known: [],
  names: {
    inside: ['30006', '30007', '40006', '40012', 'NL-1000', 'Northlake Sleep and Steps Study', 'Fernwick'],
    foreign: [
      '30008',
      '20010',
      '20009',
      '40020',
      '40029',
      '40026',
      'HB-1014',
      'Patient/40021',
      'Group/30008',
      '60010',
    ],
  },
  usual: {
    ...periods,
    birthdate: ['1941-01-01', ['ge1940-01-01', 'lt1980-01-01']],
    study_id: ['30006', 'Group/30007'],
    patient_id: ['40006', 'Patient/40012', 'NL-1000'],
    participant_code: ['NL-1000'],
    name: ['Fernwick'],
    family: ['Fernwick'],
    given: ['Isolde'],
    identifier: ['NL-1000', 'https://northlake.example/mrn|NL-1000'],
    data_type: ['heart-rate', 'step-count'],
  },
}

/** One of each type, of a patient by organization, one by a study alone, and one out of reach. */
const imports = [40020, 40012, 40006].flatMap((patient, index) => {
  const of = { patient }
  const n = index * 10
  const medication = { reference: { reference: `Medication/${idOf(n + 4)}` } }
  const effectiveDateTime = '2026-10-05T12:00:00Z'
  return [
    imported(n + 1, 'Condition', { code: { text: 'Asthma' }, recordedDate: '2026-01-10' }, of),
    imported(n + 2, 'Goal', { lifecycleStatus: 'active', description: { text: 'Walk' } }, of),
    imported(n + 3, 'MedicationRequest', { status: 'active', intent: 'order', medication }, of),
    imported(n + 4, 'Medication', { subject: undefined, code: { text: 'Lisinopril' } }, of),
    imported(n + 5, 'Observation', { status: 'final', code: { text: 'Rash' }, effectiveDateTime }, of),
  ]
})

/** The same exchange, for somebody whom an organization lets see its patients and their records, and a study others. */
export const jupyterHealthImports: Stage = {
  ...jupyterHealth,
  title: 'arguments: JupyterHealth, organizations and imports',
  async start() {
    const exchange = await startExchange({ dialect: 'jupyterhealth', authorize: () => 'both_member' })
    exchange.cohort.imports.push(...imports)
    return exchange
  },
  fhir: (url) => ({
    baseUrl: url,
    credentials: 'forward',
    audience: 'https://exchange.test',
    types: ['Condition', 'Goal', 'MedicationRequest'],
  }),
  claims: permissionsClaim({ studies: ['30007'], organizations: { '20010': 'viewer' } }),
  reach: {
    studies: new Set(['30007']),
    organizations: new Set(['20010']),
    patients: new Set(span(40012, 40029)),
    records: new Set(span(40019, 40029)),
  },
  names: {
    inside: ['30007', '20010', '40012', '40020', 'Patient/40029', 'HB-1014', 'Sandoval-Ito', idOf(1)],
    foreign: [
      ...['30006', '30008', '20009', '40006', 'Patient/40011', 'Group/30006', 'NL-1000', '60010'],
      ...[idOf(11), idOf(12), idOf(21), idOf(22), `Condition/${idOf(21)}`],
    ],
  },
  usual: {
    ...jupyterHealth.usual,
    study_id: ['30007', 'Group/30007'],
    patient_id: ['40020', 'Patient/40012', '40019'],
    participant_code: ['NL-1006'],
    name: ['Foxglove'],
    family: ['Foxglove'],
    given: ['Anselm'],
    identifier: ['HB-1017', 'https://harbor.example/mrn|HB-1017'],
    type: ['Condition', 'Goal', 'MedicationRequest'],
    search: [{}, { code: 'no-such' }],
    id: [idOf(1), idOf(2), `MedicationRequest/${idOf(3)}`],
  },
}
