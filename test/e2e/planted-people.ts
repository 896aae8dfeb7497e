import type { AnyResource, FhirVersion } from '../../src/fhir/types.ts'

/** Somebody whom no grant of a test lets through. */
export const foreign = 'pat-10'
/** In every text that names that person. */
export const secret = 'Secretova'

/** Whom the planted references name. */
export interface Planting {
  readonly version: FhirVersion
  /** Reference to the foreign person, relative. */
  readonly other: string
  /** Reference to somebody who is within the grant; undefined: there is nobody. */
  readonly own?: string | undefined
  /** Whether people stand only where FHIR lets them, so that the answer is valid. */
  readonly isValid: boolean
}

const kept = 'Keepers'
/** What stands in everything that has to stay. */
export const keepers = new RegExp(kept)

/** A resource with the foreign person, and with what may be named, in many of its elements. */
export function withPeople<T extends AnyResource>(resource: T, plan: Planting): T {
  const { other, own, version, isValid } = plan
  const named = { reference: other, display: secret }
  const unnamed = { identifier: { system: 'urn:mrn', value: secret } }
  const doctor = { reference: 'Practitioner/doc-1', display: kept }
  const kin = { reference: '#inner-relative', display: secret }
  const innerKept = { reference: '#inner-kept', display: kept }
  const extension = [
    { url: 'http://example.org/other', valueReference: named },
    { url: 'http://example.org/unnamed', valueReference: unnamed },
    { url: 'http://example.org/doctor', valueReference: doctor },
    ...(own === undefined
      ? []
      : [{ url: 'http://example.org/own', valueReference: { reference: own, display: kept } }]),
    { url: 'http://example.org/deep', extension: [{ url: 'x', valueReference: named }] },
  ]
  const contained = [
    { resourceType: 'Patient', id: 'inner-patient', name: [{ family: secret }] },
    { resourceType: 'RelatedPerson', id: 'inner-relative', patient: named, name: [{ family: secret }] },
    { resourceType: 'Specimen', id: 'inner-specimen', subject: named, note: [{ text: secret }] },
    { resourceType: 'Observation', id: 'inner-observation', subject: kin, code: { text: secret } },
    isValid
      ? { resourceType: 'Medication', id: 'inner-kept', code: { text: kept } }
      : { resourceType: 'Practitioner', id: 'inner-kept', name: [{ family: kept }] },
  ]
  const note = [{ authorReference: named, text: kept }]
  const given = Array.isArray(resource.extension) ? resource.extension : []
  const common = { ...resource, contained, extension: [...given, ...extension] }
  const within = (name: string) => {
    const value = resource[name]
    return typeof value === 'object' && value !== null ? { [name]: { ...value, extension } } : {}
  }
  const inner = (type: string) => (isValid ? { reference: `#inner-${type}`, display: secret } : named)
  switch (resource.resourceType) {
    case 'Patient':
      return {
        ...common,
        link: [named, kin].map((reference) => ({ other: reference, type: 'seealso' })),
        generalPractitioner: [doctor, innerKept],
        managingOrganization: { reference: 'Organization/org-1', display: kept, extension },
      }
    case 'Observation':
      return {
        ...common,
        ...within('code'),
        ...within('valueQuantity'),
        performer: [named, kin, unnamed, { reference: '#inner-patient', display: secret }, doctor, innerKept],
        focus: [named],
        method: { text: kept, extension },
        note,
        hasMember: [inner('observation')],
        derivedFrom: [inner('observation')],
        specimen: inner('specimen'),
      }
    case 'ResearchStudy': {
      const sponsor = { reference: 'Organization/org-1', display: kept, extension }
      const party = (text: string, reference: object) => ({ role: { text }, party: reference })
      return {
        ...common,
        note,
        ...(version === 'R4'
          ? {
              sponsor,
              principalInvestigator: innerKept,
              enrollment: [{ reference: 'Group/g', display: secret }],
            }
          : { associatedParty: [party('sponsor', sponsor), party('other', innerKept)] }),
      }
    }
    case 'Encounter':
      return common
    default:
      return { ...common, note, ...(isValid ? {} : { recorder: innerKept, asserter: kin }) }
  }
}

/** A change of an answer that plants people in each resource of these types. */
export function planting(types: readonly string[], plan: (resource: AnyResource) => Planting) {
  const change = (body: unknown): unknown => {
    if (!isResource(body)) return body
    if (types.includes(body.resourceType)) return withPeople(body, plan(body))
    if (body.resourceType !== 'Bundle' || !Array.isArray(body.entry)) return body
    const entry = body.entry.map((one: { resource?: unknown }) => ({
      ...one,
      resource: change(one.resource),
    }))
    return { ...body, entry }
  }
  return { kind: 'rewrite', change } as const
}

function isResource(value: unknown): value is AnyResource {
  return typeof value === 'object' && value !== null && 'resourceType' in value
}
