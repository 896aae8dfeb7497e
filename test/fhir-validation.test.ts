import { describe, expect, it } from 'vitest'
import type { FhirVersion } from '../src/fhir/types.ts'
import type { TestClient } from './e2e/clients.ts'
import { validClient } from './e2e/valid-client.ts'
import { expectValid, expectValidAnswer, faultsOf } from './fhir-validation.ts'

const subsetted = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' }
const unknown = {
  extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' }],
}
const observation = {
  resourceType: 'Observation',
  id: 'o1',
  meta: { tag: [subsetted] },
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] },
  subject: { reference: 'Patient/p1' },
  effectiveDateTime: '2026-02-28T10:00:00Z',
  valueQuantity: { value: 60, unit: '/min', system: 'http://unitsofmeasure.org', code: '/min' },
}
const patient = { resourceType: 'Patient', id: 'p1', gender: 'female', birthDate: '1962' }
const outcome = { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'forbidden' }] }
const note = { resourceType: 'OperationOutcome', issue: [{ severity: 'information', code: 'informational' }] }
const entry = {
  fullUrl: 'https://exchange.invalid/Observation/o1',
  resource: observation,
  search: { mode: 'match' },
}
const searchset = {
  resourceType: 'Bundle',
  type: 'searchset',
  total: 1,
  timestamp: '2026-02-28T10:00:00.000Z',
  link: [{ relation: 'self', url: 'Observation?patient=p1' }],
  entry: [entry],
}
const parameters = {
  resourceType: 'Parameters',
  parameter: [
    { name: 'count', valueInteger: 3 },
    { name: 'of', part: [{ name: 'mean', valueDecimal: 1.5 }] },
  ],
}
const study = { resourceType: 'ResearchStudy', id: 's1', title: 'A', status: 'active' }
const subjectR4 = {
  resourceType: 'ResearchSubject',
  status: 'on-study',
  study: { reference: 'ResearchStudy/s1' },
  individual: { reference: 'Patient/p1' },
}
const subjectR5 = {
  resourceType: 'ResearchSubject',
  status: 'unknown',
  study: { reference: 'ResearchStudy/s1' },
  subject: { reference: 'Patient/p1' },
}
const both = ['R4', 'R5'] as const

describe.each(both)('what is valid %s', (version) => {
  it.each([observation, patient, outcome, searchset, parameters, study])(
    '$resourceType passes',
    (resource) => {
      expect(faultsOf(resource, version)).toEqual([])
    },
  )
})

describe('a resource of one version', () => {
  it.each([
    ['ResearchSubject', subjectR4, 'R4'],
    ['ResearchSubject', subjectR5, 'R5'],
    ['ResearchStudy', { ...study, status: 'closed-to-accrual' }, 'R4'],
    ['ResearchStudy', { ...study, status: 'draft' }, 'R5'],
    ['ResearchStudy', { ...study, sponsor: { reference: 'Organization/o' } }, 'R4'],
    ['ResearchStudy', { ...study, label: [{ value: 'A' }] }, 'R5'],
  ] as const)('%s %j is valid in %s alone', (_, resource, version) => {
    const other: FhirVersion = version === 'R4' ? 'R5' : 'R4'
    expect(faultsOf(resource, version)).toEqual([])
    expect(faultsOf(resource, other)).not.toEqual([])
  })
})

const { status: _, ...withoutStatus } = observation
const { code: __, ...withoutCode } = observation
const { link: ___, ...withoutLink } = searchset
const inner = { ...patient, resourceType: 'Patient', contained: [patient] }

