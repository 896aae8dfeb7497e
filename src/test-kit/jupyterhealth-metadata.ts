import type { AnyResource } from '../fhir/types.ts'

/** Types that the server knows; those that the stand-in has nothing of are empty for everyone. */
export const jupyterHealthTypes = [
  'Condition',
  'Device',
  'Group',
  'MedicationRequest',
  'Observation',
  'Organization',
  'Patient',
  'Practitioner',
]

/** Search parameters that the real server lists beside those of every type. */
const listed: Readonly<Record<string, readonly string[]>> = {
  Condition: [
    'abatement-date',
    'asserted-date',
    'category',
    'clinical-status',
    'code',
    'encounter',
    'onset-date',
    'recorded-date',
  ],
  Device: ['status', 'type'],
  MedicationRequest: ['authoredon', 'encounter', 'intent', 'status'],
  Observation: ['category', 'code', 'date', 'status'],
  Organization: ['address', 'name'],
  Patient: ['birthdate', 'death-date', 'family', 'given', 'identifier', 'name'],
  Practitioner: ['identifier', 'name'],
}

/** `metadata`: public, and silent about the search parameters that are the server's own. */
export function jupyterHealthMetadata(base: string): AnyResource {
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date: '2026-11-23T00:00:00+00:00',
    kind: 'instance',
    software: { name: 'JupyterHealth Exchange' },
    implementation: { description: 'JupyterHealth Exchange', url: `${base}/` },
    fhirVersion: '5.0.0',
    format: ['json'],
    rest: [
      {
        mode: 'server',
        resource: jupyterHealthTypes.map((type) => ({
          type,
          interaction: [{ code: 'read' }, { code: 'search-type' }],
          searchParam: [...(listed[type] ?? []), '_id', '_lastUpdated', '_source'].map((name) => ({ name })),
        })),
      },
    ],
  }
}
