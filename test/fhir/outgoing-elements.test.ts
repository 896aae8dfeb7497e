import { describe, expect, it } from 'vitest'
import { compartmentRule, compartmentTypes } from '../../src/fhir/compartment.ts'
import { masked } from '../../src/fhir/masked.ts'
import { type OutgoingPolicy, outgoing } from '../../src/fhir/people/outgoing.ts'
import type { FhirVersion } from '../../src/fhir/types.ts'
import { type ElementPath, elementPaths, planted, textOfPath, valueAt } from './element-paths.ts'

const policy: OutgoingPolicy = {
  baseUrl: 'http://exchange.example/fhir',
  attachments: 'kept',
  mayName: ({ type, id }) => type === 'Patient' && id === 'own',
}
const people = ['Patient', 'Person', 'RelatedPerson', 'Group']
const releases = ['R4', 'R5'] as const
const types = (version: FhirVersion) => [
  'Patient',
  'Observation',
  'ResearchStudy',
  'ResearchSubject',
  'Group',
  'Medication',
  ...compartmentTypes.filter((type) => compartmentRule(type).releases.includes(version)),
]
const cases = releases.flatMap((version) => types(version).map((type) => [type, version] as const))

/** Whether an element may name a person in a release. */
const mayBePerson = ({ targets }: ElementPath) =>
  targets === undefined || targets.some((one) => people.includes(one))

/** Paths of elements that may name a person in one of the two: the walk does not know which release it is in. */
function personPaths(type: string): ReadonlySet<string> {
  const all = releases.flatMap((version) => elementPaths(type, version))
  return new Set(all.filter((path) => path.kind !== 'Extension' && mayBePerson(path)).map(textOfPath))
}

/** A Reference in an element of this kind. */
function inElement({ kind }: ElementPath, reference: object): object {
  if (kind === 'Reference') return reference
  if (kind === 'CodeableReference') return { concept: { text: 'a concept' }, reference }
  return { url: 'http://example.org/x', valueReference: reference }
}

const of = (type: string) => ({ type, extension: masked.extension })
const foreign = { reference: 'Patient/foreign', display: 'Fremd' }
const kept = [
  { reference: 'Patient/own', display: 'Eigen' },
  { reference: 'http://exchange.example/fhir/Patient/own/_history/2' },
  { reference: 'Practitioner/d', display: 'A doctor' },
  { type: 'Practitioner', identifier: { value: 'D' }, display: 'A doctor' },
  { reference: 'Organization/o', display: 'A clinic' },
]
const hidden: readonly (readonly [object, object])[] = [
  [foreign, of('Patient')],
  [{ reference: 'http://exchange.example/fhir/Patient/foreign' }, of('Patient')],
  [{ reference: 'https://elsewhere.example/fhir/Patient/own', display: 'Fremd' }, of('Patient')],
  [{ reference: 'RelatedPerson/foreign', display: 'Fremd' }, of('RelatedPerson')],
  [{ reference: 'Person/foreign', display: 'Fremd' }, of('Person')],
  [{ reference: 'Group/foreign', display: 'Fremd' }, of('Group')],
  [{ type: 'Patient', identifier: { value: 'foreign' } }, of('Patient')],
  [{ type: 'Patient', display: 'Fremd' }, of('Patient')],
]
/** What may be a person only where the element may name one. */
const unnamed = [
  { display: 'Fremd' },
  { identifier: { system: 'urn:mrn', value: 'foreign' } },
  { reference: 'urn:uuid:9f0c8a34-0000-4000-8000-foreign00000', display: 'Fremd' },
]

describe('what FHIR’s definitions let name a person', () => {
  it.each([
    ['Patient', 'link.other', true],
    ['Observation', 'performer', true],
    ['Observation', 'focus', true],
    ['Observation', 'note.authorReference', true],
    ['Observation', 'device', false],
    ['Observation', 'hasMember', false],
    ['ResearchStudy', 'sponsor', false],
    ['ResearchSubject', 'individual', true],
    ['Immunization', 'informationSource', true],
    ['MedicationRequest', 'medication', false],
  ])('is read from them (control): %s.%s', (type, path, may) => {
    const all = releases.flatMap((version) => elementPaths(type, version)).map(textOfPath)
    expect(all).toContain(path)
    expect(personPaths(type).has(path)).toBe(may)
  })
})

describe.each(cases)('every element of %s in %s', (type, version) => {
  // The number of a subscriber who is not named leaves as a whole or not at all.
  const paths = elementPaths(type, version).filter((path) => !textOfPath(path).includes('subscriberId'))
  const left = (path: ElementPath, reference: object) => {
    const after = valueAt(outgoing(planted(type, path, inElement(path, reference)), policy), path)
    if (path.kind === 'Reference') return after
    const holder = after as { reference?: unknown; valueReference?: unknown; concept?: unknown } | undefined
    if (path.kind === 'CodeableReference') expect(holder?.concept).toEqual({ text: 'a concept' })
    return path.kind === 'CodeableReference' ? holder?.reference : holder?.valueReference
  }
  const told = (one: object, path: ElementPath) => `${textOfPath(path)} ${JSON.stringify(one)}`

  it('lets nobody out who is not named, wherever the reference stands', () => {
    expect(paths.length).toBeGreaterThan(20)
    const may = personPaths(type)
    for (const path of paths) {
      // Where no person belongs, the type of one would be no FHIR.
      const isFitting = path.kind === 'Extension' || may.has(textOfPath(path))
      for (const [one, after] of hidden) {
        expect(left(path, one), told(one, path)).toEqual(isFitting ? after : { extension: masked.extension })
      }
    }
  })

  it('keeps who is named, and who is no patient', () => {
    for (const path of paths) {
      for (const one of kept) expect(left(path, one), told(one, path)).toBe(one)
    }
  })

  it('masks what has no type where it may be a person, and keeps it where it may not', () => {
    const may = personPaths(type)
    for (const path of paths) {
      const isHidden = path.kind === 'Extension' || may.has(textOfPath(path))
      for (const one of unnamed) {
        expect(left(path, one), told(one, path)).toEqual(isHidden ? { extension: masked.extension } : one)
      }
    }
  })
})
