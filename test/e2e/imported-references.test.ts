import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { idOf, imported } from '../exchange/jupyterhealth-imports.ts'
import type { TestClient } from './clients.ts'
import { type JupyterHealthSite, openJupyterHealth } from './jupyterhealth-gateway.ts'
import { matches, totalOf } from './scenarios.ts'

const patient = { patient_id: '40007' }
const coded = (code: string, display: string) => ({
  coding: [{ system: 'http://loinc.org', code, display }],
})
const at = { status: 'final', effectiveDateTime: '2026-10-05T12:00:00Z' }
const panel = (n: number, members: readonly string[]) =>
  imported(n, 'Observation', {
    ...at,
    code: coded('24326-1', 'Electrolytes'),
    hasMember: members.map((id) => ({ reference: `Observation/${id}` })),
  })
const prescribed = (n: number, medication: string) =>
  imported(n, 'MedicationRequest', {
    status: 'active',
    intent: 'order',
    medication: { reference: { reference: `Medication/${medication}` } },
  })
const medicine = (n: number, text: string, of = {}) =>
  imported(n, 'Medication', { subject: undefined, code: { text } }, of)

describe('what imported records refer to', () => {
  let site: JupyterHealthSite
  let client: TestClient
  beforeEach(async () => {
    site = await openJupyterHealth({ types: ['MedicationRequest', 'CareTeam', 'Coverage', 'Goal'] })
    client = await site.as('northlake_member')
  })
  afterEach(() => site.close())

  async function call(tool: string, given: Record<string, unknown>) {
    const called = await client.call(tool, given)
    expect(called.isError, called.text).toBe(false)
    return called
  }

  it('is named where it is one of the patient’s own by the id of the exchange, and else said not to be known', async () => {
    site.exchange.cohort.imports.push(
      imported(1, 'Observation', { ...at, code: coded('2823-3', 'Potassium') }),
      imported(2, 'Observation', { ...at, code: coded('2951-2', 'Sodium') }, { patient: 40008 }),
      panel(3, [idOf(1), idOf(2), 'k1-of-the-other-server']),
    )
    const listed = await call('get_patient_observations', { ...patient, data_type: '24326-1' })
    expect(listed.text).toContain(`panel of 3 members: "Potassium (2823-3)" ${idOf(1)}, a member, a member`)
    expect(listed.text).toContain('by ids of the other server')
    const everything = JSON.stringify(listed)
    expect(everything).not.toContain('k1-of-the-other-server')
    expect(everything).not.toContain(idOf(2))
  })

  it('costs no request beyond that for the page, and no note where all are known', async () => {
    site.exchange.cohort.imports.push(
      imported(1, 'Observation', { ...at, code: coded('2823-3', 'Potassium') }),
      panel(3, [idOf(1)]),
    )
    await call('get_patient_observations', { ...patient, data_type: '24326-1' })
    site.exchange.reset()
    const listed = await call('get_patient_observations', { ...patient, data_type: '24326-1' })
    expect(listed.text).toContain(`panel of 1 member: "Potassium (2823-3)" ${idOf(1)}`)
    expect(listed.text).not.toContain('by ids of the other server')
    const read = site.exchange.requests.filter(({ path }) => path.includes('_source'))
    expect(read).toHaveLength(1)
  })

  it('is a medication with its name where it was imported for the patient', async () => {
    site.exchange.cohort.imports.push(
      medicine(10, 'Lisinopril 10 mg'),
      medicine(11, 'Warfarin of somebody else', { patient: 40008 }),
      prescribed(20, idOf(10)),
      prescribed(21, idOf(11)),
      prescribed(22, 'medicine-of-the-other-server'),
    )
    const found = await call('search_fhir', { ...patient, type: 'MedicationRequest' })
    expect(matches(found, 'MedicationRequest')).toHaveLength(3)
    expect(found.text).toContain('Lisinopril 10 mg')
    expect(found.text.match(/without a name/g)).toHaveLength(2)
    expect(found.text).toContain('which one it is cannot be told here')
    expect(JSON.stringify(found)).not.toContain('Warfarin')
    const one = await call('read_fhir', { ...patient, type: 'MedicationRequest', id: idOf(20) })
    expect(one.text).toContain('medication: "Lisinopril 10 mg"')
    expect(one.text).not.toContain('cannot be told')
    const other = await call('read_fhir', { ...patient, type: 'MedicationRequest', id: idOf(21) })
    expect(other.text).toContain('which one it is cannot be told here')
  })

  it('is refused where the exchange answers somebody else’s medications', async () => {
    site.exchange.cohort.imports.push(medicine(10, 'Lisinopril 10 mg'), prescribed(20, idOf(10)))
    const foreign = [
      { url: 'https://jupyterhealth.org/fhir/StructureDefinition/patient-id', valueInteger: 40008 },
    ]
    site.exchange.misbehave((request) =>
      request.path.includes('/Medication?')
        ? {
            kind: 'rewrite',
            change: (body) => {
              const bundle = body as { entry: { resource: object }[] }
              const entry = bundle.entry.map(({ resource }) => ({
                resource: { ...resource, extension: foreign },
              }))
              return { ...bundle, entry }
            },
          }
        : undefined,
    )
    const found = await client.call('search_fhir', { ...patient, type: 'MedicationRequest' })
    expect(found.text).toContain('FHIR_MCP_EXCHANGE_LEAK')
    expect(found.text).not.toContain('Lisinopril')
  })
})

