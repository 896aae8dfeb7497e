import { masked } from '../fhir/masked.ts'
import { localReference } from '../fhir/reference.ts'
import type { Observation } from '../fhir/types.ts'

type Reference = NonNullable<Observation['focus']>[number]

/** Types that are, or list, people. */
const people: ReadonlySet<string | undefined> = new Set(['Patient', 'RelatedPerson', 'Person', 'Group'])

/**
 * An observation whose focus names nobody but its own patient: a reference to somebody else, or one that cannot be told, keeps
 * its type and nothing else. One to the patient is written as `subject` is, so that the two can be compared.
 */
export function withFocusHeld<T extends Observation>(observation: T, baseUrl: string): T {
  const { focus, subject } = observation
  if (!Array.isArray(focus) || focus.length === 0) return observation
  const held = focus.map((one) => heldReference(one, subject, observation, baseUrl))
  return Object.assign({}, observation, { focus: held })
}

function heldReference(
  focus: Reference,
  subject: Reference | undefined,
  { contained }: Observation,
  baseUrl: string,
): Reference {
  const { reference, identifier: _, ...rest } = focus
  const type = focus.type === undefined ? undefined : focus.type.slice(focus.type.lastIndexOf('/') + 1)
  if (reference === undefined) return people.has(type) ? typeOnly(type) : rest
  if (reference.startsWith('#')) {
    const inner = (contained ?? []).find(({ id }) => id === reference.slice(1))?.resourceType
    return inner === undefined || people.has(inner) ? typeOnly(inner ?? type) : focus
  }
  const local = localReference(reference, baseUrl)
  if (local === undefined) return typeOnly(type)
  const own = localReference(subject?.reference, baseUrl)
  if (local.type === own?.type && local.id === own.id) return { ...focus, ...subject }
  return people.has(local.type) ? typeOnly(local.type) : { ...focus, reference: `${local.type}/${local.id}` }
}

/** R5 ref-2: a reference without reference, identifier and display has to have an extension. */
function typeOnly(type: string | undefined): Reference {
  return { ...(type === undefined ? {} : { type }), extension: [...masked.extension] }
}
