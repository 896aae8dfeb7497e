import type { FhirVersion } from '../fhir/types.ts'
import { recordParameters } from './hapi-record-parameters.ts'
import type { SearchParameter } from './search-parameter.ts'

type Table = Readonly<Record<string, SearchParameter>>

const token = (...paths: string[]): SearchParameter => ({ kind: 'token', paths })
const text = (...paths: string[]): SearchParameter => ({ kind: 'string', paths })
const date = (...paths: string[]): SearchParameter => ({ kind: 'date', paths })
const reference = (path: string, ...targets: string[]): SearchParameter => ({
  kind: 'reference',
  paths: [path],
  targets,
})

const everyType: Table = { _id: token('id'), _lastUpdated: date('meta.lastUpdated') }

const study: Table = {
  title: text('title'),
  identifier: token('identifier'),
  status: token('status'),
  date: date('period'),
}

const enrolment: Table = {
  identifier: token('identifier'),
  status: token('status'),
  study: reference('study', 'ResearchStudy'),
  date: date('period'),
}

const patient: Table = {
  identifier: token('identifier'),
  active: token('active'),
  name: text('name.family', 'name.given', 'name.text', 'name.prefix', 'name.suffix'),
  family: text('name.family'),
  given: text('name.given'),
  birthdate: date('birthDate'),
  gender: token('gender'),
  email: token('telecom'),
  organization: reference('managingOrganization', 'Organization'),
  link: reference('link.other', 'Patient', 'RelatedPerson'),
}

const observation: Table = {
  identifier: token('identifier'),
  status: token('status'),
  category: token('category'),
  code: token('code'),
  'component-code': token('component.code'),
  'combo-code': token('code', 'component.code'),
  date: date('effective'),
  patient: reference('subject', 'Patient'),
  subject: reference('subject', 'Patient', 'Group', 'Device', 'Location'),
}

const others: Readonly<Record<string, Table>> = {
  Organization: { name: text('name', 'alias'), identifier: token('identifier') },
  Group: {
    identifier: token('identifier'),
    member: reference('member.entity', 'Patient', 'Practitioner', 'Device'),
  },
  Medication: { code: token('code'), identifier: token('identifier') },
  Patient: patient,
  Observation: observation,
}

const releases: Readonly<Record<FhirVersion, Readonly<Record<string, Table>>>> = {
  R4: {
    ...others,
    ...recordParameters('R4'),
    ResearchStudy: { ...study, sponsor: reference('sponsor', 'Organization') },
    ResearchSubject: {
      ...enrolment,
      individual: reference('individual', 'Patient'),
      patient: reference('individual', 'Patient'),
    },
  },
  R5: {
    ...others,
    ...recordParameters('R5'),
    ResearchStudy: study,
    ResearchSubject: {
      ...enrolment,
      subject: reference('subject', 'Patient', 'Group'),
      patient: reference('subject', 'Patient'),
      subject_state: token('progress.subjectState'),
    },
  },
}

/** The types that the stand-in knows. */
export function typesOf(version: FhirVersion): string[] {
  return Object.keys(releases[version])
}

/** The search parameters of a type by name; undefined for a type that the stand-in does not know. */
export function parametersOf(version: FhirVersion, type: string): Table | undefined {
  const own = Object.hasOwn(releases[version], type) ? releases[version][type] : undefined
  return own === undefined ? undefined : { ...everyType, ...own }
}
