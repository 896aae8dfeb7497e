import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Called, TestClient } from '../e2e/clients.ts'
import { cursorOf, matches, totalOf, valuesOf } from '../e2e/scenarios.ts'
import type { Found } from './discover.ts'

/** A connection to a gateway in front of a live exchange, with what was found there. */
export interface Live {
  readonly client: TestClient
  readonly found: Found
  close(): Promise<void>
}

/** The tool suite, on whatever a live exchange holds. */
export function liveSuite(name: string, open: () => Promise<Live>): void {
  describe(name, () => {
    let live: Live
    beforeAll(async () => {
      live = await open()
      const { studies, study, patient, stranger, otherStudy, code } = live.found
      console.log(
        `${name}: ${studies.length} studies permitted, asking about study ${study} and patient ${patient}`,
      )
      if (stranger === undefined)
        console.log(`${name}: SKIPPED the refusal of a patient: nobody is out of reach there`)
      if (otherStudy === undefined)
        console.log(`${name}: SKIPPED the refusal of a study: none is out of reach there`)
      if (code === undefined)
        console.log(`${name}: SKIPPED the search by code: the newest observation has none`)
    })
    afterAll(() => live?.close())

    const call = async (tool: string, given: Record<string, unknown> = {}): Promise<Called> => {
      const called = await live.client.call(tool, given)
      expect(called.isError, called.text).toBe(false)
      return called
    }

    it('counts and lists the permitted studies, and no other', async () => {
      const ids = live.found.studies.map(({ id }) => id)
      expect(valuesOf(await call('get_study_count'))).toMatchObject({ count: ids.length })
      expect(new Set(matches(await call('list_studies'), 'ResearchStudy'))).toEqual(new Set(ids))
    })

    it('describes a study', async () => {
      const { study, studies } = live.found
      const { structured } = await call('get_study_metadata', { study_id: study })
      expect(structured).toMatchObject({ resourceType: 'ResearchStudy', id: study })
      expect(structured.title).toBe(studies.find(({ id }) => id === study)?.title)
    })

    it('lists who is enrolled, and everybody comes once over the pages', async () => {
      const { study, patient } = live.found
      const seen: (string | undefined)[] = []
      let cursor: string | undefined
      let total: number | undefined
      do {
        const page = await call('list_study_patients', {
          study_id: study,
          limit: 3,
          ...(cursor === undefined ? {} : { cursor }),
        })
        seen.push(...matches(page, 'Patient'))
        total = totalOf(page)
        cursor = cursorOf(page)
      } while (cursor !== undefined)
      expect(seen).toContain(patient)
      expect(new Set(seen).size).toBe(seen.length)
      expect(total).toBe(seen.length)
    })

    it('gives the demographics of a patient', async () => {
      const { patient } = live.found
      const { structured } = await call('get_patient_demographics', { patient_id: patient })
      expect(structured).toMatchObject({ resourceType: 'Patient', id: patient })
    })

    it('finds a patient again by birth date or identifier', async () => {
      const { patient } = live.found
      const { structured } = await call('get_patient_demographics', { patient_id: patient })
      const birthDate = structured.birthDate
      if (typeof birthDate !== 'string') {
        console.log(`${name}: SKIPPED the search by birth date: the patient has none`)
        return
      }
      expect(matches(await call('search_patients', { birthdate: birthDate }), 'Patient')).toContain(patient)
    })

    it('pages through observations: every one once, newest first, as many as counted', async () => {
      const { patient } = live.found
      const seen: (string | undefined)[] = []
      let cursor: string | undefined
      let pages = 0
      do {
        const given = {
          patient_id: patient,
          limit: 200,
          format: 'fhir',
          ...(cursor === undefined ? {} : { cursor }),
        }
        const page = await call('get_patient_observations', given)
        seen.push(...matches(page, 'Observation'))
        cursor = cursorOf(page)
        pages += 1
      } while (cursor !== undefined && pages < 100)
      expect(new Set(seen).size).toBe(seen.length)
      const { count, excluded } = valuesOf(await call('count_patient_observations', { patient_id: patient }))
      expect(seen.length).toBe(Number(count) + Number(excluded))
    })

    it('counts the same by code as it lists', async () => {
      const { patient, code } = live.found
      if (code === undefined) return
      const counted = valuesOf(
        await call('count_patient_observations', { patient_id: patient, data_type: code }),
      )
      const listed = await call('get_patient_observations', {
        patient_id: patient,
        data_type: code,
        limit: 1,
      })
      const total = totalOf(listed)
      if (total !== undefined) expect(total).toBe(Number(counted.count) + Number(counted.excluded))
    })

    it('counts a study as its patients within it, together', async () => {
      const { study } = live.found
      const whole = valuesOf(await call('count_study_observations', { study_id: study }))
      const each = valuesOf(await call('count_study_observations', { study_id: study, by_patient: true }))
      expect(each.count).toBe(whole.count)
    })

    it('summarizes, and tells from when to when', async () => {
      const { patient } = live.found
      expect((await call('summarize_patient_observations', { patient_id: patient })).text).toContain('n ')
      await call('get_patient_date_range', { patient_id: patient })
    })

    it('draws a picture', async () => {
      const { patient } = live.found
      const { content } = await call('chart_patient_observations', {
        patient_id: patient,
        data_types: ['heart-rate', 'blood-pressure', 'steps', 'sleep'],
      })
      expect(content.filter(({ type }) => type === 'image')).toHaveLength(1)
    })

    it('summarizes a study over as many observations as it counts', async () => {
      const { study } = live.found
      const counted = valuesOf(await call('count_study_observations', { study_id: study }))
      const summed = valuesOf(await call('summarize_study_observations', { study_id: study }))
      if (summed.complete === true) expect(summed.observations).toBe(counted.count)
    })

    it('says what the exchange is', async () => {
      const { structured } = await call('get_server_capabilities')
      expect(['R4', 'R5']).toContain(structured.fhirVersion)
    })

    it('refuses whom and what the claims do not reach, in the same words as what does not exist', async () => {
      const { stranger, otherStudy } = live.found
      const none = await live.client.call('get_patient_demographics', { patient_id: 'no-such-patient' })
      expect(none.text).toContain('FHIR_MCP_FORBIDDEN')
      if (stranger !== undefined) {
        expect(await live.client.call('get_patient_demographics', { patient_id: stranger })).toEqual(none)
      }
      const noStudy = await live.client.call('get_study_metadata', { study_id: 'no-such-study' })
      if (otherStudy !== undefined) {
        expect(await live.client.call('get_study_metadata', { study_id: otherStudy })).toEqual(noStudy)
      }
    })
  })
}
