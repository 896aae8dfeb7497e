import { refuse } from './answer.ts'
import type { Asked } from './asked.ts'
import type { JupyterHealthCohort, JupyterHealthImport } from './jupyterhealth-cohort.ts'
import type { Listed, Reach } from './jupyterhealth-resources.ts'

/** `meta.source` of what the exchange has itself, and the beginning of that of every imported record. */
export const nativeSource = 'https://jupyterhealth.org/jhe'
const importedBase = 'https://jupyterhealth.org/fhir/fhir-source'
const extensions = 'https://jupyterhealth.org/fhir/StructureDefinition'
/** Extensions that the server stamps anew, whatever was there. */
const stamped = [`${extensions}/patient-id`, `${extensions}/patient-full-name`]

/** A search parameter of imported records: how it compares, and the paths of their bodies that it looks at. */
interface ImportSearch {
  readonly kind: 'token' | 'code' | 'date' | 'reference' | 'string' | 'identifier'
  readonly paths: readonly string[]
}

const token = (path: string): ImportSearch => ({ kind: 'token', paths: [path] })
const code = (path: string): ImportSearch => ({ kind: 'code', paths: [path] })
const date = (...paths: string[]): ImportSearch => ({ kind: 'date', paths })
const reference = (path: string): ImportSearch => ({ kind: 'reference', paths: [path] })
const text = (...paths: string[]): ImportSearch => ({ kind: 'string', paths })
const identifier: ImportSearch = { kind: 'identifier', paths: ['identifier'] }
const names = text('name.family', 'name.given', 'name.text')
const address = text('address.text', 'address.line', 'address.city', 'address.state', 'address.postalCode')

/** The types that records can be imported of, with the search parameters that `metadata` lists for each. */
export const importSearches: Readonly<Record<string, Readonly<Record<string, ImportSearch>>>> = {
  AllergyIntolerance: { 'clinical-status': token('clinicalStatus.coding') },
  CarePlan: { category: token('category.coding'), status: code('status'), date: date('period.start') },
  CareTeam: { role: token('participant.role.coding'), status: code('status') },
  Condition: {
    'abatement-date': date('abatementDateTime', 'abatementPeriod.start'),
    'asserted-date': date('assertedDate'),
    category: token('category.coding'),
    'clinical-status': token('clinicalStatus.coding'),
    code: token('code.coding'),
    encounter: reference('encounter.reference'),
    'onset-date': date('onsetDateTime', 'onsetPeriod.start'),
    'recorded-date': date('recordedDate'),
  },
  Coverage: {},
  Device: { status: code('status'), type: token('type.coding') },
  DiagnosticReport: {
    category: token('category.coding'),
    code: token('code.coding'),
    status: code('status'),
    date: date('effectiveDateTime', 'effectivePeriod.start'),
  },
  DocumentReference: {
    category: token('category.coding'),
    type: token('type.coding'),
    status: code('status'),
    date: date('date'),
    period: date('context.period.start', 'context.period.end'),
  },
  Encounter: {
    class: token('class.coding'),
    identifier,
    'discharge-disposition': token('admission.dischargeDisposition.coding'),
    location: reference('location.location.reference'),
    status: code('status'),
    type: token('type.coding'),
    date: date('period.start'),
  },
  Goal: {
    description: text('description.text'),
    'lifecycle-status': code('lifecycleStatus'),
    'target-date': date('target.dueDate'),
  },
  Group: {},
  Immunization: { status: code('status'), date: date('occurrenceDateTime') },
  Location: {
    name: text('name'),
    address,
    'address-city': text('address.city'),
    'address-state': text('address.state'),
    'address-postalcode': text('address.postalCode'),
  },
  Medication: {},
  MedicationDispense: { status: code('status'), type: token('type.coding') },
  MedicationRequest: {
    intent: code('intent'),
    status: code('status'),
    encounter: reference('encounter.reference'),
    authoredon: date('authoredOn'),
  },
  Observation: {
    category: token('category.coding'),
    code: token('code.coding'),
    status: code('status'),
    date: date('effectiveDateTime', 'effectivePeriod.start'),
  },
  Organization: { name: text('name'), address },
  Patient: {
    birthdate: date('birthDate'),
    'death-date': date('deceasedDateTime'),
    family: text('name.family'),
    given: text('name.given'),
    name: names,
    identifier,
  },
  Practitioner: { name: names, identifier },
  PractitionerRole: {
    practitioner: reference('practitioner.reference'),
    specialty: token('specialty.coding'),
  },
  Procedure: {
    code: token('code.coding'),
    status: code('status'),
    date: date('performedDateTime', 'performedPeriod.start'),
  },
  Provenance: {},
  QuestionnaireResponse: {
    questionnaire: reference('questionnaire'),
    status: code('status'),
    authored: date('authored'),
  },
  RelatedPerson: { name: names },
  ServiceRequest: {
    category: token('category.coding'),
    code: token('code.coding'),
    status: code('status'),
    authored: date('authoredOn'),
  },
}

/** Which rows a search looks at, by `_source` and `_source:below`: those of the exchange, or imported ones. */
export type Store = { readonly imported: boolean; readonly source?: string } | undefined

/** The one store that a search looks at; undefined for a source that there is not. */
export function storeOf(type: string, asked: Asked['pairs'], own: readonly string[]): Store {
  const last = (name: string) => asked.findLast(([one]) => one === name)?.[1]
  const below = last('_source:below')
  if (below !== undefined) return below.replace(/\/+$/, '') === importedBase ? { imported: true } : undefined
  const source = last('_source')
  if (source === undefined) return { imported: !own.includes(type) }
  if (source === nativeSource) return { imported: false }
  return /^\d+$/.test(source.slice(importedBase.length + 1)) && source.startsWith(`${importedBase}/`)
    ? { imported: true, source }
    : undefined
}

