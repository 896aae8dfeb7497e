import { describe, expect, it } from 'vitest'
import { localReference } from '../../src/fhir/reference.ts'

const base = 'https://exchange.example/fhir'

describe('a reference', () => {
  it.each([
    ['Patient/1'],
    ['Patient/1/_history/2'],
    ['https://exchange.example/fhir/Patient/1'],
    ['https://exchange.example/fhir/Patient/1/_history/2'],
  ])('%s names the patient', (reference) => {
    expect(localReference(reference, base)).toEqual({ type: 'Patient', id: '1' })
    expect(localReference(reference, `${base}/`)).toEqual({ type: 'Patient', id: '1' })
  })

  it.each([
    'https://elsewhere.example/fhir/Patient/1',
    'https://exchange.example/fhirs/Patient/1',
    'https://exchange.example/fhir.evil/Patient/1',
    'http://exchange.example/fhir/Patient/1',
    'urn:uuid:6f1c3c1e-0000-4000-8000-000000000000',
    '#patient',
    'Patient/',
    'Patient',
    '/Patient/1',
    'Patient/1/',
    'Patient/1/_history',
    'Patient/1/_history/',
    'Patient/1/Observation/2',
    'Patient/1/_history/2/x',
    'patient/1',
    'Patient/..',
    'Patient/1?x=y',
    'Patient/1#x',
    '',
    undefined,
    null,
    17,
    { reference: 'Patient/1' },
  ])('%s names nothing that a grant could be held against', (reference) => {
    expect(localReference(reference, base)).toBeUndefined()
  })
})
