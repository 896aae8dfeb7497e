import type { AnyResource } from '../fhir/types.ts'
import { importSearches } from './jupyterhealth-imports.ts'

/** Types that the exchange has rows of its own of. Every type can be imported. */
export const jupyterHealthTypes = [
  'Device',
  'Group',
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
        resource: Object.entries(importSearches).map(([type, searches]) => ({
          type,
          interaction: [{ code: 'read' }, { code: 'search-type' }],
          searchParam: [...Object.keys(searches).sort(), '_id', '_lastUpdated', '_source'].map((name) => ({
            name,
          })),
        })),
      },
    ],
  }
}
