import { expect } from 'vitest'
import { z } from 'zod'
import type { FhirVersion } from '../../src/fhir/types.ts'
import { pngOfAnswer, sizeOfPng } from '../charts/png.ts'
import type { Called } from './clients.ts'
import type { Server } from './recorded.ts'

/** One call of a tool, and what has to come back. */
export interface Scenario {
  readonly title: string
  readonly tool: string
  readonly arguments: Record<string, unknown>
  check(called: Called): void
}

/** Names of one server's cohort. */
export interface Cast {
  readonly server: Server
  readonly permissions: { readonly studies: readonly unknown[]; readonly organizations: readonly unknown[] }
  readonly study: string
  readonly title: string
  readonly studies: readonly string[]
  /** Enrolled in `study`. */
  readonly enrolled: readonly string[]
  readonly patient: string
  /** Participant code of `patient` in `study`. */
  readonly code: string
  readonly family: string
  readonly sharing: readonly string[]
  readonly observations: { readonly patient: number; readonly excluded: number; readonly heartRate: number }
  readonly ofStudy: number
  readonly range: { readonly first: string; readonly last: string }
  readonly fhirVersion: FhirVersion
}

const resource = z.looseObject({ resourceType: z.string(), id: z.string().optional() })
const bundle = z.looseObject({
  resourceType: z.literal('Bundle'),
  type: z.literal('searchset'),
  total: z.number().optional(),
  link: z.array(z.object({ relation: z.string(), url: z.string() })),
  entry: z.array(z.object({ resource, search: z.object({ mode: z.string() }) })).default([]),
})

/** Ids of the matches of a searchset, of one type. */
export function matches(called: Called, type: string): (string | undefined)[] {
  const { entry } = bundle.parse(called.structured)
  return entry
    .filter((one) => one.search.mode === 'match' && one.resource.resourceType === type)
    .map((one) => one.resource.id)
}

export function totalOf(called: Called): number | undefined {
  return bundle.parse(called.structured).total
}

/** The cursor of the `next` link. */
export function cursorOf(called: Called): string | undefined {
  const next = bundle.parse(called.structured).link.find((link) => link.relation === 'next')
  return next === undefined
    ? undefined
    : (new URL(next.url, 'http://x/').searchParams.get('cursor') ?? undefined)
}

const parameters = z.looseObject({
  resourceType: z.literal('Parameters'),
  parameter: z.array(z.looseObject({ name: z.string() })),
})

/** Values of a Parameters resource by name, whatever their type; the first where a name comes more than once. */
export function valuesOf(called: Called): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const one of parameters.parse(called.structured).parameter) {
    const [value] = Object.entries(one).filter(([member]) => member.startsWith('value'))
    values[one.name] ??= value?.[1]
  }
  return values
}