describe('an answer on imported records that lacks rows', () => {
  let site: JupyterHealthSite
  let client: TestClient
  beforeEach(async () => {
    site = await openJupyterHealth({ types: ['CareTeam', 'Coverage', 'Goal'] })
    site.exchange.cohort.imports.push(
      imported(1, 'Goal', { lifecycleStatus: 'active', description: { text: 'Walk' } }),
      imported(2, 'Goal', { lifecycleStatus: 'active', description: { text: 'Sleep' } }),
      imported(3, 'CareTeam', { status: 'active', name: 'Team' }),
      imported(4, 'Coverage', {
        subject: undefined,
        status: 'active',
        kind: 'insurance',
        beneficiary: { reference: 'Patient/ePt1' },
      }),
      imported(
        5,
        'Coverage',
        { subject: undefined, status: 'active', kind: 'insurance', beneficiary: {} },
        { patient: 40008 },
      ),
    )
    client = await site.as('northlake_member')
  })
  afterEach(() => site.close())

  it('is given with a note and without a total, since what came is true', async () => {
    site.exchange.misbehave(({ path }) =>
      path.includes('/Goal?')
        ? { kind: 'rewrite', change: (body) => ({ ...(body as object), total: 3 }) }
        : undefined,
    )
    const found = await client.call('search_fhir', { ...patient, type: 'Goal' })
    expect(found.isError, found.text).toBe(false)
    expect(matches(found, 'Goal')).toHaveLength(2)
    expect(totalOf(found)).toBeUndefined()
    expect(found.text).toContain('gave fewer rows than the number that it names itself')
    const read = await client.call('read_fhir', { ...patient, type: 'Goal', id: idOf(1) })
    expect(read.isError, read.text).toBe(false)
    expect((await client.call('read_fhir', { ...patient, type: 'Goal', id: idOf(9) })).isError).toBe(true)
  })

  it('is none where all came, of every type that the exchange lists', async () => {
    for (const [type, n] of [
      ['Goal', 2],
      ['CareTeam', 1],
      ['Coverage', 1],
    ] as const) {
      const found = await client.call('search_fhir', { ...patient, type })
      expect([found.text, matches(found, type).length, totalOf(found)]).toEqual([found.text, n, n])
    }
    const { structured } = await client.call('search_fhir', { ...patient, type: 'Coverage' })
    expect(structured).toMatchObject({
      entry: [{ resource: { beneficiary: { reference: 'Patient/40007' } } }, {}],
    })
  })
})
