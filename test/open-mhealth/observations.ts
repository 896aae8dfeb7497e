import type { Observation } from '../../src/fhir/types.ts'

export const omh = 'https://w3id.org/openmhealth'
export const ieee = 'https://w3id.org/ieee1752'
export const loinc = 'http://loinc.org'
export const ucum = 'http://unitsofmeasure.org'

/** An observation as JupyterHealth Exchange sends it, with this text as its attachment. */
export function withText(text: string, code: string, own: Partial<Observation> = {}): Observation {
  const system = code.startsWith('ieee:') ? ieee : omh
  return {
    resourceType: 'Observation',
    id: '61150',
    status: 'final',
    code: { coding: [{ system, code, display: 'As sent' }] },
    subject: { reference: 'Patient/40006' },
    valueAttachment: { contentType: 'application/json', data: Buffer.from(text).toString('base64') },
    ...own,
  }
}

/** The same with a data point of this body. */
export function withBody(body: unknown, code: string, own: Partial<Observation> = {}): Observation {
  const header = { uuid: '060d864b', modality: 'sensed', source_creation_date_time: '2026-11-19T01:13:37Z' }
  return withText(JSON.stringify({ body, header }), code, own)
}

/** LOINC codes of an observation or component, in order. */
export function loincOf(coded: { code: Observation['code'] } | undefined): (string | undefined)[] {
  return coded?.code.coding?.filter(({ system }) => system === loinc).map(({ code }) => code) ?? []
}

/** The component whose first coding is this member's. */
export function componentFor(observation: Observation, path: string) {
  return observation.component?.find(({ code }) => code.coding?.[0]?.code === path)
}
