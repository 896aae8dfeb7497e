import type { AnyResource } from '../fhir/types.ts'
import type {
  JupyterHealthCohort,
  JupyterHealthObservation,
  JupyterHealthPatient,
  JupyterHealthStudy,
} from './jupyterhealth-cohort.ts'
import { nativeSource } from './jupyterhealth-imports.ts'

/** One resource that a caller may see, with what searches look at; it is rendered when it is sent. */
export interface Listed {
  /** A UUID of what was imported. */
  readonly id: number | string
  readonly patient?: JupyterHealthPatient
  readonly observation?: JupyterHealthObservation
  /** Text by which a list is in order when no `_sort` is asked for; observations go by their id, newest first. */
  readonly order?: string
  readonly name?: string
  readonly organizations: readonly number[]
  /** What was imported, as it is kept. */
  readonly imported?: Readonly<Record<string, unknown>>
  readonly resource: () => AnyResource
}

const meta = { lastUpdated: '2026-11-23T00:00:00.000000Z', source: nativeSource }
const model = 'https://jupyterhealth.org/fhir/CodeSystem/model'

/** What a caller may see by the exchange's own rules. */
export interface Reach {
  readonly organizations: ReadonlySet<number>
  readonly studies: readonly JupyterHealthStudy[]
  readonly patients: readonly JupyterHealthPatient[]
  /** Set for a patient user: filters by organization, study and patient are ignored, whatever their value. */
  readonly own: boolean
}

/** Every row of a type that the exchange has itself and the caller may see. */
export function resourcesOf(cohort: JupyterHealthCohort, reach: Reach, type: string): Listed[] {
  if (type === 'Patient') return reach.patients.map(patientOf)
  if (type === 'Group') return reach.studies.map((study) => groupOf(study))
  if (type === 'Organization') {
    return cohort.organizations.filter(({ id }) => reach.organizations.has(id)).map(organizationOf)
  }
  if (type !== 'Observation') return []
  const patients = new Map(reach.patients.map((patient) => [patient.id, patient]))
  return cohort.observations.flatMap((observation) => {
    const patient = patients.get(observation.patient)
    return patient === undefined ? [] : [observationOf(observation, patient)]
  })
}

/** In the server's own order, or by effective time: undated last both ways, ties newest id first. */
export function listed(found: readonly Listed[], sort: string | undefined): Listed[] {
  const byDefault = found.toSorted((a, b) =>
    a.order === undefined || b.order === undefined ? Number(b.id) - Number(a.id) : a.order < b.order ? -1 : 1,
  )
  if (sort !== 'date' && sort !== '-date') return byDefault
  const sign = sort === 'date' ? 1 : -1
  return byDefault.toSorted((a, b) => {
    const [x, y] = [startOf(a.observation), startOf(b.observation)]
    if (x === y) return 0
    if (x === undefined) return 1
    if (y === undefined) return -1
    return (x - y) * sign
  })
}

/** When an observation was taken, in milliseconds; a period counts by its start. */
export function startOf(observation: JupyterHealthObservation | undefined): number | undefined {
  const effective = observation?.effective
  if (effective === undefined) return undefined
  return Date.parse(typeof effective === 'string' ? effective : effective.start)
}

function patientOf(patient: JupyterHealthPatient): Listed {
  const number = String(patient.id - 40006).padStart(2, '0')
  return {
    id: patient.id,
    patient,
    order: patient.family,
    organizations: patient.organizations,
    resource: () => ({
      id: String(patient.id),
      identifier: [patient.identifier],
      meta,
      name: [{ family: patient.family, given: [patient.given] }],
      birthDate: patient.birthDate,
      telecom: [
        { system: 'phone', value: `+1-555-01${number}`, use: 'mobile' },
        { system: 'email', value: `patient${number}@example.com`, use: 'home' },
      ],
      resourceType: 'Patient',
    }),
  }
}

function groupOf(study: JupyterHealthCohort['studies'][number]): Listed {
  return {
    id: study.id,
    order: study.name,
    organizations: [study.organization],
    resource: () => ({
      id: String(study.id),
      membership: 'enumerated',
      meta,
      name: study.name,
      type: { coding: [{ system: model, code: 'study' }] },
      resourceType: 'Group',
    }),
  }
}

function organizationOf(organization: JupyterHealthCohort['organizations'][number]): Listed {
  return {
    id: organization.id,
    order: organization.name,
    name: organization.name,
    organizations: [organization.id],
    resource: () => ({
      id: String(organization.id),
      meta,
      name: organization.name,
      type: { coding: [{ system: model, code: 'organization' }] },
      resourceType: 'Organization',
    }),
  }
}

function observationOf(observation: JupyterHealthObservation, patient: JupyterHealthPatient): Listed {
  return {
    id: observation.id,
    patient,
    observation,
    organizations: patient.organizations,
    resource: () => ({
      meta,
      id: String(observation.id),
      status: observation.status,
      code: {
        coding: [{ system: observation.system, code: observation.code, display: observation.display }],
      },
      ...effectiveOf(observation),
      subject: {
        reference: `Patient/${patient.id}`,
        identifier: {
          system: 'https://jupyterhealth.org/fhir/identifier/jhe-user-id',
          value: String(patient.userId),
        },
      },
      valueAttachment: { contentType: 'application/json', data: attachmentOf(observation) },
      resourceType: 'Observation',
    }),
  }
}

function effectiveOf({ effective }: JupyterHealthObservation) {
  if (effective === undefined) return {}
  return typeof effective === 'string' ? { effectiveDateTime: effective } : { effectivePeriod: effective }
}

function attachmentOf(observation: JupyterHealthObservation): string {
  const [namespace, name, version] = observation.code.split(':')
  const header = {
    uuid: `00000000-0000-4000-8000-${String(observation.id).padStart(12, '0')}`,
    modality: 'sensed',
    schema_id: { name, version, namespace },
    acquisition_provenance: { source_name: 'synthetic-cohort' },
  }
  return Buffer.from(JSON.stringify({ body: observation.body, header })).toString('base64')
}
