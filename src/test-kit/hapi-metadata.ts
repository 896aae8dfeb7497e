import type { FhirVersion } from '../fhir/types.ts'
import { refuse, type StandInAnswer } from './answer.ts'
import type { Asked } from './asked.ts'
import { parametersOf, typesOf } from './hapi-parameters.ts'

const subsetted = {
  system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue',
  code: 'SUBSETTED',
  display: 'Resource encoded in summary mode',
}

/** `metadata` in the forms that clients ask for: whole, `_summary=true` (without search parameters), `_elements`. */
export function hapiMetadata(version: FhirVersion, asked: Asked): StandInAnswer {
  const elements = asked.parameter('_elements')
  const summary = asked.parameter('_summary')
  if (elements !== undefined && summary !== undefined) {
    refuse(400, 'HAPI-0304: Cannot combine the _summary and _elements parameters')
  }
  const whole = statement(version, asked.base, summary === undefined)
  if (elements === undefined) {
    return { status: 200, body: summary === undefined ? whole : { ...whole, meta: { tag: [subsetted] } } }
  }
  const names = elements.split(',').map((name) => name.replace('CapabilityStatement.', ''))
  const kept = Object.entries(whole).filter(([name]) => names.includes(name))
  return {
    status: 200,
    body: {
      resourceType: 'CapabilityStatement',
      id: whole.id,
      meta: { tag: [subsetted] },
      ...Object.fromEntries(kept),
    },
  }
}

function statement(version: FhirVersion, base: string, withParameters: boolean) {
  const resource = typesOf(version).map((type) => ({
    type,
    profile: `http://hl7.org/fhir/StructureDefinition/${type}`,
    ...(withParameters
      ? {
          interaction: [{ code: 'read' }, { code: 'search-type' }],
          searchParam: Object.entries(parametersOf(version, type) ?? {}).map(([name, { kind }]) => ({
            name,
            type: kind,
          })),
        }
      : {}),
  }))
  return {
    resourceType: 'CapabilityStatement',
    id: 'stand-in',
    name: 'RestServer',
    status: 'active',
    date: '2026-11-23T00:00:00.000+00:00',
    kind: 'instance',
    software: { name: 'HAPI FHIR Server', version: '8.8.0' },
    implementation: { description: `Stand-in for a HAPI FHIR ${version} Server`, url: base },
    fhirVersion: version === 'R4' ? '4.0.1' : '5.0.0',
    format: ['application/fhir+json', 'json'],
    rest: [{ mode: 'server', resource }],
  }
}
