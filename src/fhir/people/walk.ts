import { masked } from '../masked.ts'
import { codeableReference, definitionOf, type Element, isExtension, memberOf } from './definitions.ts'
import { isKnownType, isPersonType, mayStandWithin, namedBy, typeSaid } from './named-by.ts'
import type { OutgoingPolicy } from './outgoing.ts'

/** One walk over a resource. */
export interface Walk {
  readonly policy: OutgoingPolicy
  /** Ids of the contained resources that leave. */
  readonly kept: ReadonlySet<string>
  /** Ids of those that do not, and their types. */
  readonly gone: ReadonlyMap<string, string>
  /** What was left out by now. */
  readonly tally: Tally
}

/** How much was left out. */
export interface Tally {
  references: number
  contained: number
  attachments: number
}

/** An object of JSON. */
export type Node = Readonly<Record<string, unknown>>

/** In place of what is not there any more. */
const nothing = Symbol('nothing')

/** The elements of a resource as they may leave; the resource itself where that is all of them. */
export function elementsOf(resource: Node, resourceType: string, walk: Walk): Node {
  const left = membersOf(resource, definitionOf(resourceType), walk)
  return resourceType === 'Coverage' ? withoutSubscriber(left, walk) : left
}

/** What an insurer calls the subscriber of a coverage says who that is, as a reference does. */
function withoutSubscriber(coverage: Node, walk: Walk): Node {
  const { subscriberId, _subscriberId, ...rest } = coverage
  if ((subscriberId ?? _subscriberId) === undefined) return coverage
  const { subscriber } = coverage
  if (isNode(subscriber) && typeof subscriber.reference === 'string') return coverage
  walk.tally.references += 1
  return rest
}

/** The members of an object as they may leave; the object itself where that is all of them. */
export function membersOf(holder: Node, element: Element, walk: Walk): Node {
  return changedMembers(holder, element, walk) ?? holder
}

/** The same; undefined where nothing changed. */
function changedMembers(holder: Node, element: Element, walk: Walk): Node | undefined {
  let changes: Map<string, unknown> | undefined
  for (const name in holder) {
    const member = holder[name]
    const after = name === '__proto__' ? prototypeGone(walk) : walkedMember(member, name, element, walk)
    if (after === member) continue
    changes ??= new Map()
    if (after === maskedUri) {
      changes.set(name, nothing).set(`_${name}`, masked)
    } else if (!changes.has(name)) changes.set(name, after)
  }
  if (changes === undefined) return undefined
  const changed = changes
  const names = new Set([...Object.keys(holder), ...changed.keys()])
  return Object.fromEntries(
    [...names].flatMap((name) => {
      const member = changed.has(name) ? changed.get(name) : holder[name]
      return member === nothing ? [] : [[name, member]]
    }),
  )
}

/** What JSON gives as an own member of this name is of no type of FHIR, and few copies would keep it. */
function prototypeGone(walk: Walk) {
  walk.tally.contained += 1
  return nothing
}

/** In place of a URI that named somebody. */
const maskedUri = Symbol('masked uri')

function walkedMember(member: unknown, name: string, holder: Element, walk: Walk): unknown {
  if (typeof member === 'string') {
    return isExtension(holder) && isUriName(name) && namesSomebody(member, walk.policy)
      ? masking(walk)
      : member
  }
  if (typeof member !== 'object' || member === null) return member
  return walked(member, memberOf(holder, name), walk)
}

function masking(walk: Walk) {
  walk.tally.references += 1
  return maskedUri
}

function walked(value: object, element: Element, walk: Walk): unknown {
  if (Array.isArray(value)) return walkedList(value, element, walk)
  const node = value as Node
  if (typeof node.resourceType === 'string') return walkedResource(node, node.resourceType, walk)
  if (element.person !== false && isCodeable(node)) return membersOf(node, codeableReference, walk)
  const mayBePerson = element.person !== false || element.members === 'unknown'
  if (element.person === true || isReference(node, mayBePerson))
    return walkedReference(node, mayBePerson, walk)
  const left = withoutData(node, walk)
  const changed = changedMembers(left, element, walk)
  if (changed === undefined) return left
  // An extension that lost its value says nothing, or something else.
  const isEmpty = Object.keys(changed).length === 0
  return isEmpty || (isExtension(element) && lost(left, changed)) ? nothing : changed
}

function walkedList(list: readonly unknown[], element: Element, walk: Walk): unknown {
  let isChanged = false
  const after = list.map((one) => {
    if (typeof one !== 'object' || one === null) return one
    const left = walked(one, element, walk)
    isChanged ||= left !== one
    return left
  })
  if (!isChanged) return list
  const left = after.filter((one) => one !== nothing)
  return left.length === 0 ? nothing : left
}

