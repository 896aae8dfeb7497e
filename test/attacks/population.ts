import type { AnyResource } from '../../src/fhir/types.ts'

/** One of many principals: a study of their own with patients whose every resource bears a mark that is nobody else's. */
export interface Inhabitant {
  readonly subject: string
  readonly study: string
  readonly patients: readonly string[]
  readonly mark: string
}

const people = 3
const readings = 4

/** So many principals, in a fixed order. */
export function populationOf(size: number): Inhabitant[] {
  return Array.from({ length: size }, (_, index) => {
    const number = String(index).padStart(3, '0')
    const patients = Array.from({ length: people }, (__, at) => `p${number}-${at}`)
    return { subject: `user-${number}`, study: `s${number}`, patients, mark: `mark${number}x` }
  })
}

/** What an exchange has of them, as FHIR R4. */
export function cohortOf(population: readonly Inhabitant[]): AnyResource[] {
  return population.flatMap(({ study, patients, mark }) => [
    { resourceType: 'ResearchStudy', id: study, status: 'active', title: `Study ${mark}` },
    ...patients.flatMap((id, at): AnyResource[] => [
      {
        resourceType: 'Patient',
        id,
        name: [{ family: `Family-${mark}`, given: [`Given-${mark}`] }],
        birthDate: `19${50 + at}-01-01`,
        gender: 'unknown',
      },
      {
        resourceType: 'ResearchSubject',
        id: `rs-${id}`,
        status: 'on-study',
        study: { reference: `ResearchStudy/${study}` },
        individual: { reference: `Patient/${id}` },
        identifier: [{ value: `code-${mark}-${at}` }],
      },
      ...Array.from({ length: readings }, (_, n) => ({
        resourceType: 'Observation',
        id: `o-${id}-${n}`,
        status: 'final',
        subject: { reference: `Patient/${id}` },
        code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }], text: `Heart rate ${mark}` },
        effectiveDateTime: `2026-11-0${n + 1}T08:00:00Z`,
        valueQuantity: { value: 60 + n, unit: '/min', system: 'http://unitsofmeasure.org', code: '/min' },
        note: [{ text: mark }],
      })),
    ]),
  ])
}

/** Marks in a text that are not this one. */
export function foreignMarks(text: string, mark: string): string[] {
  return [...text.matchAll(/mark\d{3}x/g)].map(([found]) => found).filter((found) => found !== mark)
}

/** Ids of others' studies and patients in a text; those that the caller asked for by name do not count. */
export function foreignIds(text: string, { study, patients }: Inhabitant, asked: string): string[] {
  const found = [...text.matchAll(/\b(?:s\d{3}|p\d{3}-\d)\b/g)].map(([id]) => id)
  return found.filter((id) => id !== study && !patients.includes(id) && !asked.includes(id))
}
