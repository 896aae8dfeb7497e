import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AnyResource } from '../../src/fhir/types.ts'
import { permissionsClaim, startIssuer, type TestIssuer } from '../../src/test-kit/index.ts'
import type { TestClient } from '../e2e/clients.ts'
import { type Gateway, startGateway } from '../e2e/gateway.ts'
import { keepers, secret, withPeople } from '../e2e/planted-people.ts'

const audience = 'http://mcp.test/mcp'
const [own, foreign, study] = ['other-people-own', 'other-people-foreign', 'other-people-study']
const hidden = new RegExp(`${secret}|${foreign}|inner-(patient|relative)`)

for (const version of ['R4', 'R5'] as const) {
  const variable = `HAPI_${version}_RECORD_URL`
  const url = process.env[variable]?.replace(/\/$/, '')
  if (url === undefined) {
    console.log(`SKIPPED: ${variable} is not set (a HAPI server that may be written to)`)
    describe.skip(variable, () => it('needs a live server', () => undefined))
    continue
  }
  const reference = (type: string, id: string) => ({ reference: `${type}/${id}` })
  const planted = (resource: AnyResource) =>
    withPeople(resource, {
      version,
      isValid: true,
      other: `Patient/${foreign}`,
      own: resource.resourceType === 'ResearchStudy' ? undefined : `Patient/${own}`,
    })
  const subject = reference('Patient', own)
  const coded = { coding: [{ system: 'http://loinc.org', code: '8867-4' }] }
  const status = (name: string, code: string) => ({
    coding: [{ system: `http://terminology.hl7.org/CodeSystem/condition-${name}`, code }],
  })
  /** In the order in which they refer to each other. */
  const resources: readonly AnyResource[] = [
    { resourceType: 'Organization', id: 'org-1', name: 'A clinic' },
    { resourceType: 'Practitioner', id: 'doc-1', name: [{ family: 'A doctor' }] },
    {
      resourceType: 'Group',
      id: 'g',
      type: 'person',
      ...(version === 'R4' ? { actual: true } : { membership: 'enumerated' }),
    },
    { resourceType: 'Patient', id: foreign, name: [{ family: secret }] },
    { resourceType: 'Patient', id: own, name: [{ family: 'Ownham' }], birthDate: '1970-02-03' },
    planted({ resourceType: 'Patient', id: own, name: [{ family: 'Ownham' }], birthDate: '1970-02-03' }),
    planted({ resourceType: 'ResearchStudy', id: study, title: 'Other people', status: 'active' }),
    {
      resourceType: 'ResearchSubject',
      id: 'other-people-subject',
      study: reference('ResearchStudy', study),
      ...(version === 'R4' ? { status: 'on-study', individual: subject } : { status: 'active', subject }),
    },
    planted({
      resourceType: 'Observation',
      id: 'other-people-observation',
      status: 'final',
      code: coded,
      subject,
      effectiveDateTime: '2026-10-01T08:00:00Z',
      valueQuantity: { value: 70, unit: '/min', system: 'http://unitsofmeasure.org', code: '/min' },
    }),
    planted({
      resourceType: 'Condition',
      id: 'other-people-condition',
      clinicalStatus: status('clinical', 'active'),
      verificationStatus: status('ver-status', 'confirmed'),
      code: { text: 'A condition' },
      subject,
    }),
  ]

  describe(`other people on ${variable}`, () => {
    let issuer: TestIssuer
    let gateway: Gateway
    let client: TestClient
    const made: string[] = []

    beforeAll(async () => {
      for (const resource of resources) {
        const path = `${resource.resourceType}/${resource.id}`
        const isOurs = path.includes('other-people') || (await fetch(`${url}/${path}`)).status !== 200
        if (!isOurs) continue
        const stored = await fetch(`${url}/${path}`, {
          method: 'PUT',
          headers: { 'content-type': 'application/fhir+json' },
          body: JSON.stringify(resource),
        })
        if (!stored.ok)
          throw new Error(`${path} could not be stored: ${stored.status} ${await stored.text()}`)
        if (!made.includes(path)) made.push(path)
      }
      issuer = await startIssuer()
      gateway = await startGateway(
        {
          fhir: { baseUrl: url, credentials: 'none', types: ['Condition'] },
          auth: { issuer: issuer.url, audience },
        },
        undefined,
        version,
      )
      const claims = permissionsClaim({ studies: [study] })
      client = await gateway.connect('http', await issuer.token({ sub: 'x', aud: audience, ...claims }))
    })
    afterAll(async () => {
      await gateway?.close()
      await issuer?.close()
      for (const path of made.reverse()) await fetch(`${url}/${path}`, { method: 'DELETE' })
    })

    it.each([`Patient/${own}`, 'Observation/other-people-observation', `ResearchStudy/${study}`])(
      'are in what it says of %s (control)',
      async (path) => {
        const body = await (await fetch(`${url}/${path}`)).text()
        expect(body.match(new RegExp(secret, 'g'))?.length).toBeGreaterThan(5)
      },
    )

    const full = { format: 'fhir_full' }
    const patient = { patient_id: own }
    it.each([
      ['get_patient_demographics', patient],
      ['get_patient_demographics', { ...patient, ...full }],
      ['search_patients', { family: 'Ownham', detail: 'identified', ...full }],
      ['list_study_patients', { study_id: study, detail: 'identified', ...full }],
      ['get_patient_observations', patient],
      ['get_patient_observations', { ...patient, ...full }],
      ['get_patient_observations', { ...patient, format: 'table' }],
      ['get_study_metadata', { study_id: study }],
      ['get_study_metadata', { study_id: study, ...full }],
      ['list_studies', full],
      ['search_fhir', { ...patient, type: 'Condition' }],
      ['read_fhir', { ...patient, type: 'Condition', id: 'other-people-condition' }],
    ])('are in no answer of %s %j', async (tool, given) => {
      const called = await client.call(tool, given)
      expect(called.isError, called.text).toBe(false)
      expect(JSON.stringify(called)).not.toMatch(hidden)
      if ('format' in given && given.format === 'fhir_full') {
        expect(JSON.stringify(called.structured)).toMatch(keepers)
        expect(called.text).toMatch(/References to other people than this call may name: \d+ masked\./)
      }
    })

    it.each([`exchange://patient/${own}`, `exchange://study/${study}`])(
      'are in no resource: %s',
      async (uri) => {
        expect(await client.readResource(uri)).not.toMatch(hidden)
      },
    )
  })
}
