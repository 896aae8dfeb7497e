import { describe, expect, it } from 'vitest'
import { measures } from '../../bench/measures/all.ts'
import { filled, mappingSchema, ourCalls } from '../../bench/peers/mapping.ts'
import { chosenFrom } from '../../bench/run.ts'

const live = { dialect: 'hapi', url: 'http://127.0.0.1:8080/fhir', token: undefined } as const

describe('the measures', () => {
  it('have names of their own', () => {
    expect(new Set(measures.map(({ name }) => name)).size).toBe(measures.length)
  })

  it('are chosen by the beginning of their names', () => {
    expect(
      chosenFrom(measures, { only: ['denied', 'tools'], live: undefined }).map(({ name }) => name),
    ).toEqual(['denied', 'denied-patient', 'tools-list'])
    expect(() => chosenFrom(measures, { only: ['nothing'], live: undefined })).toThrow('decision-study')
  })

  it('run on a live server only where they can', () => {
    const names = chosenFrom(measures, { only: [], live }).map(({ name }) => name)
    expect(names).toContain('allowed')
    expect(names).not.toContain('memory-endurance')
  })
})

describe('the calls of a peer', () => {
  const subjects = { study: 'study-a', patient: '40006', otherStudy: 'study-b', otherPatient: 'pat-9' }

  it('are about the same people as ours', () => {
    const call = {
      tool: 'read',
      arguments: {
        url: 'Patient/{patient}',
        id: '{patient:number}',
        list: ['{study}', 3],
        deep: { of: '{otherStudy}' },
      },
    }
    expect(filled(call, subjects)).toEqual({
      tool: 'read',
      arguments: { url: 'Patient/40006', id: 40006, list: ['study-a', 3], deep: { of: 'study-b' } },
    })
  })

  it('may be some of ours, and no others', () => {
    const calls = { demographics: { tool: 'get_patient' } }
    expect(mappingSchema.parse({ exchange: 'hapi', calls }).calls).toEqual({
      demographics: { tool: 'get_patient', arguments: {} },
    })
    expect(mappingSchema.safeParse({ exchange: 'hapi', calls: { unknown: { tool: 'x' } } }).success).toBe(
      false,
    )
    expect(Object.keys(ourCalls)).toContain('demographics')
  })
})