/** A resource where none belongs, or within a contained one: people go, whatever else it is may name them. */
function walkedResource(node: Node, resourceType: string, walk: Walk): unknown {
  if (!mayStandWithin(resourceType)) {
    walk.tally.contained += 1
    return nothing
  }
  return elementsOf(node, resourceType, walk)
}

function walkedReference(node: Node, mayBePerson: boolean, walk: Walk): unknown {
  const verdict = verdictOn(node, mayBePerson, walk)
  if (verdict === 'stays') return membersOf(node, withinReference, walk)
  walk.tally.references += 1
  // Where no person belongs, a type of people would be no FHIR.
  const isFitting = mayBePerson || !isPersonType(verdict.type ?? '')
  return verdict.type === undefined || !isFitting
    ? masked
    : { type: verdict.type, extension: masked.extension }
}

type Verdict = 'stays' | { readonly type: string | undefined }

/** Whether a reference stays, or what is known of whom it names. */
function verdictOn(node: Node, mayBePerson: boolean, { policy, kept, gone }: Walk): Verdict {
  const said = typeSaid(node.type)
  const person = said !== undefined && isPersonType(said) ? said : undefined
  const unnamed: Verdict =
    person !== undefined || (said === undefined && mayBePerson) ? { type: person } : 'stays'
  const stays: Verdict = person === undefined ? 'stays' : { type: person }
  const { reference } = node
  if (reference === undefined) return isBare(node, said) ? 'stays' : unnamed
  if (typeof reference !== 'string') return { type: person }
  const named = namedBy(reference, policy.baseUrl)
  if (named.kind === 'person') return { type: named.type }
  if (named.kind === 'unknown') return unnamed
  if (named.kind === 'inner') {
    const type = gone.get(named.id)
    if (type !== undefined) return { type: isKnownType(type) ? type : undefined }
    return named.id === '' || kept.has(named.id) ? stays : unnamed
  }
  if (named.kind === 'here' && isPersonType(named.resource.type)) {
    const { type } = named.resource
    return policy.mayName(named.resource) && (said ?? type) === type ? 'stays' : { type }
  }
  return stays
}

/** A reference that says nothing, but perhaps of which type it is. */
function isBare(node: Node, said: string | undefined): boolean {
  if (node.type !== undefined && said === undefined) return false
  return Object.keys(node).every((name) => name === 'id' || name === 'extension' || name === 'type')
}

/** Whether this is a CodeableReference, not a Reference: R4 and R5 have the one in place of the other in some elements. */
function isCodeable(node: Node): boolean {
  if (!isNode(node.reference) && !isNode(node.concept)) return false
  return Object.keys(node).every((name) => codeableMembers.test(name))
}

const codeableMembers = /^(concept|reference|id|extension)$/
const referenceMembers = /^_?(reference|type|identifier|display|id|extension)$/

/** Nothing within a Reference names people but its extensions and the literal itself. */
const withinReference = definitionOf('Binary')

/**
 * Whether something that is not known to be a Reference is one: by a literal reference, by a type of people, or, where it may be a
 * person, by what it has.
 */
function isReference(node: Node, mayBePerson: boolean): boolean {
  if (node.reference !== undefined && !isNode(node.reference)) return true
  if (!mayBePerson && !isPersonType(typeSaid(node.type) ?? '')) return false
  const names = Object.keys(node)
  return names.length > 0 && names.every((name) => referenceMembers.test(name))
}

const uriNames: ReadonlySet<string> = new Set(['valueUri', 'valueUrl', 'valueCanonical'])

function isUriName(name: string): boolean {
  return uriNames.has(name)
}

/** Whether a URI names a person by a literal reference. */
function namesSomebody(uri: string, { baseUrl, mayName }: OutgoingPolicy): boolean {
  const named = namedBy(uri, baseUrl)
  if (named.kind === 'here') return isPersonType(named.resource.type) && !mayName(named.resource)
  return named.kind === 'person'
}

/** An attachment without what is in it, where that does not leave. */
function withoutData(node: Node, walk: Walk): Node {
  if (walk.policy.attachments === 'kept' || typeof node.contentType !== 'string' || !('data' in node))
    return node
  const { data: _, ...rest } = node
  walk.tally.attachments += 1
  return rest
}

function lost(before: Node, after: Node): boolean {
  return Object.keys(before).some((name) => !(name in after) && !(`_${name}` in after))
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
