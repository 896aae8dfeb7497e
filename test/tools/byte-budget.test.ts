import { describe, expect, it } from 'vitest'
import type { CompartmentType } from '../../src/fhir/compartment.ts'
import type { AnyResource, Observation, Patient, ResearchStudy } from '../../src/fhir/types.ts'
import type { Answer } from '../../src/results/answer.ts'
import { chartPatientObservations } from '../../src/tools/chart-patient-observations.ts'
import { countPatientObservations } from '../../src/tools/count-patient-observations.ts'
import { countStudyObservations } from '../../src/tools/count-study-observations.ts'
import { getPatientDateRange } from '../../src/tools/get-patient-date-range.ts'
import { getPatientDemographics } from '../../src/tools/get-patient-demographics.ts'
import { getPatientObservations } from '../../src/tools/get-patient-observations.ts'
import { getServerCapabilities } from '../../src/tools/get-server-capabilities.ts'
import { getStudyCount } from '../../src/tools/get-study-count.ts'
import { getStudyMetadata } from '../../src/tools/get-study-metadata.ts'
import { listStudies } from '../../src/tools/list-studies.ts'
import { listStudyPatients } from '../../src/tools/list-study-patients.ts'
import { readFhir } from '../../src/tools/read-fhir.ts'
import { searchFhir } from '../../src/tools/search-fhir.ts'
import { searchPatients } from '../../src/tools/search-patients.ts'
import { summarizePatientObservations } from '../../src/tools/summarize-patient-observations.ts'
import { summarizeStudyObservations } from '../../src/tools/summarize-study-observations.ts'
import type { Tool } from '../../src/tools/tool.ts'
import { callTool, enrolmentOf, principalOf } from './call-tool.ts'
import { callOn, observation, observationDouble, quantity } from './observation-double.ts'

const byteBudget = 65_536
/** Five times what an answer may have. */
const large = `x${' y1'.repeat(100_000)}`
const fiveMegabytes = `x${' y1'.repeat(1_666_666)}`

/** Everything that is answered, but for pictures, which have a bound of their own. */
function bytesOf({ structured, text = '', content = [] }: Answer): number {
  const others = content.filter(({ type }) => type !== 'image')
  return Buffer.byteLength(
    JSON.stringify(structured ?? {}) + text + (others.length > 0 ? JSON.stringify(others) : ''),
  )
}

/** Paths of all texts of a resource, but those that say which resource it is and whose. */
function pathsOf(value: unknown, path: readonly (string | number)[] = []): (string | number)[][] {
  if (typeof value === 'string') return [[...path]]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, member]) =>
    path.length === 0 && ['resourceType', 'id', 'subject', 'study', 'individual'].includes(name)
      ? []
      : pathsOf(member, [...path, name]),
  )
}

function planted<T>(resource: T, path: readonly (string | number)[], text = large): T {
  const copy = structuredClone(resource)
  const last = path.at(-1) ?? ''
  let at: unknown = copy
  for (const name of path.slice(0, -1)) at = Reflect.get(Object(at), name)
  Reflect.set(Object(at), last, text)
  return copy
}

