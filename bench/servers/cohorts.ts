import type { AnyResource } from '../../src/fhir/types.ts'
import { syntheticCohort } from '../../src/test-kit/cohort.ts'
import { type JupyterHealthCohort, jupyterHealthCohort } from '../../src/test-kit/jupyterhealth-cohort.ts'

/** Patients of the study that is counted, and the observations of each. */
export const counted = {
  patients: 200,
  observations: 5,
  hapiStudy: 'study-counted',
  jupyterHealthStudy: 39000,
}

const day = 86_400_000
const first = Date.UTC(2026, 0, 1)
const dateOf = (number: number) => new Date(first + number * day).toISOString().replace('.000Z', 'Z')

/** The cohort of the test kit, and a study of 200 patients with five observations each. */
export function benchCohort(): AnyResource[] {
  const study = counted.hapiStudy
  const patients = Array.from({ length: counted.patients }, (_, index) => `counted-${index}`)
  return [
    ...syntheticCohort(),
    { resourceType: 'ResearchStudy', id: study, status: 'active', title: 'Counted' },
    ...patients.flatMap((id, index): AnyResource[] => [
      { resourceType: 'Patient', id, active: true, gender: 'female', birthDate: '1960-01-01' },
      {
        resourceType: 'ResearchSubject',
        id: `rs-${id}`,
        status: 'on-study',
        study: { reference: `ResearchStudy/${study}` },
        individual: { reference: `Patient/${id}` },
        identifier: [{ system: 'urn:x:subject', value: `C${index}` }],
      },
      ...Array.from({ length: counted.observations }, (_, number) => ({
        resourceType: 'Observation',
        id: `obs-${id}-${number}`,
        status: 'final',
        code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] },
        subject: { reference: `Patient/${id}` },
        effectiveDateTime: dateOf(number),
        valueQuantity: {
          value: 60 + number,
          unit: '/min',
          system: 'http://unitsofmeasure.org',
          code: '/min',
        },
      })),
    ]),
  ]
}

/** The JupyterHealth cohort of the test kit, and a study of 200 patients with five observations each. */
export function benchJupyterHealthCohort(): JupyterHealthCohort {
  const cohort = jupyterHealthCohort()
  const [northlake] = cohort.studies
  const [somebody] = cohort.patients
  const [reading] = cohort.observations
  if (northlake === undefined || somebody === undefined || reading === undefined)
    throw new TypeError('no cohort')
  const ids = Array.from({ length: counted.patients }, (_, index) => 50_000 + index)
  cohort.studies.push({
    ...northlake,
    id: counted.jupyterHealthStudy,
    name: 'Counted',
    patients: ids,
    codes: [reading.code],
  })
  for (const [index, id] of ids.entries()) {
    const identifier = { system: 'https://northlake.example/mrn', value: `NC-${index}` }
    cohort.patients.push({ ...somebody, id, userId: 20_000 + index, identifier })
    for (let number = 0; number < counted.observations; number += 1) {
      const observation = 90_000 + index * counted.observations + number
      cohort.observations.push({ ...reading, id: observation, patient: id, effective: dateOf(number) })
    }
  }
  return cohort
}