describe.each(both)('what is not valid %s', (version) => {
  it.each<[string, unknown, RegExp]>([
    ['no resource', { columns: [], rows: [] }, /no resourceType/],
    ['another type', { resourceType: 'Appointment' }, /not a type/],
    ['a mandatory code left out', withoutStatus, /status/],
    ['a mandatory code with a reason in its place', { ...withoutStatus, _status: unknown }, /status/],
    ['a mandatory element left out', withoutCode, /required property 'code'/],
    ['one where many belong', { ...observation, category: { text: 'x' } }, /category must be array/],
    ['many where one belongs', { ...observation, status: ['final'] }, /status/],
    ['an unknown element', { ...patient, birthYear: 1962 }, /additional properties.*birthYear/],
    ['an unknown code', { ...observation, status: 'done' }, /status must be equal to one of/],
    ['a code that is a number', { ...patient, gender: 1 }, /gender/],
    ['a number as text', { ...observation, valueQuantity: { value: '60' } }, /value must be number/],
    ['a date of no form', { ...patient, birthDate: '14.05.1962' }, /birthDate must match pattern/],
    ['a day that is not', { ...patient, birthDate: '1962-02-30' }, /birthDate must match format/],
    [
      'a time that is not',
      { ...observation, effectiveDateTime: '2026-02-30T10:00:00Z' },
      /effectiveDateTime/,
    ],
    ['a malformed id', { ...patient, id: 'a/b' }, /id must match pattern/],
    ['a malformed reference', { ...observation, subject: { reference: 'Patient' } }, /reference must match/],
    [
      'a reference to no type',
      { ...observation, subject: { reference: 'Person1/p' } },
      /reference must match/,
    ],
    ['one to a wrong type', { ...observation, subject: { reference: 'Bundle/b1' } }, /targets/],
    ['one into nothing', { ...observation, subject: { reference: '#p' } }, /ref-1/],
    ['two values', { ...observation, valueString: 'sixty' }, /atMostOne/],
    ['a value that is absent', { ...observation, dataAbsentReason: { text: 'x' } }, /obs-6/],
    ['a component of the same code', { ...observation, component: [{ code: observation.code }] }, /obs-7/],
    ['a unit of no system', { ...observation, valueQuantity: { value: 1, code: 'kg' } }, /qty-3/],
    [
      'a period that ends first',
      { ...withoutEffective(), effectivePeriod: { start: '2026-03', end: '2026-02-27' } },
      /per-1/,
    ],
    ['a mark twice', { ...observation, meta: { tag: [subsetted, subsetted] } }, /tags/],
    ['an extension of nothing', { ...patient, extension: [{ url: 'urn:x' }] }, /ext-1/],
    ['an empty array', { ...patient, name: [] }, /\/name is empty/],
    ['an empty object', { ...patient, meta: {} }, /\/meta is empty/],
    ['an empty text', { ...patient, name: [{ family: '' }] }, /\/family is empty/],
    ['null', { ...patient, gender: null }, /gender/],
    ['nested contained resources', { ...patient, contained: [inner] }, /dom-2/],
    [
      'total of no search',
      { ...searchset, type: 'collection', entry: [{ ...entry, search: undefined }] },
      /bdl-1/,
    ],
    ['search of no search', { resourceType: 'Bundle', type: 'collection', entry: [entry] }, /bdl-2/],
    ['an entry without a resource', { ...searchset, entry: [{ search: { mode: 'match' } }] }, /bdl-3/],
    ['an entry twice', { ...searchset, entry: [entry, entry] }, /bdl-7/],
    ['an entry of a version', { ...searchset, entry: [{ ...entry, fullUrl: 'urn:x/_history/1' }] }, /bdl-8/],
    ['an entry of no URL', { ...searchset, entry: [{ ...entry, fullUrl: undefined }] }, /bdl-15/],
    ['a searchset without self', withoutLink, /bdl-18/],
    ['an unknown mode', { ...searchset, entry: [{ ...entry, search: { mode: 'maybe' } }] }, /mode/],
    ['notes as a match', { ...searchset, entry: [{ ...entry, resource: note }] }, /search-mode/],
    [
      'a bad resource in a good Bundle',
      { ...searchset, entry: [{ ...entry, resource: withoutCode }] },
      /'code'/,
    ],
    [
      'a parameter of two values',
      { ...parameters, parameter: [{ name: 'a', valueCode: 'a', part: parameters.parameter }] },
      /inv-1/,
    ],
    ['a parameter of none', { ...parameters, parameter: [{ name: 'a' }] }, /inv-1/],
    ['an issue without a severity', { ...outcome, issue: [{ code: 'forbidden' }] }, /severity/],
    ['an unknown issue type', { ...outcome, issue: [{ severity: 'error', code: 'nope' }] }, /code/],
  ])('%s fails', (_title, resource, said) => {
    expect(faultsOf(resource, version).join('\n')).toMatch(said)
    expect(() => expectValid(resource, version)).toThrow()
  })
})

describe('an answer', () => {
  it('without FHIR passes, unless FHIR hides in it', () => {
    expectValidAnswer({ columns: ['id'], rows: [['a']], notes: [] }, 'R4')
    expect(() => expectValidAnswer({ rows: [patient] }, 'R4')).toThrow()
  })

  it('that is not valid fails the call of a client, and the read of a resource', async () => {
    const structured: Record<string, unknown> = { ...patient, gender: 'f' }
    const called = { text: '', structured, isError: false, content: [] }
    const asking: Pick<TestClient, 'call' | 'readResource'> = {
      call: async () => called,
      readResource: async () => JSON.stringify(structured),
    }
    const client = validClient(asking as TestClient, 'R4')
    await expect(client.call('x')).rejects.toThrow('gender')
    await expect(client.readResource('x')).rejects.toThrow('gender')
  })
})

function withoutEffective() {
  const { effectiveDateTime: _effective, ...others } = observation
  return others
}
