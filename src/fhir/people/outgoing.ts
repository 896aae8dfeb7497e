import { freeOfForbidden, removedFrom, withoutCount } from '../forbidden-characters.ts'
import type { LocalReference } from '../reference.ts'
import { markSubsetted } from '../subsetted.ts'
import { keptContained } from './contained.ts'
import { leftOutOf, noteLeftOut } from './left-out.ts'
import { elementsOf, type Node, type Tally, type Walk } from './walk.ts'

/** What may leave with a resource. */
export interface OutgoingPolicy {
  /** Where the exchange is: absolute references on it are its own. */
  readonly baseUrl: string
  /** Whether a person of the exchange may be named: a Patient, Person, RelatedPerson or Group by its id. */
  readonly mayName: (person: LocalReference) => boolean
  readonly attachments: 'kept' | 'left out'
}

/**
 * A resource as it may leave: a reference to a person whom the policy does not name keeps its type and nothing else
 * (data-absent-reason `masked`), and contained people are left out. What was left out marks the resource SUBSETTED and is told by
 * `leftOutOf`. Where nothing is, the resource itself. A resource that went through is not gone through again. Control characters that
 * FHIR forbids go first, so that no reference is another one without them; a text without them is the whole of it.
 *
 * References are known by what they are in FHIR's definitions (R4 and R5): literal ones wherever they stand, and those by identifier or
 * display alone where their element may name a person. Narrative and free text are no references.
 */
export function outgoing<T extends { resourceType: string }>(resource: T, policy: OutgoingPolicy): T {
  if (leftOutOf(resource) !== undefined) return resource
  const free = freeOfForbidden(resource)
  const characters = removedFrom(free) + (free === resource ? 0 : removedFrom(resource))
  const whole = withoutCount(free)
  const tally: Tally = { references: 0, contained: 0, attachments: 0 }
  const walk: Walk = { policy, kept: nobody, gone: noTypes, tally }
  const walked =
    'contained' in whole ? walkedWith(whole, walk) : elementsOf(whole as Node, whole.resourceType, walk)
  const isAll = tally.references + tally.contained + tally.attachments === 0
  if (isAll && characters === 0) return resource
  // What is left of a resource is one of the same type.
  const left = isAll ? whole : markSubsetted(walked as T)
  noteLeftOut(left, { ...tally, characters })
  return left
}

const nobody: ReadonlySet<string> = new Set()
const noTypes: ReadonlyMap<string, string> = new Map()

/** Contained resources first: what does not leave is referred to by nothing that does. */
function walkedWith(resource: { resourceType: string; contained?: unknown }, walk: Walk): Node {
  const { contained, ...rest } = resource
  const found = keptContained(contained, walk)
  const own = elementsOf(rest, resource.resourceType, { ...walk, ...found })
  return found.left.length === 0 ? own : { ...own, contained: found.left }
}
