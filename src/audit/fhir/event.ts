import type * as r4 from 'fhir/r4.js'
import type * as r5 from 'fhir/r5.js'
import { errorCatalog } from '../../errors.ts'
import type { FhirVersion } from '../../fhir/types.ts'
import type { CallRecord } from '../record.ts'

/** What AuditEvents say of the server that recorded them. */
export interface EventSource {
  /** Base URL of the exchange: ids of patients are the exchange's. */
  readonly exchangeUrl: string
  /** Where clients reach this server; undefined over stdio. */
  readonly serverUrl: string | undefined
  /** Whether the AuditEvents go to the exchange itself, so that they can refer to its patients. */
  readonly sameServer: boolean
}

/** A reference and a code, as both releases have them. */
interface Who {
  reference?: string
  type?: string
  identifier?: { system?: string; value: string }
  display?: string
}
interface Code {
  system: string
  code: string
  display?: string
}

/** One AuditEvent: the same in both releases until it is written down. */
interface Event {
  readonly id: string
  readonly isRead: boolean
  readonly patient: string | undefined
  readonly record: CallRecord
  readonly source: EventSource
}

const balp = 'https://profiles.ihe.net/ITI/BALP'
const terminology = 'http://terminology.hl7.org/CodeSystem'
const calls = 'https://github.com/fastify-fhir-mcp/fastify-fhir-mcp/calls'
const server = 'fastify-fhir-mcp'

