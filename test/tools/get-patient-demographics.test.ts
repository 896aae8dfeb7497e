import { describe, expect, it } from 'vitest'
import { getPatientDemographics } from '../../src/tools/get-patient-demographics.ts'
import { callTool, principalOf, resourceOf } from './call-tool.ts'
import { cohort } from './cohort.ts'

const principal = principalOf({ studies: ['s1'] })
const call = (given: object, more: object = {}) =>
  callTool(getPatientDemographics, given, { principal, holdings: cohort, ...more })

describe('get_patient_demographics', () => {
  it('gives one patient, identified, with telecom and address', async () => {
    const { answer, exchange } = await call({ patient_id: 'p1' })
    expect(resourceOf(answer)).toMatchObject({
      resourceType: 'Patient',
      name: [{ family: 'Moreau', given: ['Anna'] }],
      telecom: [{ value: '555-0100' }],
      address: [{ city: 'Springfield' }],
      birthDate: '1962-05-14',
    })
    expect(answer.text).toContain('name: "Anna Moreau"')
    expect(answer.text).toContain('telecom: "phone 555-0100"')
    expect(exchange.asked).toEqual([{ method: 'patient', ids: ['p1'] }])
  })

  it('says that a record was merged and is not active', async () => {
    const { answer } = await call({ patient_id: 'p6' })
    expect(answer.text).toContain('Note: This record was merged: it is replaced by Patient/p1.')
    expect(answer.text).toContain('Note: This record is not active.')
  })

  it('gives every element with fhir_full, and names no address of the exchange', async () => {
    const patients = [
      {
        ...cohort.patients[0],
        resourceType: 'Patient' as const,
        text: { status: 'generated' as const, div: '<div/>' },
        managingOrganization: { reference: 'http://exchange.example/fhir/Organization/o1' },
      },
    ]
    const holdings = { ...cohort, patients }
    const full = await call({ patient_id: 'p1', format: 'fhir_full' }, { holdings })
    expect(resourceOf(full.answer)).toMatchObject({ text: { div: '<div/>' }, meta: { versionId: '1' } })
    expect(JSON.stringify(full.answer)).not.toContain('exchange.example')
    const pruned = await call({ patient_id: 'p1' }, { holdings })
    expect(resourceOf(pruned.answer)).not.toHaveProperty('text')
    expect(resourceOf(pruned.answer)).toMatchObject({ meta: { tag: [{ code: 'SUBSETTED' }] } })
  })

  it('refuses a withdrawn, a foreign and an unknown patient in the same words, without a request', async () => {
    const refusals = await Promise.all(
      ['p3', 'p9', 'nobody'].map((patient_id) => call({ patient_id }).catch((error: unknown) => error)),
    )
    expect(refusals[0]).toMatchObject({ code: 'FHIR_MCP_FORBIDDEN' })
    expect(refusals[1]).toEqual(refusals[0])
    expect(refusals[2]).toEqual(refusals[0])
  })

  it('takes a participant code together with its study', () => {
    const given = getPatientDemographics.input.parse({ patient_id: 'A001', study_id: 's1' })
    expect(getPatientDemographics.subject(given)).toEqual({ kind: 'patient', patient: 'A001', study: 's1' })
  })
})
