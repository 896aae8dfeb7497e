import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compartmentRule, compartmentTypes } from '../../src/fhir/compartment.ts'
import type { FhirVersion } from '../../src/fhir/types.ts'
import { permissionsClaim, startIssuer } from '../../src/test-kit/index.ts'
import { conditions } from '../tools/record.ts'
import type { TestClient } from './clients.ts'
import { startGateway } from './gateway.ts'
import { cursorOf, matches, totalOf } from './scenarios.ts'

const audience = 'https://mcp.test/mcp'

/** A client that may see study A, of a gateway in front of an exchange with the record of `test/tools/record.ts`. */
async function openRecord(baseUrl: string, fhirVersion: FhirVersion) {
  const issuer = await startIssuer()
  const gateway = await startGateway(
    {
      fhir: { baseUrl, credentials: 'none', types: [...compartmentTypes] },
      auth: { issuer: issuer.url, audience },
    },
    undefined,
    fhirVersion,
  )
  const claims = permissionsClaim({ studies: ['study-a'] })
  const client = await gateway.connect('http', await issuer.token({ sub: 'x', aud: audience, ...claims }))
  const close = async () => {
    await gateway.close()
    await issuer.close()
  }
  return { client, close }
}

/** What both tools do on a HAPI server, real or not. */
export function recordSuite(
  name: string,
  version: FhirVersion,
  open: () => Promise<{ readonly baseUrl: string; close(): Promise<void> }>,
): void {
  describe(name, () => {
    let client: TestClient
    let close: () => Promise<void>
    beforeAll(async () => {
      const exchange = await open()
      const opened = await openRecord(exchange.baseUrl, version)
      client = opened.client
      close = async () => {
        await opened.close()
        await exchange.close()
      }
    })
    afterAll(() => close?.())

    const search = (type: string, given: object = {}, patient_id = 'pat-1') =>
      client.call('search_fhir', { patient_id, type, ...given })
    const read = (type: string, id: string, patient_id = 'pat-1') =>
      client.call('read_fhir', { patient_id, type, id })

    const held = [
      ['Condition', conditions],
      ['MedicationRequest', 1],
      ['Encounter', 1],
      ['Procedure', 1],
      ['DiagnosticReport', 1],
      ['QuestionnaireResponse', 1],
      ['AllergyIntolerance', 1],
      ['CareTeam', 1],
      ['Coverage', 1],
      ['DocumentReference', 1],
      ['Goal', 1],
      ['MedicationDispense', 1],
      ['Immunization', 0],
      ...(version === 'R4' ? [['Device', 1] as const] : []),
    ] as const

    it.each(held)('gives every %s of the patient and nobody else’s', async (type, count) => {
      const called = await search(type)
      expect(called.isError, called.text).toBe(false)
      expect(matches(called, type)).toHaveLength(count)
      expect(totalOf(called)).toBe(count)
      for (const id of matches(called, type)) {
        expect(id).toMatch(/^pat-1-/)
        expect(called.text).toContain(id)
        const one = await read(type, `${type}/${id}`)
        expect(one.structured, one.text).toMatchObject({ resourceType: type, id })
      }
      const everything = JSON.stringify(called)
      for (const foreign of [
        'pat-10',
        'pat-12',
        'Secretova',
        'relative-1',
        'c2VjcmV0',
        'narrative',
        'http://127',
      ]) {
        expect(everything).not.toContain(foreign)
      }
    })

    it('pages newest first, every one once, with a total that is proven', async () => {
      const seen: (string | undefined)[] = []
      let cursor: string | undefined
      do {
        const given = { limit: 3, search: { 'verification-status': ['confirmed', 'entered-in-error'] } }
        const page = await search('Condition', { ...given, ...(cursor === undefined ? {} : { cursor }) })
        expect(page.isError, page.text).toBe(false)
        expect(totalOf(page)).toBe(conditions)
        seen.push(...matches(page, 'Condition'))
        cursor = cursorOf(page)
      } while (cursor !== undefined)
      expect(seen).toEqual(
        Array.from({ length: conditions }, (_, index) => `pat-1-condition-${conditions - 1 - index}`),
      )
    })

    it('says what is a mistake, what must not be done, and what was left out', async () => {
      const errors = await search('Condition', { search: { 'verification-status': 'entered-in-error' } })
      expect(errors.text).toMatch(/ENTERED-IN-ERROR/)
      expect(errors.text).toContain('Warning: What is marked ENTERED-IN-ERROR')
      expect((await search('MedicationRequest')).text).toContain('DO NOT PERFORM')
      const encounter = await read('Encounter', 'pat-1-encounter')
      expect(encounter.text).toContain('References to other people')
      expect(JSON.stringify(encounter.structured)).toContain('SUBSETTED')
    })

    const asked: readonly (readonly [string, object, readonly string[]])[] = [
      ['Condition', { code: 'http://snomed.info/sct|44054006' }, ['pat-1-condition-1']],
      ['Condition', { code: ['44054006', 'no-such'] }, ['pat-1-condition-1']],
      ['Condition', { code: 'http://elsewhere.example|44054006' }, []],
      ['Condition', { 'onset-date': ['ge2024-01-01', 'lt2026'] }, ['pat-1-condition-5', 'pat-1-condition-4']],
      ['Condition', { 'onset-date': ['ge2024', 'le2025'] }, ['pat-1-condition-5', 'pat-1-condition-4']],
      ['Condition', { 'recorded-date': '2023-02' }, ['pat-1-condition-3']],
      ['Condition', { 'recorded-date': ['ge2023-02', 'le2023-02'] }, ['pat-1-condition-3']],
      ['Condition', { 'recorded-date': 'gt2026-02-01T00:00:00Z' }, []],
      ['MedicationRequest', { code: '314076', status: 'active', intent: 'order' }, ['pat-1-medication']],
      ['MedicationRequest', { status: 'stopped' }, []],
      ['Encounter', { class: 'AMB', date: 'ge2026-06-01' }, ['pat-1-encounter']],
      ['Procedure', { code: '80146002', date: '2026-02-03' }, ['pat-1-procedure']],
      ['DiagnosticReport', { code: 'http://loinc.org|58410-2', date: 'le2026-03-01' }, ['pat-1-report']],
      ['QuestionnaireResponse', { status: 'completed', authored: '2026-04' }, ['pat-1-answers']],
      ['AllergyIntolerance', { 'clinical-status': 'active', date: '2020' }, ['pat-1-allergy']],
      ['CareTeam', { status: 'active', date: 'ge2026-01-10' }, ['pat-1-team']],
      ['Coverage', { status: 'active' }, ['pat-1-coverage']],
      ['DocumentReference', { status: 'current', date: '2026-01' }, ['pat-1-document']],
      ['Goal', { 'lifecycle-status': 'active', 'start-date': '2026-01-11' }, ['pat-1-goal']],
      ['Goal', { 'target-date': 'lt2026-06-30' }, []],
      ['MedicationDispense', { code: '314076', whenhandedover: '2026-05-06' }, ['pat-1-dispensed']],
    ]
    it.each(asked)('searches %s by %j', async (type, given, ids) => {
      const called = await search(type, { search: given })
      if (version === 'R5' && type === 'CareTeam') {
        // HAPI lists the search and finds nothing by it: that there is nothing would be a wrong answer.
        expect(called.text).toMatch(
          /^FHIR_MCP_NOT_SUPPORTED_BY_EXCHANGE.*finds nothing on CareTeam by status, date/s,
        )
        expect(matches(await search(type, { search: { status: 'active' } }), type)).toEqual(ids)
        return
      }
      expect(called.isError, called.text).toBe(false)
      expect(matches(called, type)).toEqual(ids)
      expect(totalOf(called)).toBe(ids.length)
    })

    const parameters = compartmentTypes
      .filter((type) => compartmentRule(type).releases.includes(version))
      .flatMap((type) =>
        Object.entries(compartmentRule(type).searches).map(([name, { kind }]) => [type, name, kind] as const),
      )
    it.each(parameters)(
      '%s can be searched by %s, or it is said that the exchange has none',
      async (type, name, kind) => {
        const values =
          kind === 'date' ? ['ge1900-01-01', 'lt2100-01-01T00:00:00Z'] : ['no-such', 'urn:x|no-such']
        const called = await search(type, { search: { [name]: values } })
        if (!called.isError) return
        expect(called.text).toMatch(/^FHIR_MCP_NOT_SUPPORTED_BY_EXCHANGE/)
        if (version === 'R5' && type === 'CareTeam') {
          expect(called.text).toContain(`finds nothing on ${type} by ${name}`)
          return
        }
        expect(called.text).toContain(`has no search on ${type} by "${name}"`)
        const absent = [
          ...['MedicationAdministration effective-time', 'MedicationAdministration date'],
          ...['ServiceRequest code', 'ServiceRequest code-concept'],
        ]
        expect(absent).toContain(`${type} ${name}`)
      },
    )

    it('reads what is another patient’s like what there is not', async () => {
      const [foreign, missing] = [
        await read('Condition', 'pat-10-condition-1'),
        await read('Condition', 'no-such-condition'),
      ]
      expect(foreign.text).toMatch(/^FHIR_MCP_FORBIDDEN/)
      expect(foreign).toEqual(missing)
      // The control: both are there for those who may see them.
      expect((await read('Condition', 'pat-1-condition-1')).isError).toBe(false)
    })

    it('gives nothing of a patient who is not within reach', async () => {
      for (const called of [
        await search('Condition', {}, 'pat-10'),
        await read('Condition', 'pat-10-condition-1', 'pat-10'),
      ]) {
        expect(called.text).toMatch(/^FHIR_MCP_FORBIDDEN/)
      }
    })

    if (version === 'R5') {
      it('does not say whose a device is', async () => {
        expect((await search('Device')).text).toMatch(/^FHIR_MCP_NOT_SUPPORTED_BY_EXCHANGE/)
        expect((await read('Device', 'x')).text).toMatch(/^FHIR_MCP_NOT_SUPPORTED_BY_EXCHANGE/)
      })
    }
  })
}
