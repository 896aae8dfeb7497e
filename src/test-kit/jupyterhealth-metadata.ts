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
          searchParam: [
            { name: '_id', type: 'token' },
            { name: '_lastUpdated', type: 'date' },
          ],
        })),
      },
    ],
  }
}
