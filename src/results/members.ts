import { masked } from '../fhir/masked.ts'
import { localReference } from '../fhir/reference.ts'
import type { Observation } from '../fhir/types.ts'
import { nameWord } from './own-words.ts'
import { word } from './quoted.ts'
import { nameOfObservation } from './reading-names.ts'

type Reference = NonNullable<Observation['hasMember']>[number]

/** Observations that others refer to, by id: those that came within the grant. */
export type KnownObservations = ReadonlyMap<string, Observation>

const mostNamed = 20

/** Ids of the observations that one refers to, as members of a panel or as what it was derived from. */
export function idsOfRelated({ hasMember, derivedFrom }: Observation, baseUrl: string): string[] {
  return [...(hasMember ?? []), ...(derivedFrom ?? [])].flatMap(({ reference }) => {
    const local = localReference(reference, baseUrl)
    return local?.type === 'Observation' ? [local.id] : []
  })
}

/** An observation whose references to others keep id and display only where those came within the grant. */
export function withKnownRelated(observation: Observation, known: KnownObservations): Observation {
  const { hasMember, derivedFrom } = observation
  if (hasMember === undefined && derivedFrom === undefined) return observation
  const closed = (references: readonly Reference[]) => references.map((one) => closedReference(one, known))
  return Object.assign(
    {},
    observation,
    hasMember === undefined ? {} : { hasMember: closed(hasMember) },
    derivedFrom === undefined ? {} : { derivedFrom: closed(derivedFrom) },
  )
}

/** What a panel consists of, and what a value was derived from: `panel of 2 members: Potassium (2823-3) k1, a member`. */
export function relatedTexts(
  { hasMember = [], derivedFrom = [] }: Observation,
  known: KnownObservations,
): string[] {
  const texts: string[] = []
  if (hasMember.length > 0) {
    const count = `panel of ${hasMember.length} member${hasMember.length === 1 ? '' : 's'}`
    texts.push(`${count}: ${namesOf(hasMember, known, 'a member')}`)
  }
  if (derivedFrom.length > 0) {
    texts.push(`derived from ${namesOf(derivedFrom, known, 'another observation')}`)
  }
  return texts
}

function namesOf(references: readonly Reference[], known: KnownObservations, unknown: string): string {
  const names = references.map((one) => {
    const local = localReference(one.reference, '')
    const observation = local?.type === 'Observation' ? known.get(local.id) : undefined
    if (observation !== undefined) return `${nameWord(nameOfObservation(observation).label)} ${local?.id}`
    const type = local?.type ?? one.type
    return type === undefined || type === 'Observation' ? unknown : `a ${word(type)}`
  })
  const rest = names.length - mostNamed
  return names.slice(0, mostNamed).join(', ') + (rest > 0 ? ` and ${rest} more` : '')
}

/** R5 ref-2: a reference without reference, identifier and display has to have an extension. */
function closedReference(one: Reference, known: KnownObservations): Reference {
  const local = localReference(one.reference, '')
  if (local !== undefined && (local.type !== 'Observation' || known.has(local.id))) return one
  const type = local?.type ?? one.type
  return { ...(type === undefined ? {} : { type }), extension: [...masked.extension] }
}