/** The same calls on every exchange. */
export function scenariosOf(cast: Cast): Scenario[] {
  const { study, patient } = cast
  return [
    {
      title: 'tells what the token reaches',
      tool: 'get_my_access',
      arguments: {},
      check: ({ text }) => expect(text).toContain(study),
    },
    {
      title: 'counts the permitted studies',
      tool: 'get_study_count',
      arguments: {},
      check: (called) => expect(valuesOf(called)).toMatchObject({ count: cast.studies.length }),
    },
    {
      title: 'lists the permitted studies',
      tool: 'list_studies',
      arguments: {},
      check(called) {
        expect(matches(called, 'ResearchStudy')).toEqual(cast.studies)
        expect(totalOf(called)).toBe(cast.studies.length)
        expect(called.text).toContain(cast.title)
      },
    },
    {
      title: 'describes a study',
      tool: 'get_study_metadata',
      arguments: { study_id: `ResearchStudy/${study}` },
      check: ({ structured }) =>
        expect(structured).toMatchObject({ resourceType: 'ResearchStudy', id: study, title: cast.title }),
    },
    {
      title: 'finds a study by its title',
      tool: 'get_study_metadata',
      arguments: { study_id: cast.title },
      check: ({ structured }) => expect(structured).toMatchObject({ id: study }),
    },
    {
      title: 'lists who is enrolled, and nobody else',
      tool: 'list_study_patients',
      arguments: { study_id: study },
      check(called) {
        expect(matches(called, 'Patient')).toEqual(cast.enrolled)
        expect(totalOf(called)).toBe(cast.enrolled.length)
        expect(called.text).toContain(cast.code)
        expect(JSON.stringify(called)).not.toContain(cast.family)
      },
    },
    {
      title: 'searches patients by name, and gives all who share it',
      tool: 'search_patients',
      arguments: { name: cast.family, detail: 'identified' },
      check(called) {
        expect(matches(called, 'Patient')).toEqual(cast.sharing)
        expect(totalOf(called)).toBe(cast.sharing.length)
      },
    },
    {
      title: 'finds a patient by participant code',
      tool: 'search_patients',
      arguments: { participant_code: cast.code, study_id: study },
      check: (called) => expect(matches(called, 'Patient')).toEqual([patient]),
    },
    {
      title: 'gives the demographics of a patient',
      tool: 'get_patient_demographics',
      arguments: { patient_id: `Patient/${patient}` },
      check({ structured, text }) {
        expect(structured).toMatchObject({ resourceType: 'Patient', id: patient })
        expect(text).toContain(patient)
      },
    },
    {
      title: 'gives them by participant code',
      tool: 'get_patient_demographics',
      arguments: { patient_id: cast.code, study_id: study },
      check: ({ structured }) => expect(structured).toMatchObject({ id: patient }),
    },
    {
      title: 'tells from when to when there are readings',
      tool: 'get_patient_date_range',
      arguments: { patient_id: patient },
      check({ text }) {
        expect(text).toContain(cast.range.first)
        expect(text).toContain(cast.range.last)
      },
    },
    {
      title: 'pages through heart rates, newest first',
      tool: 'get_patient_observations',
      arguments: { patient_id: patient, data_type: 'heart-rate', limit: 2 },
      check(called) {
        const { entry } = bundle.parse(called.structured)
        const readings = entry.filter((one) => one.search.mode === 'match')
        expect(readings).toHaveLength(2)
        for (const { resource: reading } of readings) {
          expect(reading).toMatchObject({
            resourceType: 'Observation',
            subject: { reference: `Patient/${patient}` },
            valueQuantity: { system: 'http://unitsofmeasure.org', code: '/min' },
          })
        }
        expect(cursorOf(called)).toBeDefined()
        expect(totalOf(called)).toBe(cast.observations.heartRate)
      },
    },
    {
      title: 'gives blood pressure with both numbers, as a table',
      tool: 'get_patient_observations',
      arguments: { patient_id: patient, data_type: 'blood-pressure', limit: 3, format: 'table' },
      check({ structured, text }) {
        const table = z
          .looseObject({ columns: z.array(z.string()), rows: z.array(z.array(z.unknown())) })
          .parse(structured)
        expect(table.rows).toHaveLength(3)
        expect(text).toMatch(/\d+\/\d+ mm\[Hg\]|systolic.*\d+.*diastolic.*\d+/i)
      },
    },
    {
      title: 'counts the observations of a patient',
      tool: 'count_patient_observations',
      arguments: { patient_id: patient },
      check(called) {
        const { patient: count, excluded } = cast.observations
        expect(valuesOf(called)).toMatchObject({ count, excluded })
      },
    },
    {
      title: 'counts the observations of a study by patient',
      tool: 'count_study_observations',
      arguments: { study_id: study, by_patient: true },
      check(called) {
        expect(valuesOf(called)).toMatchObject({ count: cast.ofStudy })
        for (const enrolled of cast.enrolled) expect(called.text).toContain(enrolled)
      },
    },
    {
      title: 'counts the observations of a study, and comes to the same number',
      tool: 'count_study_observations',
      arguments: { study_id: study },
      check: (called) => expect(valuesOf(called)).toMatchObject({ count: cast.ofStudy }),
    },
    {
      title: 'summarizes by type and unit',
      tool: 'summarize_patient_observations',
      arguments: { patient_id: patient },
      check({ structured, text }) {
        expect(structured).toMatchObject({ resourceType: 'Parameters' })
        for (const word of ['mean', 'median', 'mg/dL', 'mm[Hg]']) expect(text).toContain(word)
      },
    },
    {
      title: 'draws a picture that has every reading of the type that counts',
      tool: 'chart_patient_observations',
      arguments: { patient_id: patient, data_types: ['heart-rate'] },
      check({ structured, text, content }) {
        expect(structured).toMatchObject({ resourceType: 'Parameters' })
        expect(text).toContain('Chart: Heart rate, ')
        expect(text).toContain('beats/min')
        expect(sizeOfPng(pngOfAnswer({ content })).width).toBeGreaterThan(1100)
      },
    },
    {
      title: 'summarizes a study, and its numbers are over as many observations as are counted',
      tool: 'summarize_study_observations',
      arguments: { study_id: study },
      check(called) {
        const { enrolled, ofStudy } = cast
        expect(valuesOf(called)).toMatchObject({
          complete: true,
          patients: enrolled.length,
          patientsRead: enrolled.length,
          observations: ofStudy,
        })
        for (const word of ['median', 'p95', 'mg/dL', 'mm[Hg]']) expect(called.text).toContain(word)
      },
    },
    {
      title: 'says what a type of data means',
      tool: 'get_data_type',
      arguments: { data_type: 'heart-rate' },
      check: ({ text }) => expect(text).toContain('8867-4'),
    },
    {
      title: 'says what the exchange is',
      tool: 'get_server_capabilities',
      arguments: {},
      check: ({ structured }) => expect(structured).toMatchObject({ fhirVersion: cast.fhirVersion }),
    },
  ]
}