const concept = {
  text: 'words',
  coding: [{ system: 'urn:codes', version: '1', code: 'c', display: 'display' }],
}
const range = { low: quantity(1), high: quantity(2), text: 'range', type: concept, appliesTo: [concept] }
const reference = {
  reference: 'Observation/other',
  type: 'Observation',
  display: 'name',
  identifier: { value: 'v' },
}
const base: Observation = {
  ...observation('o1'),
  meta: {
    versionId: '1',
    source: 'urn:s',
    profile: ['urn:p'],
    security: [{ code: 'R' }],
    tag: [{ display: 't' }],
  },
  implicitRules: 'urn:rules',
  language: 'de',
  text: { status: 'generated', div: '<div/>' },
  identifier: [{ system: 'urn:i', value: 'v' }],
  category: [concept],
  code: concept,
  effectiveDateTime: '2026-10-01T08:00:00Z',
  issued: '2026-10-04T08:00:00Z',
  performer: [reference],
  valueQuantity: { value: 64, unit: 'beats', system: 'urn:units', code: 'b' },
  interpretation: [concept],
  referenceRange: [range],
  note: [{ authorString: 'a', time: '2026', text: 'note' }],
  bodySite: concept,
  method: concept,
  device: { display: 'meter' },
  hasMember: [reference],
  derivedFrom: [reference],
  extension: [{ url: 'urn:x', valueString: 'v' }],
  component: [
    { code: concept, valueQuantity: quantity(1, 'a'), interpretation: [concept], referenceRange: [range] },
    { code: { text: 'second' }, valueString: 'v' },
  ],
} as Observation
const others: readonly Observation[] = [
  { ...observation('o2'), effectivePeriod: { start: '2026-10-01', end: '2026-10-02' }, valueString: 'v' },
  { ...observation('o3'), focus: [{ display: 'fetus' }], dataAbsentReason: concept },
  { ...observation('o4'), valueCodeableConcept: concept },
  {
    ...observation('o5'),
    effectiveTiming: { event: ['2026-10-01'], code: concept, repeat: { when: ['MORN'] } },
  },
  {
    ...observation('o6'),
    valueSampledData: {
      origin: quantity(0, 'mV'),
      dimensions: 1,
      interval: 4,
      intervalUnit: 'ms',
      data: '1 2',
      offsets: '0 1',
    },
  },
  {
    ...observation('o7'),
    valueAttachment: { contentType: 'image/png', title: 't', data: 'AAAA', url: 'urn:u' },
  },
  { ...observation('o8'), valueAttachment: { contentType: 'application/json', data: 'e30=' } },
  { ...observation('o9'), valueRange: { low: quantity(1, 'a'), high: quantity(2, 'b') } },
  { ...observation('o10'), valueRatio: { numerator: quantity(1, 'a'), denominator: quantity(2, 'b') } },
  { ...observation('o11'), valueReference: { reference: 'Device/1', display: 'd' } },
  { ...observation('o12'), valueTime: '08:00' },
  { ...observation('o13'), valueDateTime: '2026' },
  { ...observation('o14'), valuePeriod: { start: '2026', end: '2027' } },
  {
    ...observation('o15'),
    interpretation: [
      { text: 'average', coding: [{ system: 'https://w3id.org/openmhealth', code: 'average' }] },
    ],
    valueQuantity: quantity(1),
  },
  {
    ...observation('o16'),
    component: [
      {
        code: {
          coding: [{ system: 'https://w3id.org/openmhealth', code: 'descriptive_statistic_denominator' }],
        },
        valueString: 'd',
      },
    ],
    interpretation: [
      { text: 'average', coding: [{ system: 'https://w3id.org/openmhealth', code: 'average' }] },
    ],
    valueQuantity: quantity(1),
  },
  {
    ...observation('o17'),
    contained: [{ resourceType: 'Observation', id: 'c', status: 'final', code: concept }],
    modifierExtension: [{ url: 'urn:m', valueString: 'v' }],
    valueInteger: 3,
  },
] as Observation[]
const observations = [base, ...others].flatMap((one) =>
  pathsOf(one).map((path) => [`${one.id} ${path.join('.')}`, one, path] as const),
)

const onPatient = { patient_id: 'p1' }
const onStudy = { study_id: 's1' }
const readings: readonly (readonly [Tool, Record<string, unknown>])[] = [
  [getPatientObservations, onPatient],
  [getPatientObservations, { ...onPatient, format: 'fhir_full' }],
  [getPatientObservations, { ...onPatient, format: 'table' }],
  [getPatientDateRange, onPatient],
  [summarizePatientObservations, onPatient],
  [summarizeStudyObservations, { ...onStudy, by: 'week' }],
  [summarizeStudyObservations, { ...onStudy, by: 'patient' }],
]

