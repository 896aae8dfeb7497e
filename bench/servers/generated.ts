import { type Recording, recordingOf } from './recordings.ts'

/**
 * Studies of any number and size, for what grows: study `g<size>-<n>` has the patients `g<size>-<n>-p0` to
 * `…-p<size - 1>`, all enrolled. The answers follow from what is asked, so that nothing has to be prepared.
 */
export function generated(target: string): Recording | undefined {
  const roster = /^\/fhir\/ResearchSubject\?study=ResearchStudy(?:\/|%2F)(g(\d+)-\d+)&/.exec(target)
  if (roster?.[1] !== undefined) return rosterOf(roster[1], Number(roster[2]))
  const patient = /^\/fhir\/Patient\/(g\d+-\d+-p\d+)$/.exec(target)
  return patient?.[1] === undefined ? undefined : patientOf(patient[1])
}

/** The patient with this number in a generated study. */
export function generatedPatient(study: string, number: number): string {
  return `${study}-p${number}`
}

const type = 'application/fhir+json;charset=UTF-8'
const kept = new Map<string, Recording>()
const mostKept = 3000

function rosterOf(study: string, size: number): Recording {
  const known = kept.get(study)
  if (known !== undefined) return known
  const entry = Array.from({ length: size }, (_, number) => ({
    resource: {
      resourceType: 'ResearchSubject',
      id: `rs-${study}-${number}`,
      identifier: [{ system: 'urn:x:subject', value: `S${number}` }],
      status: 'on-study',
      study: { reference: `ResearchStudy/${study}` },
      individual: { reference: `Patient/${generatedPatient(study, number)}` },
    },
    search: { mode: 'match' },
  }))
  const bundle = { resourceType: 'Bundle', type: 'searchset', total: size, link: [], entry }
  const recording = recordingOf(200, type, Buffer.from(JSON.stringify(bundle)))
  if (kept.size < mostKept) kept.set(study, recording)
  return recording
}

function patientOf(id: string): Recording {
  const patient = {
    resourceType: 'Patient',
    id,
    active: true,
    identifier: [{ system: 'urn:x:mrn', value: `MRN-${id}` }],
    name: [{ family: 'Halvorsen', given: ['Ingrid'] }],
    gender: 'female',
    birthDate: '1953-02-11',
  }
  return recordingOf(200, type, Buffer.from(JSON.stringify(patient)))
}