const rest = { system: `${terminology}/audit-event-type`, code: 'rest', display: 'Restful Operation' }
const dicom = (code: string, display: string) => ({
  system: 'http://dicom.nema.org/resources/ontology/DCM',
  code,
  display,
})
const sourceRole = dicom('110153', 'Source Role ID')
const destinationRole = dicom('110152', 'Destination Role ID')
const recipient = {
  system: `${terminology}/v3-ParticipationType`,
  code: 'IRCP',
  display: 'information recipient',
}
const entityType = (code: string, display: string) => ({
  system: `${terminology}/audit-entity-type`,
  code,
  display,
})
const role = (code: string, display: string) => ({ system: `${terminology}/object-role`, code, display })
const transactionType = { system: `${balp}/CodeSystem/BasicAuditEntityType`, code: 'XrequestId' }
const applicationServer = {
  system: `${terminology}/security-source-type`,
  code: '4',
  display: 'Application Server',
}
const unknown = [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' }]

/**
 * The AuditEvents of a record after the Basic Audit Log Patterns of IHE: one for each patient, or one where there is none. Their
 * ids come from the record, so that each can be sent again.
 */
export function eventsOf(
  record: CallRecord,
  version: FhirVersion,
  source: EventSource,
): (r4.AuditEvent | r5.AuditEvent)[] {
  const patients = patientsOf(record)
  const write = version === 'R4' ? r4Event : r5Event
  return (patients.length === 0 ? [undefined] : patients).map((patient, index) =>
    write({ id: `${record.id}-${index}`, isRead: record.kind === 'resource', patient, record, source }),
  )
}

function patientsOf({ patients, target }: CallRecord): readonly string[] {
  if (patients.length > 0) return patients
  return target?.kind === 'patient' && target.id !== undefined ? [target.id] : []
}

function r4Event(event: Event): r4.AuditEvent {
  const { id, isRead, record, source } = event
  const outcome = outcomeOf(record)
  return {
    resourceType: 'AuditEvent',
    id,
    ...profiled(event),
    type: rest,
    subtype: subtypesOf(event),
    action: isRead ? 'R' : 'E',
    recorded: record.time,
    outcome: outcome.code,
    ...(record.code === undefined ? {} : { outcomeDesc: record.code }),
    agent: [
      {
        type: { coding: [isRead ? destinationRole : sourceRole] },
        who: clientOf(record),
        requestor: false,
        network: { extension: unknown },
      },
      {
        type: { coding: [isRead ? sourceRole : destinationRole] },
        who: serverOf(source),
        requestor: false,
        network:
          source.serverUrl === undefined ? { extension: unknown } : { address: source.serverUrl, type: '5' },
      },
      { type: { coding: [recipient] }, who: userOf(record), requestor: true },
    ],
    source: { observer: serverOf(source), type: [applicationServer] },
    entity: [
      { type: transactionType, what: { identifier: { value: record.id } } },
      isRead
        ? {
            type: entityType('2', 'System Object'),
            role: role('4', 'Domain Resource'),
            what: resourceRead(event),
          }
        : { type: entityType('2', 'System Object'), role: role('24', 'Query'), query: queryOf(record) },
      ...patientsNamed(event).map((what) => ({
        type: entityType('1', 'Person'),
        role: role('1', 'Patient'),
        what,
      })),
      ...studiesNamed(event).map((what) => ({
        type: entityType('4', 'Other'),
        role: role('4', 'Domain Resource'),
        what,
      })),
    ],
  }
}

/** The patterns are written for R4; in R5 the same is said with the elements that R5 has for it. */
function r5Event(event: Event): r5.AuditEvent {
  const { id, isRead, record, source } = event
  const [patient] = patientsNamed(event)
  const detail = record.code === undefined ? {} : { detail: [{ text: record.code }] }
  const coded = (coding: Code) => ({ coding: [coding] })
  return {
    resourceType: 'AuditEvent',
    id,
    category: [coded(rest)],
    code: { coding: subtypesOf(event) },
    action: isRead ? 'R' : 'E',
    severity: record.outcome === 'allowed' ? 'informational' : 'warning',
    recorded: record.time,
    outcome: { code: outcomeOf(record), ...detail },
    ...(patient === undefined ? {} : { patient }),
    agent: [
      { type: coded(isRead ? destinationRole : sourceRole), who: clientOf(record), requestor: false },
      {
        type: coded(isRead ? sourceRole : destinationRole),
        who: serverOf(source),
        requestor: false,
        ...(source.serverUrl === undefined ? {} : { networkUri: source.serverUrl }),
      },
      { type: coded(recipient), who: userOf(record), requestor: true },
    ],
    source: { observer: serverOf(source), type: [coded(applicationServer)] },
    entity: [
      { what: { identifier: { value: record.id } }, role: coded(transactionType) },
      isRead
        ? { role: coded(role('4', 'Domain Resource')), what: resourceRead(event) }
        : { role: coded(role('24', 'Query')), query: queryOf(record) },
      ...patientsNamed(event).map((what) => ({ role: coded(role('1', 'Patient')), what })),
      ...studiesNamed(event).map((what) => ({ role: coded(role('4', 'Domain Resource')), what })),
    ],
  }
}

/** The patterns are for what succeeded; a refusal has the same form and claims no profile. */
function profiled({ isRead, patient, record }: Event): Pick<r4.AuditEvent, 'meta'> {
  if (record.outcome !== 'allowed') return {}
  const name = `${patient === undefined ? '' : 'Patient'}${isRead ? 'Read' : 'Query'}`
  return { meta: { profile: [`${balp}/StructureDefinition/IHE.BasicAudit.${name}`] } }
}

function subtypesOf({ isRead, record }: Event): Code[] {
  const interaction = isRead ? 'read' : 'search'
  const called = { system: calls, code: record.name }
  // What was refused before it was read is no interaction yet.
  if (record.kind === 'request') return [called]
  return [
    { system: 'http://hl7.org/fhir/restful-interaction', code: interaction, display: interaction },
    called,
  ]
}

/** 4: the caller may not, or asked wrongly; 8: something failed. */
function outcomeOf({ outcome, code }: CallRecord): {
  system: string
  code: '0' | '4' | '8'
  display: string
} {
  const system = `${terminology}/audit-event-outcome`
  if (outcome === 'allowed') return { system, code: '0', display: 'Success' }
  const status = Object.entries(errorCatalog).find(([name]) => code === `FHIR_MCP_${name}`)?.[1].status ?? 500
  return status < 500
    ? { system, code: '4', display: 'Minor failure' }
    : { system, code: '8', display: 'Serious failure' }
}

function userOf({ issuer, subject }: CallRecord): Who {
  return { identifier: { system: issuer, value: subject } }
}

function clientOf({ issuer, client }: CallRecord): Who {
  return client === undefined ? { display: 'not known' } : { identifier: { system: issuer, value: client } }
}

function serverOf({ serverUrl }: EventSource): Who {
  return serverUrl === undefined ? { display: server } : { identifier: { value: serverUrl }, display: server }
}

/** What was asked with, by name alone: `get_patient_observations?patient_id&start`. */
function queryOf({ name, arguments: given }: CallRecord): string {
  return Buffer.from(given.length === 0 ? name : `${name}?${given.join('&')}`).toString('base64')
}

function patientsNamed({ patient, record, source }: Event): Who[] {
  if (patient === undefined) return []
  // What was asked for in vain may not exist: a literal reference would not be taken.
  return [referenceTo('Patient', patient, source, record.outcome === 'allowed')]
}

function studiesNamed({ isRead, record, source }: Event): Who[] {
  const { target } = record
  const study = target?.kind === 'study' ? target.id : target?.study
  return isRead || study === undefined ? [] : [referenceTo('ResearchStudy', study, source, false)]
}

function resourceRead({ patient, record, source }: Event): Who {
  const { target, outcome, name } = record
  if (patient !== undefined) return referenceTo('Patient', patient, source, outcome === 'allowed')
  if (target?.kind === 'study' && target.id !== undefined) {
    return referenceTo('ResearchStudy', target.id, source, false)
  }
  return { display: name }
}

/** By an identifier where the events are kept elsewhere: servers refuse references to what they do not have. */
function referenceTo(type: string, id: string, { exchangeUrl, sameServer }: EventSource, exists: boolean) {
  if (sameServer && exists) return { reference: `${type}/${id}`, type }
  return { type, identifier: { system: `${exchangeUrl}/${type}`, value: id } }
}
