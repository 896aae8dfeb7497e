import { describe, expect, it } from 'vitest'
import { countPatientObservations } from '../../src/tools/count-patient-observations.ts'
import { emptiesIn, resourceOf } from './call-tool.ts'
import { callOn, observation, observationDouble, quantity } from './observation-double.ts'

const observations = ['final', 'amended', 'entered-in-error', 'cancelled'].map((status, index) =>
  observation(`o${index}`, {
    status: status as 'final',
    effectiveDateTime: `2026-10-0${index + 1}`,
    valueQuantity: quantity(60),
  }),
)

describe('count_patient_observations', () => {
  it('counts without those entered in error or cancelled, and says how many they are', async () => {
    const exchange = observationDouble(observations)
    const given = { patient_id: 'p1', data_type: '8867-4', end: '2026-10-31', time_zone: 'Europe/Berlin' }
    const answer = await callOn(countPatientObservations, given, { exchange })
    const parameters = resourceOf(answer).parameter as { name: string }[]
    expect(parameters.filter(({ name }) => name !== 'code')).toEqual([
      { name: 'patient', valueReference: { reference: 'Patient/p1' } },
      { name: 'dataType', valueString: 'heart-rate' },
      { name: 'before', valueInstant: '2026-10-31T23:00:00Z' },
      { name: 'timeZone', valueString: 'Europe/Berlin' },
      { name: 'count', valueInteger: 2 },
      { name: 'excluded', valueInteger: 2 },
      { name: 'exact', valueBoolean: true },
      { name: 'asOf', valueInstant: '2026-11-23T05:00:10.000Z' },
    ])
    expect(parameters).toContainEqual({
      name: 'code',
      valueCoding: { system: 'http://loinc.org', code: '8867-4' },
    })
    expect(answer.text).toContain('2 (2 entered in error or cancelled are not counted), exact')
    expect(answer.text).toContain('observations without a date are in no period')
    expect(emptiesIn(answer.structured)).toEqual([])
    expect(exchange.asked.map(({ method }) => method)).toEqual(['countPatientObservations'])
  })

  it('says why a 0 is 0', async () => {
    const exchange = observationDouble(observations)
    const answer = await callOn(countPatientObservations, { patient_id: 'p1', start: '2027' }, { exchange })
    expect(resourceOf(answer).parameter).toContainEqual({ name: 'count', valueInteger: 0 })
    expect(answer.text).toContain('Nearest: the last before it at 2026-10-02.')
  })

  it('says that a type has readings of other codes than the one that was asked for', async () => {
    const exchange = observationDouble(observations)
    const given = { patient_id: 'p1', data_type: 'http://loinc.org|40443-4' }
    const answer = await callOn(countPatientObservations, given, { exchange })
    expect(answer.text).toContain(
      'The patient has no observations of http://loinc.org|40443-4, which is one code of heart-rate; by others it has, the newest at 2026-10-02. Ask for heart-rate.',
    )
  })

  it('asks nothing for a patient out of reach', async () => {
    const exchange = observationDouble(observations)
    await expect(callOn(countPatientObservations, { patient_id: 'p2' }, { exchange })).rejects.toMatchObject({
      code: 'FHIR_MCP_FORBIDDEN',
    })
    expect(exchange.asked).toEqual([])
  })
})
