import { type LocalReference, localReference } from '../reference.ts'
import { resourceTypes } from './reference-elements.ts'

/** Types that are, or list, people. */
const peopleTypes = ['Patient', 'Person', 'RelatedPerson', 'Group'] as const
export type PersonType = (typeof peopleTypes)[number]

/** What a literal reference names. */
export type Named =
  /** A resource of this exchange. */
  | { readonly kind: 'here'; readonly resource: LocalReference }
  /** A resource within the same one. */
  | { readonly kind: 'inner'; readonly id: string }
  /** A person who cannot be held against a grant: elsewhere, by a condition, or in a form that is none. */
  | { readonly kind: 'person'; readonly type: PersonType }
  /** Something that is no person. */
  | { readonly kind: 'other' }
  | { readonly kind: 'unknown' }

const known: ReadonlySet<string> = new Set(resourceTypes.trim().split(/\s+/))
const absolute =
  /^https?:\/\/[^/?#\s]+(\/(?:[^?#\s]*\/)?)([A-Z][A-Za-z]+)\/[A-Za-z0-9\-.]{1,64}(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/
const conditional = /^(?:https?:\/\/[^?#\s]+\/)?([A-Z][A-Za-z]+)\?/
/** What may be named by a condition: it is no person, and a condition on it names none. */
const namedByCondition: ReadonlySet<string> = new Set([
  'Practitioner',
  'PractitionerRole',
  'Organization',
  'Location',
])

/** Whether a type is of people. */
export function isPersonType(type: string): type is PersonType {
  return (peopleTypes as readonly string[]).includes(type)
}

/** Whether there is such a type of resource in R4 or R5. */
export function isKnownType(type: string): boolean {
  return known.has(type)
}

/** Whether a resource of a type may leave inside of another one: people may not, and what is of no type of FHIR may be anybody. */
export function mayStandWithin(type: string): boolean {
  return known.has(type) && !isPersonType(type)
}

/**
 * What a literal reference names (R5 §2.1.3.1). Only `Type/id`, with a version or on the exchange's own base, can name a person
 * who is let through; any other form in which a type of people stands names a person.
 */
export function namedBy(reference: string, baseUrl: string): Named {
  if (reference.startsWith('#')) return { kind: 'inner', id: reference.slice(1) }
  const resource = localReference(reference, baseUrl)
  if (resource !== undefined && known.has(resource.type)) return { kind: 'here', resource }
  const [, path = '', type = ''] = absolute.exec(reference) ?? []
  if (known.has(type)) {
    const person = isPersonType(type) ? type : path.split('/').find(isPersonType)
    return person === undefined ? { kind: 'other' } : { kind: 'person', type: person }
  }
  const person = personIn(reference)
  if (person !== undefined) return { kind: 'person', type: person }
  const [, searched = ''] = conditional.exec(reference) ?? []
  if (namedByCondition.has(searched)) return { kind: 'other' }
  // By a condition on what is somebody's, that somebody is named.
  return known.has(searched) ? { kind: 'person', type: 'Patient' } : { kind: 'unknown' }
}

/** The type that `Reference.type` says: relative, or absolute (`http://hl7.org/fhir/StructureDefinition/Patient`). */
export function typeSaid(type: unknown): string | undefined {
  if (typeof type !== 'string') return undefined
  const [bare = ''] = type.slice(type.lastIndexOf('/') + 1).split(/[|#?]/)
  return known.has(bare) ? bare : personIn(type)
}

/** The type of people that stands in a text as a word, however it is written. */
function personIn(text: string): PersonType | undefined {
  const [, word = ''] = /(?:^|[^a-z])(patient|person|relatedperson|group)(?![a-z])/i.exec(decoded(text)) ?? []
  return peopleTypes.find((type) => type.toLowerCase() === word.toLowerCase())
}

/** Percent-encodings taken out, also of what was encoded twice. */
function decoded(text: string): string {
  let [before, after] = ['', text]
  for (let round = 0; round < 3 && before !== after && after.includes('%'); round += 1) {
    before = after
    after = after.replace(/%([0-7][0-9a-f])/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
  }
  return after
}
