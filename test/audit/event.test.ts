import type * as r4 from 'fhir/r4.js'
import type * as r5 from 'fhir/r5.js'
import { describe, expect, it } from 'vitest'
import { eventsOf } from '../../src/audit/fhir/event.ts'
import { expectValid } from '../fhir-validation.ts'
import { recordOf } from './records.ts'

const source = {
  exchangeUrl: 'https://fhir.example.org/fhir',
  serverUrl: 'https://mcp.example.org/mcp',
  sameServer: false,
}
const codesOf = (codings: readonly { code?: string | undefined }[] = []) => codings.map(({ code }) => code)
const r4Events = (more = {}, from = {}) =>
  eventsOf(recordOf(more), 'R4', { ...source, ...from }) as r4.AuditEvent[]
const r5Events = (more = {}) => eventsOf(recordOf(more), 'R5', source) as r5.AuditEvent[]

describe('AuditEvents', () => {
  it.each(['R4', 'R5'] as const)('are valid FHIR, whatever the call and its end: %s', (version) => {
    const denied = { kind: 'study', id: 'study-b', decided: false } as const
    const records = [
      recordOf(),
      recordOf({ patients: [] }),
      recordOf({ client: undefined }),
      recordOf({ outcome: 'denied', code: 'FHIR_MCP_FORBIDDEN', patients: [], target: denied }),
      recordOf({ outcome: 'failed', code: 'FHIR_MCP_EXCHANGE_TIMEOUT', patients: [], target: undefined }),
      recordOf({ kind: 'resource', name: 'exchange://patient/{id}' }),
    ]
    const events = records.flatMap((record) => eventsOf(record, version, source))
    expect(events.length).toBeGreaterThanOrEqual(records.length)
    for (const event of events) expectValid(event, version)
  })

  it('are one for each patient, R4: a patient query of BALP', () => {
    const events = r4Events()
    expect(events.map(({ id }) => id)).toEqual([0, 1].map((n) => `${recordOf().id}-${n}`))
    const [event] = events
    expect(event?.meta?.profile).toEqual([
      'https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientQuery',
    ])
    expect(event).toMatchObject({
      type: { code: 'rest' },
      action: 'E',
      outcome: '0',
      recorded: '2026-11-01T10:00:00.000Z',
    })
    expect(codesOf(event?.subtype)).toEqual(['search', 'list_study_patients'])
    expect(event?.agent.map(({ type, requestor }) => [type?.coding?.[0]?.code, requestor])).toEqual([
      ['110153', false],
      ['110152', false],
      ['IRCP', true],
    ])
    expect(event?.agent.map(({ who }) => who?.identifier?.value)).toEqual([
      'assistant',
      'https://mcp.example.org/mcp',
      'ada',
    ])
    expect(event?.entity?.map(({ type, role }) => [type?.code, role?.code])).toEqual([
      ['XrequestId', undefined],
      ['2', '24'],
      ['1', '1'],
      ['4', '4'],
    ])
    expect(event?.entity?.[2]?.what).toEqual({
      type: 'Patient',
      identifier: { system: 'https://fhir.example.org/fhir/Patient', value: 'pat-1' },
    })
    const query = Buffer.from(event?.entity?.[1]?.query ?? '', 'base64').toString()
    expect(query).toBe('list_study_patients?study_id&limit')
  })

  it('are one for each patient, R5: the same with the elements of R5', () => {
    const [event, other] = r5Events()
    expect(other?.patient?.identifier?.value).toBe('pat-2')
    expect(event).toMatchObject({
      category: [{ coding: [{ code: 'rest' }] }],
      code: { coding: [{ code: 'search' }, { code: 'list_study_patients' }] },
      action: 'E',
      severity: 'informational',
      outcome: { code: { code: '0' } },
      patient: { identifier: { value: 'pat-1' } },
    })
    expect(event?.entity?.map(({ role }) => role?.coding?.[0]?.code)).toEqual(['XrequestId', '24', '1', '4'])
    expect(event?.agent.map(({ networkUri }) => networkUri)).toEqual([
      undefined,
      'https://mcp.example.org/mcp',
      undefined,
    ])
  })

  it('of a resource are reads, with the roles the other way round', () => {
    const read = { kind: 'resource', name: 'exchange://patient/{id}', arguments: ['id'], patients: ['pat-1'] }
    const [event] = r4Events(read)
    expect(event?.meta?.profile?.[0]).toMatch(/IHE\.BasicAudit\.PatientRead$/)
    expect([event?.action, ...codesOf(event?.subtype)]).toEqual(['R', 'read', 'exchange://patient/{id}'])
    expect(event?.agent.map(({ type }) => type?.coding?.[0]?.code)).toEqual(['110152', '110153', 'IRCP'])
    expect(event?.entity?.map(({ role }) => role?.code)).toEqual([undefined, '4', '1'])
    expect(r5Events(read)[0]).toMatchObject({ action: 'R', code: { coding: [{ code: 'read' }, {}] } })
  })

  it('without a patient are one, and a read of a study names it', () => {
    const [event, ...others] = r4Events({ patients: [] })
    expect(others).toEqual([])
    expect(event?.meta?.profile?.[0]).toMatch(/IHE\.BasicAudit\.Query$/)
    const study = { kind: 'resource', name: 'exchange://study/{id}', patients: [] }
    expect(r4Events(study)[0]?.entity?.[1]?.what?.identifier?.value).toBe('study-a')
    const about = { kind: 'resource', name: 'fhir://capabilities', target: { kind: 'reach' }, patients: [] }
    expect(r4Events(about)[0]?.entity?.[1]?.what).toEqual({ display: 'fhir://capabilities' })
  })

  it('of denials and failures say so, name what was asked for, and claim no profile', () => {
    const denied = {
      outcome: 'denied',
      code: 'FHIR_MCP_FORBIDDEN',
      patients: [],
      target: { kind: 'patient', id: 'pat-9', study: 'study-b', decided: false },
    }
    const [event] = r4Events(denied, { sameServer: true })
    expect(event).toMatchObject({ outcome: '4', outcomeDesc: 'FHIR_MCP_FORBIDDEN' })
    expect(event).not.toHaveProperty('meta')
    expect(event?.entity?.map(({ what }) => what?.identifier?.value)).toEqual([
      recordOf().id,
      undefined,
      'pat-9',
      'study-b',
    ])
    expect(r5Events(denied)[0]).toMatchObject({
      severity: 'warning',
      outcome: { code: { code: '4' }, detail: [{ text: 'FHIR_MCP_FORBIDDEN' }] },
    })
    const failed = { outcome: 'failed', code: 'FHIR_MCP_EXCHANGE_LEAK', patients: [] }
    expect(r4Events(failed)[0]?.outcome).toBe('8')
    expect(r4Events({ ...failed, code: undefined })[0]?.outcome).toBe('8')
  })

  it('of a request that was refused unread are no interaction', () => {
    const refused = { kind: 'request', name: 'POST /mcp', arguments: [], patients: [], target: undefined }
    const denied = { ...refused, outcome: 'denied', code: 'FHIR_MCP_NO_PERMISSIONS' }
    expect(r4Events(denied)).toHaveLength(1)
    expect(r4Events(denied)[0]).toMatchObject({ outcome: '4', subtype: [{ code: 'POST /mcp' }] })
    // The control: a call is one.
    expect(r4Events(refused)[0]?.subtype).toHaveLength(1)
    expect(r4Events()[0]?.subtype).toHaveLength(2)
  })

  it('refer to patients of the exchange itself where they are kept there', () => {
    expect(r4Events({}, { sameServer: true })[0]?.entity?.[2]?.what).toEqual({
      type: 'Patient',
      reference: 'Patient/pat-1',
    })
  })

  it('say what is not known: the address of a client, a client without an id, a server over stdio', () => {
    const [event] = r4Events({ client: undefined }, { serverUrl: undefined })
    expect(event?.agent[0]?.who).toEqual({ display: 'not known' })
    for (const agent of event?.agent.slice(0, 2) ?? []) {
      expect(agent.network?.extension?.[0]?.valueCode).toBe('unknown')
    }
    expect(event?.source.observer).toEqual({ display: 'fastify-fhir-mcp' })
  })
})