describe('an answer about observations stays within its bytes, with a text that is larger', () => {
  it.each(observations)('at %s', async (_, one, path) => {
    const rows = [planted(one, path), observation('small', { valueQuantity: quantity(64) })]
    for (const [tool, given] of readings) {
      const answer = await callOn(tool, given, { exchange: observationDouble(rows) })
      expect(bytesOf(answer), `${tool.name} ${JSON.stringify(given)}`).toBeLessThanOrEqual(byteBudget)
    }
  })

  it.each<[string, readonly (string | number)[]]>([
    ['o1', ['code', 'text']],
    ['o1', ['note', 0, 'text']],
    ['o1', ['component', 1, 'valueString']],
    ['o2', ['valueString']],
    ['o6', ['valueSampledData', 'data']],
    ['o7', ['valueAttachment', 'data']],
  ])('of 5 MB, in %s at %j', async (id, path) => {
    const one = [base, ...others].find((other) => other.id === id) ?? base
    const rows = [planted(one, path, fiveMegabytes)]
    for (const [tool, given] of readings.slice(0, 5)) {
      const answer = await callOn(tool, given, { exchange: observationDouble(rows) })
      expect(bytesOf(answer), `${tool.name} ${JSON.stringify(given)}`).toBeLessThanOrEqual(byteBudget)
    }
  })

  it('in what a picture is drawn of, and in what is counted', async () => {
    const rows = ['code', 'unit'].map((place) => ({
      ...base,
      id: place,
      code: {
        text: place === 'code' ? large : 'c',
        coding: [{ system: 'http://loinc.org', code: '8867-4', display: large }],
      },
      valueQuantity: { value: 1, unit: large },
      component: [{ code: { text: large }, valueQuantity: { value: 1, unit: large } }],
    }))
    const exchange = observationDouble(rows)
    const calls: readonly (readonly [Tool, Record<string, unknown>])[] = [
      [chartPatientObservations, { ...onPatient, data_types: ['heart-rate', 'body-weight'] }],
      [countPatientObservations, onPatient],
      [countStudyObservations, { ...onStudy, by_patient: true }],
      [countStudyObservations, onStudy],
    ]
    for (const [tool, given] of calls) {
      expect(bytesOf(await callOn(tool, given, { exchange })), tool.name).toBeLessThanOrEqual(byteBudget)
    }
  })

  it('in many types and components at once', async () => {
    const rows = Array.from({ length: 2000 }, (_, n) =>
      observation(`o${n}`, {
        code: { text: `type ${n} ${'t'.repeat(150)}` },
        ...(n % 2 === 0 ? { valueString: 'words' } : { valueQuantity: quantity(n, `u${n}`) }),
        component: [{ code: { text: `part ${n} ${'p'.repeat(150)}` }, valueInteger: n }],
      }),
    )
    for (const [tool, given] of readings) {
      const answer = await callOn(
        tool,
        { ...given, ...('limit' in tool.input.shape ? { limit: 500 } : {}) },
        { exchange: observationDouble(rows) },
      )
      expect(bytesOf(answer), `${tool.name} ${JSON.stringify(given)}`).toBeLessThanOrEqual(byteBudget)
    }
  })
})

const patient = {
  resourceType: 'Patient',
  id: 'p1',
  meta: { security: [{ code: 'R' }], tag: [{ display: 't' }] },
  text: { status: 'generated', div: '<div/>' },
  extension: [{ url: 'urn:x', valueString: 'v' }],
  identifier: [{ system: 'urn:mrn', value: 'M1', type: concept }],
  name: [{ use: 'official', text: 'Ada Ångström', family: 'Ångström', given: ['Ada'], prefix: ['Dr.'] }],
  telecom: [{ system: 'phone', value: '1' }],
  gender: 'female',
  birthDate: '1962-05-14',
  deceasedDateTime: '2026',
  address: [{ text: 'a', line: ['l'], city: 'c' }],
  maritalStatus: concept,
  photo: [{ contentType: 'image/png', data: 'AAAA' }],
  contact: [{ name: { text: 'n' } }],
  communication: [{ language: concept }],
  generalPractitioner: [{ display: 'd' }],
  managingOrganization: { reference: 'Organization/o', display: 'o' },
  link: [{ other: { reference: 'Patient/p9', display: 'd' }, type: 'replaced-by' }],
} as unknown as Patient
const study = {
  resourceType: 'ResearchStudy',
  id: 's1',
  status: 'active',
  title: 'One',
  description: 'd',
  identifier: [{ system: 'urn:s', value: 'v' }],
  phase: concept,
  period: { start: '2026', end: '2027' },
  sponsor: { reference: 'Organization/o', display: 'o' },
  principalInvestigator: { display: 'd' },
  note: [{ text: 'n' }],
  arm: [{ name: 'a', description: 'd' }],
  contact: [{ name: 'n' }],
  keyword: [concept],
} as unknown as ResearchStudy
const principal = principalOf({ studies: ['s1'] })
const people: readonly (readonly [Tool, Record<string, unknown>])[] = (
  ['fhir', 'fhir_full', 'table'] as const
).flatMap((format) => [
  [listStudyPatients, { ...onStudy, detail: 'identified', format }] as const,
  [searchPatients, { identifier: 'M1', detail: 'identified', format }] as const,
  ...(format === 'table' ? [] : [[getPatientDemographics, { ...onPatient, format }] as const]),
])
const studies: readonly (readonly [Tool, Record<string, unknown>])[] = [
  [listStudies, {}],
  [listStudies, { format: 'fhir_full' }],
  [listStudies, { format: 'table' }],
  [getStudyMetadata, onStudy],
  [getStudyMetadata, { ...onStudy, format: 'fhir_full' }],
  [getStudyCount, {}],
]
const enrolment = enrolmentOf('p1')

