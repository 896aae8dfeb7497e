import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Called, TestClient } from '../e2e/clients.ts'
import { connectStdio } from '../e2e/clients.ts'
import { matches, totalOf, valuesOf } from '../e2e/scenarios.ts'
import { exchangeDatabase, type PersonReach, sumOf } from './exchange-database.ts'

const {
  JUPYTERHEALTH_URL: url,
  JUPYTERHEALTH_PEOPLE: peopleFile,
  JUPYTERHEALTH_DATABASE: connection,
} = process.env

/** Patients of a study that are looked at one by one. */
const mostPatients = 3
/** Types that are looked for among what was imported. */
const recordTypes = [
  'AllergyIntolerance',
  'CareTeam',
  'Condition',
  'Coverage',
  'DocumentReference',
  'Encounter',
  'Goal',
  'MedicationDispense',
  'MedicationRequest',
  'Procedure',
] as const
const heartRate = { type: 'heart-rate', member: 'heart_rate', codes: ['omh:heart-rate:2.0'] }

if (url === undefined || peopleFile === undefined || connection === undefined) {
  console.log(
    'SKIPPED: JUPYTERHEALTH_URL (its FHIR base), JUPYTERHEALTH_PEOPLE (a JSON file: e-mail address to access token) and JUPYTERHEALTH_DATABASE (its PostgreSQL, for psql) are not all set',
  )
  describe.skip('JUPYTERHEALTH_PEOPLE', () =>
    it('needs a live server, tokens and its database', () => undefined))
} else {
  const people = z.record(z.string(), z.string()).parse(JSON.parse(readFileSync(peopleFile, 'utf8')))
  for (const [email, token] of Object.entries(people)) {
    describe(`${email} on a JupyterHealth Exchange, against its own tables`, () => {
      const database = exchangeDatabase(connection)
      const baseUrl = url.replace(/\/$/, '')
      let client: TestClient
      let reach: PersonReach
      beforeAll(async () => {
        reach = await database.reachOf(email)
        client = await connectStdio({
          FHIR_MCP_FHIR_BASE_URL: baseUrl,
          FHIR_MCP_FHIR_CREDENTIALS: 'forward',
          FHIR_MCP_FHIR_TYPES: recordTypes.join(','),
          FHIR_MCP_AUTH_ISSUER: new URL('/o', baseUrl).href,
          FHIR_MCP_AUTH_AUDIENCE: 'live',
          FHIR_MCP_AUTH_USERINFO_URL: new URL('/o/userinfo/', baseUrl).href,
          FHIR_MCP_AUTH_SOURCES: 'userinfo,exchange',
          FHIR_MCP_AUTH_ALLOW_TOKENS_WITHOUT_AUDIENCE: 'true',
          FHIR_MCP_ACCESS_TOKEN: token,
        })
      })
      afterAll(() => client?.close())

      const call = async (tool: string, given: Record<string, unknown> = {}): Promise<Called> => {
        const called = await client.call(tool, given)
        expect(called.isError, `${tool} ${JSON.stringify(given)}: ${called.text}`).toBe(false)
        return called
      }
      const patientsOf = (study: string) => (reach.enrolled[study] ?? []).slice(0, mostPatients)

      it('sees the studies of the own organizations, and no other', async () => {
        expect(valuesOf(await call('get_study_count'))).toMatchObject({ count: reach.studies.length })
        if (reach.isPatient) return
        expect(new Set(matches(await call('list_studies'), 'ResearchStudy'))).toEqual(new Set(reach.studies))
      })

      it('counts each study as the exchange does: its patients, the types that it requested', async () => {
        for (const study of reach.studies) {
          const enrolled = reach.enrolled[study] ?? []
          expect(totalOf(await call('list_study_patients', { study_id: study, limit: 1 }))).toBe(
            enrolled.length,
          )
          const types = await database.requestedTypes(study)
          const figures = await database.observations(enrolled, types)
          const counted = valuesOf(await call('count_study_observations', { study_id: study }))
          expect(counted, `study ${study}`).toMatchObject({ count: sumOf(figures) })
        }
      })

      it('counts a patient of a study within it, and by the organization', async () => {
        for (const study of reach.studies) {
          const types = await database.requestedTypes(study)
          for (const patient of patientsOf(study)) {
            const within = sumOf(await database.observations([patient], types))
            const inStudy = await call('count_patient_observations', { patient_id: patient, study_id: study })
            expect(valuesOf(inStudy), `patient ${patient} of study ${study}`).toMatchObject({ count: within })
            if (!reach.ofOrganizations.includes(patient)) continue
            const all = sumOf(await database.observations([patient])) + (await database.imported(patient))
            const whole = await call('count_patient_observations', { patient_id: patient })
            expect(valuesOf(whole), `patient ${patient}`).toMatchObject({ count: all })
          }
        }
      })

      it('summarises heart rates to the mean of the tables', async () => {
        for (const study of reach.studies) {
          const enrolled = reach.enrolled[study] ?? []
          const types = await database.requestedTypes(study)
          if (!types.some((type) => heartRate.codes.includes(type))) continue
          const figures = await database.observations(enrolled, heartRate.codes)
          if (sumOf(figures) === 0) continue
          const [code = ''] = heartRate.codes
          const summary = seriesOf(
            await call('summarize_study_observations', { study_id: study, data_type: heartRate.type }),
          )
          expect(summary.n, `study ${study}`).toBe(sumOf(figures))
          expect(summary.mean).toBeCloseTo(await database.mean(enrolled, code, heartRate.member), 6)
        }
      })

      it('has every tool for a patient, of the own alone', async () => {
        const { own } = reach
        if (own === undefined) return
        const count = sumOf(await database.observations([own])) + (await database.imported(own))
        expect(valuesOf(await call('count_patient_observations', { patient_id: own }))).toMatchObject({
          count,
        })
        const anybody = { birthdate: 'ge1800-01-01' }
        expect(matches(await call('search_patients', anybody), 'Patient')).toEqual([own])
        for (const tool of ['get_my_access', 'list_studies', 'get_server_capabilities']) await call(tool)
        await call('get_patient_demographics', { patient_id: own })
        expect(valuesOf(await call('get_patient_date_range', { patient_id: own }))).toMatchObject({ count })
        await call('summarize_patient_observations', { patient_id: own })
        await call('chart_patient_observations', { patient_id: own, data_types: [heartRate.type] })
        const newest = await call('get_patient_observations', { patient_id: own, limit: 5 })
        expect(matches(newest, 'Observation')).toHaveLength(Math.min(5, count))
      })

      it('finds what was imported of a patient, of the own and by the organization, and not by a study', async () => {
        const { own, ofOrganizations, enrolled } = reach
        for (const patient of (own === undefined ? ofOrganizations : [own]).slice(0, mostPatients)) {
          for (const type of recordTypes) {
            const found = await call('search_fhir', { patient_id: patient, type, limit: 1 })
            expect(totalOf(found), `${type} of patient ${patient}`).toBe(
              await database.imported(patient, type),
            )
          }
          const [study] = Object.entries(enrolled).find(([, members]) => members.includes(patient)) ?? []
          if (study === undefined) continue
          const given = { patient_id: patient, study_id: study, type: recordTypes[0] }
          const refused = await client.call('search_fhir', given)
          expect(refused.text).toContain('FHIR_MCP_NOT_SUPPORTED_BY_EXCHANGE')
        }
      })

      it('is refused a patient out of reach', async () => {
        const stranger = await database.patientOutside([
          ...reach.ofOrganizations,
          ...Object.values(reach.enrolled).flat(),
        ])
        if (stranger === undefined) {
          console.log(`${email}: SKIPPED the refusal: everybody is within reach`)
          return
        }
        for (const tool of [
          'get_patient_demographics',
          'count_patient_observations',
          'get_patient_observations',
        ]) {
          const refused = await client.call(tool, { patient_id: stranger })
          expect(refused.isError).toBe(true)
          expect(refused.text).toContain('FHIR_MCP_FORBIDDEN')
        }
      })
    })
  }
}

const part = z.looseObject({ name: z.string(), valueInteger: z.number().optional() })
const quantity = z.looseObject({
  name: z.string(),
  valueDecimal: z.number().optional(),
  valueQuantity: z.looseObject({ value: z.number() }).optional(),
})
const summarised = z.looseObject({
  parameter: z.array(z.looseObject({ name: z.string(), part: z.array(z.unknown()).optional() })),
})

/** The first series of a summary. */
function seriesOf({ structured }: Called): { n: number | undefined; mean: number } {
  const series = summarised.parse(structured).parameter.find(({ name }) => name === 'series')?.part ?? []
  const named = (name: string) => series.find((one) => part.safeParse(one).data?.name === name)
  const mean = quantity.safeParse(named('mean')).data
  return {
    n: part.safeParse(named('n')).data?.valueInteger,
    mean: mean?.valueQuantity?.value ?? mean?.valueDecimal ?? Number.NaN,
  }
}
