import { refuse } from './answer.ts'
import type { Asked } from './asked.ts'
import {
  type JupyterHealthCohort,
  type JupyterHealthObservation,
  type JupyterHealthStudy,
  type JupyterHealthUser,
  systemOf,
} from './jupyterhealth-cohort.ts'
import { importCondition } from './jupyterhealth-imports.ts'
import { type Listed, type Reach, startOf } from './jupyterhealth-resources.ts'

/**
 * Organizations with a role, their studies and patients; a patient sees itself, its organizations and studies; a superuser
 * sees nothing by FHIR.
 */
export function reachOf(cohort: JupyterHealthCohort, user: JupyterHealthUser): Reach {
  const self = cohort.patients.find(({ id }) => id === user.patient)
  if (self !== undefined) {
    return {
      organizations: new Set(self.organizations),
      studies: cohort.studies.filter(({ patients }) => patients.includes(self.id)),
      patients: [self],
      own: true,
    }
  }
  const organizations = new Set(Object.keys(user.roles).map(Number))
  return {
    organizations,
    studies: cohort.studies.filter((study) => organizations.has(study.organization)),
    patients: cohort.patients.filter((patient) => patient.organizations.some((id) => organizations.has(id))),
    own: false,
  }
}

/** Narrows a list as the server does: what it does not know, and some forms of what it knows, are ignored. */
export function narrowed(
  reach: Reach,
  all: readonly Listed[],
  type: string,
  pairs: Asked['pairs'],
  imported: boolean,
): readonly Listed[] {
  const last = (name: string) => pairs.findLast(([one]) => one === name)?.[1]
  const conditions: ((one: Listed) => boolean)[] = []
  const id = last('_id')
  if (id !== undefined && id !== '') conditions.push((one) => String(one.id) === id)
  if (!reach.own) conditions.push(...placeConditions(reach, pairs))
  for (const [name, value] of pairs) {
    const own = value === '' ? undefined : conditionOf(type, name, value, imported)
    // Of a patient user's own Patient an identifier is not asked.
    const asked =
      own !== undefined && !(reach.own && type === 'Patient' && name === 'identifier' && !imported)
    if (asked) conditions.push(own)
  }
  return all.filter((one) => conditions.every((condition) => condition(one)))
}

/** Of whom, and in which study and organization: what the caller may not see is refused. */
function placeConditions(reach: Reach, pairs: Asked['pairs']): ((one: Listed) => boolean)[] {
  // Of each of them the last value counts.
  const last = (name: RegExp) => numberIn(pairs.findLast(([one]) => name.test(one))?.[1])
  const patient = last(/^patient$/)
  const study = last(/^patient\._has:_?group:member:_id$/i)
  const organization = last(/^patient\.organization$/)
  return [
    ...(organization === undefined ? [] : [ofOrganization(reach, organization)]),
    ...(study === undefined ? [] : [ofStudy(reach, study)]),
    ...(patient === undefined ? [] : [ofPatient(reach, patient)]),
  ]
}

function conditionOf(
  type: string,
  name: string,
  value: string,
  imported: boolean,
): ((one: Listed) => boolean) | undefined {
  if (name === '_lastUpdated') return void dateIn(value, '_lastUpdated')
  return imported ? importCondition(type, name, value) : ownCondition(type, name, value)
}

function numberIn(text: string | undefined): string | undefined {
  const trimmed = text?.trim()
  if (trimmed === undefined || trimmed === '') return undefined
  if (!/^\d+$/.test(trimmed)) refuse(422, `Field 'id' expected a number but got '${text}'.`)
  return trimmed
}

function forbidden(reference: string): never {
  refuse(403, `Current user is not authorized to access ${reference}.`)
}

function ofPatient(reach: Reach, id: string): (one: Listed) => boolean {
  const patient = reach.patients.find((one) => String(one.id) === id)
  if (patient === undefined) forbidden(`Patient/${id}`)
  const studies = reach.studies.filter((study) => study.patients.includes(patient.id)).map(({ id }) => id)
  return (one) =>
    one.patient === undefined ? studies.some((study) => study === one.id) : one.patient.id === patient.id
}