describe('an answer about people and studies stays within its bytes, with a text that is larger', () => {
  it.each(pathsOf(patient).map((path) => [path.join('.'), path] as const))(
    'at Patient.%s',
    async (_, path) => {
      const holdings = { patients: [planted(patient, path)], rosters: { 'study/s1': [enrolment] } }
      for (const [tool, given] of people) {
        const { answer } = await callTool(tool, given, { principal, holdings })
        expect(bytesOf(answer), `${tool.name} ${JSON.stringify(given)}`).toBeLessThanOrEqual(byteBudget)
      }
    },
  )

  it.each(pathsOf(study).map((path) => [path.join('.'), path] as const))(
    'at ResearchStudy.%s',
    async (_, path) => {
      const holdings = { studies: [planted(study, path)], rosters: { 'study/s1': [enrolment] } }
      for (const [tool, given] of studies) {
        const { answer } = await callTool(tool, given, { principal, holdings })
        expect(bytesOf(answer), `${tool.name} ${JSON.stringify(given)}`).toBeLessThanOrEqual(byteBudget)
      }
    },
  )

  it.each(['codes', 'status', 'start', 'end'])('at the %s of an enrolment', async (name) => {
    const odd = { ...enrolment, [name]: name === 'codes' ? [large, large] : large }
    const holdings = { patients: [patient], rosters: { 'study/s1': [odd] } }
    for (const [tool, given] of [...people, [getStudyCount, {}] as const]) {
      const { answer } = await callTool(tool, given, { principal, holdings })
      expect(bytesOf(answer), `${tool.name} ${JSON.stringify(given)}`).toBeLessThanOrEqual(byteBudget)
    }
  })

  it('in what an exchange says of itself', async () => {
    const capabilities = {
      software: large,
      searches: { Patient: [large], Observation: Array.from({ length: 50_000 }, (_, n) => `search-${n}`) },
    }
    const { answer } = await callTool(getServerCapabilities, {}, { principal, holdings: { capabilities } })
    expect(bytesOf(answer)).toBeLessThanOrEqual(byteBudget)
  })
})

const request = {
  resourceType: 'MedicationRequest',
  id: 'm1',
  status: 'active',
  intent: 'order',
  medicationReference: { reference: '#drug', display: 'Axid' },
  subject: { reference: 'Patient/p1' },
  authoredOn: '2026-10-01',
  note: [{ text: 'n' }],
  dosageInstruction: [{ text: 'd', route: concept }],
  reasonCode: [concept],
  contained: [{ resourceType: 'Medication', id: 'drug', code: concept }],
} as unknown as AnyResource

describe('an answer about a record stays within its bytes, with a text that is larger', () => {
  const types: [CompartmentType] = ['MedicationRequest']
  const records: readonly (readonly [Tool, Record<string, unknown>])[] = [
    [searchFhir(types) as unknown as Tool, { ...onPatient, type: 'MedicationRequest' }],
    [searchFhir(types) as unknown as Tool, { ...onPatient, type: 'MedicationRequest', format: 'table' }],
    [readFhir(types) as unknown as Tool, { ...onPatient, type: 'MedicationRequest', id: 'm1' }],
  ]
  it.each(pathsOf(request).map((path) => [path.join('.'), path] as const))(
    'at MedicationRequest.%s',
    async (_, path) => {
      const held = planted(request, path)
      const exchange = observationDouble([], {
        search: async () => ({ resources: [held], positionAfter: () => undefined, total: 1, gaps: [] }),
        read: async () => held,
      })
      for (const [tool, given] of records) {
        const answer = await callOn(tool, given, { exchange })
        expect(bytesOf(answer), `${tool.name} ${JSON.stringify(given)}`).toBeLessThanOrEqual(byteBudget)
      }
    },
  )
})
