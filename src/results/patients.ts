import type { Enrolment } from '../access/roster.ts'
import { leftOutOf } from '../fhir/people/left-out.ts'
import { markSubsetted } from '../fhir/subsetted.ts'
import type { AnyResource, FhirVersion, Patient } from '../fhir/types.ts'
import { barred, oneLine } from './line.ts'
import { pruneListedPatient, yearOf } from './prune.ts'
import { allQuoted, dateWord, quoted, referenceWord, word } from './quoted.ts'
import { withoutBase } from './relative.ts'
import { researchSubjectOf, type StudyEnrolment } from './research-subject.ts'
import type { Row } from './row.ts'

/** Somebody to be listed: what the exchange says of the patient, and what the rosters say of the enrolments. */
export interface PatientEntry {
  readonly id: string
  /** Undefined for a member who is not enrolled: nothing about the person is within the grant then. */
  readonly patient: Patient | undefined
  readonly enrolments: readonly StudyEnrolment[]
}

/** How patients are listed. */
export interface PatientView {
  readonly detail: 'minimal' | 'identified'
  readonly format: 'fhir' | 'fhir_full' | 'table'
  readonly fhirVersion: FhirVersion
  readonly baseUrl: string
}

const columns = [
  'id',
  'participant_code',
  'study',
  'status',
  'start',
  'end',
  'birth_year',
  'sex',
  'active',
  'deceased',
  'replaced_by',
] as const

/** The columns of a list of patients. */
export function patientColumns(detail: PatientView['detail']): readonly string[] {
  return detail === 'identified' ? [...columns, 'name', 'birth_date', 'identifier'] : columns
}

/** A patient as a row: Patient with its ResearchSubjects, a line of text, and cells. */
export function patientRow(listed: PatientEntry, view: PatientView): Row {
  const entry = { ...listed, patient: withoutBase(listed.patient, view.baseUrl) }
  return {
    resource: resourceOf(entry, view),
    leftOut: listed.patient === undefined ? undefined : leftOutOf(listed.patient),
    included: entry.enrolments.flatMap((one) => researchSubjectOf(one, entry.id, view.fhirVersion) ?? []),
    line: lineOf(entry, view),
    cells: cellsOf(entry, view),
  }
}

function resourceOf({ id, patient, enrolments }: PatientEntry, view: PatientView): AnyResource {
  const codes = enrolments
    .filter(({ enrolment }) => enrolment.subject === undefined)
    .flatMap(({ enrolment }) => enrolment.codes)
  if (patient === undefined) return markSubsetted({ resourceType: 'Patient', id })
  const full = view.format === 'fhir_full'
  return pruneListedPatient(patient, { detail: view.detail, full, codes })
}

function lineOf({ id, patient, enrolments }: PatientEntry, view: PatientView): string {
  const identified = view.detail === 'identified' && patient !== undefined
  const birth = identified ? patient.birthDate : yearOf(patient?.birthDate)
  const identifiers = identified ? identifierValues(patient) : []
  const name = identified ? nameOf(patient) : undefined
  return barred([
    `Patient/${id}`,
    name === undefined ? undefined : quoted(name),
    identifiers.length === 0 ? undefined : `identifier ${allQuoted(identifiers)}`,
    ...enrolments.map(enrolmentText),
    birth === undefined ? undefined : `born ${dateWord(birth)}`,
    patient?.gender === undefined ? undefined : word(patient.gender),
    ...markersOf(patient),
  ])
}

function enrolmentText({ study, enrolment }: StudyEnrolment): string {
  const { codes, status, start, end } = enrolment
  const code = codes.length > 0 ? `code ${allQuoted(codes, 64)}, ` : ''
  const period =
    start === undefined && end === undefined
      ? ''
      : ` ${start === undefined ? '?' : dateWord(start)}..${end === undefined ? '' : dateWord(end)}`
  return `${code}${word(status)}${period} in study ${study}`
}

/** What a reader has to know of a patient before anything else is made of it. */
export function markersOf(patient: Patient | undefined): string[] {
  const replacedBy = replacementsOf(patient)
  return [
    ...(patient?.active === false ? ['not active'] : []),
    ...(replacedBy.length > 0 ? [`replaced by ${replacedBy.join(', ')}`] : []),
    ...(isDeceased(patient) ? ['deceased'] : []),
  ]
}

/** The patients that this one was merged into. */
export function replacementsOf(patient: Patient | undefined): string[] {
  const links = (patient?.link ?? []).filter((link) => link.type === 'replaced-by')
  return links.map(({ other: { reference } }) =>
    reference === undefined ? 'another patient' : referenceWord(reference),
  )
}

function isDeceased(patient: Patient | undefined): boolean | null {
  if (patient?.deceasedDateTime !== undefined) return true
  return patient?.deceasedBoolean ?? null
}

/** The name to call a patient by: the official one first, old ones last. */
export function nameOf({ name }: Patient): string | undefined {
  const rank = { official: 0, usual: 1, old: 3 } as const
  const ranked = (name ?? []).toSorted(
    (a, b) => (rank[a.use as keyof typeof rank] ?? 2) - (rank[b.use as keyof typeof rank] ?? 2),
  )
  const [first] = ranked
  if (first === undefined) return undefined
  const parts = [...(first.prefix ?? []), ...(first.given ?? []), first.family, ...(first.suffix ?? [])]
  const built = parts.filter((part) => typeof part === 'string' && part !== '').join(' ')
  const text = oneLine(first.text ?? built)
  return text === '' ? undefined : text
}

function cellsOf({ id, patient, enrolments }: PatientEntry, view: PatientView): Row['cells'] {
  const joined = (text: (enrolment: Enrolment, study: string) => string | undefined) =>
    enrolments.length === 0
      ? null
      : emptyAsNull(enrolments.map((one) => text(one.enrolment, one.study) ?? '').join('; '))
  const year = yearOf(patient?.birthDate)
  const cells = [
    id,
    joined(({ codes }) => codes.join(', ')),
    joined((_, study) => study),
    joined(({ status }) => status),
    joined(({ start }) => start),
    joined(({ end }) => end),
    year === undefined ? null : Number(year),
    patient?.gender ?? null,
    patient?.active ?? null,
    isDeceased(patient),
    emptyAsNull(replacementsOf(patient).join(', ')),
  ]
  if (view.detail === 'minimal') return cells
  return [
    ...cells,
    (patient === undefined ? undefined : nameOf(patient)) ?? null,
    patient?.birthDate ?? null,
    emptyAsNull(oneLine(identifierValues(patient).join(', '))),
  ]
}

/** The values of a patient's identifiers: record numbers and the like. */
function identifierValues(patient: Patient | undefined): string[] {
  return (patient?.identifier ?? []).flatMap(({ value }) => value ?? [])
}

function emptyAsNull(text: string): string | null {
  return /[^;,\s]/.test(text) ? text : null
}
