import { isMasked } from '../masked.ts'
import { mayStandWithin } from './named-by.ts'
import { elementsOf, type Node, type Tally, type Walk } from './walk.ts'

/** Contained resources, walked through. */
export interface Contained {
  readonly left: readonly Node[]
  /** Ids of those that are left. */
  readonly kept: ReadonlySet<string>
  /** Ids of the others, and their types. */
  readonly gone: ReadonlyMap<string, string>
}

/** Elements that say whose a resource is. */
const owners = ['subject', 'patient', 'individual', 'beneficiary'] as const

/** The contained resources without those that are people, have people in them, or are of somebody who is not named. */
export function keptContained(contained: unknown, { policy, tally }: Walk): Contained {
  const all = [contained].flat()
  const left = new Set(all.filter(isResource))
  const gone = new Map<string, string>()
  const leaves = (one: Resource) => {
    tally.contained += 1
    left.delete(one)
    if (typeof one.id === 'string') gone.set(one.id, one.resourceType)
  }
  tally.contained += all.length - left.size
  for (const one of left) if (!mayStandWithin(one.resourceType)) leaves(one)
  for (;;) {
    const kept = new Set([...left].flatMap(({ id }) => (typeof id === 'string' && !gone.has(id) ? [id] : [])))
    const walked = [...left].map((one) => walkedInner(one, { policy, kept, gone }))
    const others = walked.filter(({ isOthers }) => isOthers)
    if (others.length === 0) {
      for (const { own } of walked) {
        tally.references += own.references
        tally.attachments += own.attachments
      }
      return { left: walked.map(({ resource }) => resource), kept, gone }
    }
    // One that goes may be whose another one is.
    for (const { from } of others) leaves(from)
  }
}

interface Resource extends Node {
  readonly resourceType: string
}

interface WalkedInner {
  readonly from: Resource
  readonly resource: Node
  readonly own: Tally
  readonly isOthers: boolean
}

function walkedInner(from: Resource, within: Omit<Walk, 'tally'>): WalkedInner {
  const own: Tally = { references: 0, contained: 0, attachments: 0 }
  const resource = elementsOf(from, from.resourceType, { ...within, tally: own })
  const isOthers = own.contained > 0 || owners.some((name) => [resource[name]].flat().some(isMasked))
  return { from, resource, own, isOthers }
}

function isResource(value: unknown): value is Resource {
  if (typeof value !== 'object' || value === null || !('resourceType' in value)) return false
  return typeof value.resourceType === 'string'
}