/** The imported records of a type that the caller may see, newest first. */
export function importsOf(cohort: JupyterHealthCohort, reach: Reach, type: string): Listed[] {
  const patients = new Map(reach.patients.map((patient) => [patient.id, patient]))
  return cohort.imports.flatMap((record, index): Listed[] => {
    const patient = patients.get(record.patient)
    if (patient === undefined || record.type !== type) return []
    const body = bodyOf(record, `${patient.given} ${patient.family}`)
    const order = String(cohort.imports.length - index).padStart(9, '0')
    return [
      {
        id: record.id,
        patient,
        order,
        organizations: patient.organizations,
        imported: body,
        resource: () => ({ ...body, resourceType: record.type, id: record.id }),
      },
    ]
  })
}

/** As it is kept: whatever the record said of its patient stays, and the exchange's own patient is in an extension. */
function bodyOf({ source, patient, body }: JupyterHealthImport, name: string): Record<string, unknown> {
  const { meta, extension, ...rest } = body
  const others = (Array.isArray(extension) ? extension : []).filter(({ url }) => !stamped.includes(url))
  const own = [
    { url: `${extensions}/patient-id`, valueInteger: patient },
    { url: `${extensions}/patient-full-name`, valueString: name },
  ]
  return {
    ...rest,
    meta: { ...(typeof meta === 'object' ? meta : {}), source: `${importedBase}/${source}` },
    extension: [...others, ...own],
  }
}

/**
 * A condition on imported records; undefined for a parameter that the type does not have. Dates are compared as text. Observations
 * are found by no code.
 */
export function importCondition(
  type: string,
  name: string,
  value: string,
): ((one: Listed) => boolean) | undefined {
  const search = importSearches[type]?.[name]
  if (search === undefined) return undefined
  if (type === 'Observation' && name === 'code') return () => false
  const found = (one: Listed) => search.paths.flatMap((path) => valuesAt(one.imported, path.split('.')))
  if (search.kind === 'date') {
    // The first of the paths that has a value.
    return (one) => isInOrder(value, found(one)[0])
  }
  const wanted = value.split(',').filter((part) => part.trim() !== '')
  return (one) => wanted.some((part) => found(one).some((own) => isLike(search.kind, own, part.trim())))
}

/** In the order of `_sort=date`: by text, undated last both ways. Other orders are that of the server. */
export function sortedImports(type: string, found: readonly Listed[], sort: string | undefined): Listed[] {
  const paths = sortPaths[type]
  const ascending = found.toSorted((a, b) => ((a.order ?? '') < (b.order ?? '') ? -1 : 1))
  if (sort === '_lastUpdated') return ascending.toReversed()
  if (paths === undefined || (sort !== 'date' && sort !== '-date')) return ascending
  const textOf = (one: Listed) => paths.flatMap((path) => valuesAt(one.imported, path.split('.')))[0]
  const sign = sort === 'date' ? 1 : -1
  return ascending.toSorted((a, b) => {
    const [x, y] = [textOf(a), textOf(b)]
    if (x === y) return a.id < b.id ? -1 : 1
    if (x === undefined || y === undefined) return x === undefined ? 1 : -1
    return String(x) < String(y) ? -sign : sign
  })
}

const sortPaths: Readonly<Record<string, readonly string[]>> = {
  AllergyIntolerance: ['recordedDate'],
  CarePlan: ['period.start'],
  CareTeam: ['period.start'],
  Condition: ['recordedDate'],
  DiagnosticReport: ['effectiveDateTime', 'effectivePeriod.start'],
  DocumentReference: ['date'],
  Encounter: ['period.start'],
  Goal: ['target.dueDate'],
  Immunization: ['occurrenceDateTime'],
  MedicationRequest: ['authoredOn'],
  Observation: ['effectiveDateTime', 'effectivePeriod.start'],
  Procedure: ['performedDateTime', 'performedPeriod.start'],
  QuestionnaireResponse: ['authored'],
  ServiceRequest: ['authoredOn'],
}

function isInOrder(value: string, own: unknown): boolean {
  if (typeof own !== 'string') return false
  const [, prefix, asked = ''] = /^(ge|le|gt|lt)?(.*)$/s.exec(value) ?? []
  if (asked === '') refuse(400, `Invalid date value: '${value}'.`)
  switch (prefix) {
    case 'ge':
      return own >= asked
    case 'le':
      return own <= asked
    case 'gt':
      return own > asked
    case 'lt':
      return own < asked
    default:
      return own.startsWith(asked)
  }
}

function isLike(kind: ImportSearch['kind'], own: unknown, wanted: string): boolean {
  const bar = wanted.indexOf('|')
  const [system, value] = bar === -1 ? ['', wanted] : [wanted.slice(0, bar), wanted.slice(bar + 1)]
  if (kind === 'code') return own === value
  if (kind === 'string') return typeof own === 'string' && own.toLowerCase().startsWith(wanted.toLowerCase())
  if (kind === 'reference') return own === wanted || String(own).endsWith(`/${wanted}`)
  const member = kind === 'identifier' ? 'value' : 'code'
  const has = (name: string, text: string) => valuesAt(own, [name]).includes(text)
  return (value === '' || has(member, value)) && (system === '' || has('system', system))
}

function valuesAt(value: unknown, [name, ...rest]: readonly string[]): unknown[] {
  if (name === undefined) return value === undefined || value === null ? [] : [value].flat()
  return [value].flat().flatMap((one) => {
    const isThere = typeof one === 'object' && one !== null && Object.hasOwn(one, name)
    return isThere ? valuesAt(Reflect.get(one, name), rest) : []
  })
}