/** Through a study, observations are found of its patients and, among those, of the data types that it asked for. */
function ofStudy(reach: Reach, id: string): (one: Listed) => boolean {
  const study = reach.studies.find((one) => String(one.id) === id)
  if (study === undefined) forbidden(`Group/${id}`)
  return (one) =>
    one.patient === undefined
      ? one.id === study.id
      : study.patients.includes(one.patient.id) &&
        (one.observation === undefined || isRequested(study, one.observation))
}

function isRequested({ codes }: JupyterHealthStudy, { system, code }: JupyterHealthObservation): boolean {
  return codes.includes(code) && systemOf(code) === system
}

function ofOrganization(reach: Reach, id: string): (one: Listed) => boolean {
  if (!reach.organizations.has(Number(id))) forbidden(`Organization/${id}`)
  return (one) => one.organizations.includes(Number(id))
}

function ownCondition(type: string, name: string, value: string): ((one: Listed) => boolean) | undefined {
  if (type === 'Observation') return observationCondition(name, value)
  if (type === 'Patient') return patientCondition(name, value)
  if (type === 'Organization' && name === 'name') return (one) => begins(one.name, value)
  return undefined
}

function observationCondition(name: string, value: string): ((one: Listed) => boolean) | undefined {
  if (name === 'status') return (one) => one.observation?.status === value
  if (name === 'date') return dateCondition(value, (one) => startOf(one.observation))
  if (name !== 'code') return undefined
  const bar = value.indexOf('|')
  const [system, code] = [value.slice(0, bar), value.slice(bar + 1)]
  return (one) =>
    bar !== -1 && one.observation?.code === code && (system === '' || one.observation.system === system)
}

function patientCondition(name: string, value: string): ((one: Listed) => boolean) | undefined {
  if (name === 'birthdate') {
    return dateCondition(value, (one) => Date.parse(one.patient?.birthDate ?? ''))
  }
  if (name === 'identifier') {
    const bar = value.indexOf('|')
    return bar === -1 ? undefined : (one) => one.patient?.identifier.value === value.slice(bar + 1)
  }
  const texts = value.split(',').flatMap((text) => text.trim() || [])
  if (!['name', 'family', 'given'].includes(name) || texts.length === 0) return undefined
  return (one) =>
    texts.some(
      (text) =>
        (name !== 'given' && begins(one.patient?.family, text)) ||
        (name !== 'family' && begins(one.patient?.given, text)),
    )
}

/** Without case, but with diacritics: `istartswith` of Django tells them apart. */
function begins(value: string | undefined, text: string): boolean {
  return value?.toLowerCase().startsWith(text.toLowerCase()) === true
}

interface AskedDate {
  readonly prefix: string
  readonly low: number
  readonly high: number
}

/** A whole day (UTC) or an instant, with ge, le, gt, lt or nothing before it; all else is refused. */
function dateIn(value: string, name: string): AskedDate {
  const match = /^(ge|le|gt|lt)?(\d{4}-(\d{2})-\d{2})(T.+)?$/.exec(value)
  if (match === null) {
    const what = name === '_lastUpdated' ? '_lastUpdated' : 'date'
    refuse(400, `[ErrorDetail(string="Invalid ${what} value: '${value}'.", code='invalid')]`)
  }
  const [, prefix = '', day = '', month, time] = match
  if (Number(month) > 12) refuse(422, 'month must be in 1..12')
  const low = Date.parse(`${day}${time ?? 'T00:00:00Z'}`)
  if (Number.isNaN(low)) refuse(422, 'day is out of range for month')
  return { prefix, low, high: time === undefined ? low + 86_399_999 : low }
}

function dateCondition(value: string, time: (one: Listed) => number | undefined): (one: Listed) => boolean {
  const { prefix, low, high } = dateIn(value, 'date')
  return (one) => {
    const at = time(one)
    if (at === undefined || Number.isNaN(at)) return false
    if (prefix === 'ge') return at >= low
    if (prefix === 'gt') return at > high
    if (prefix === 'le') return at <= high
    if (prefix === 'lt') return at < low
    return at >= low && at <= high
  }
}
