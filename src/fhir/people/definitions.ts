import { isKnownType } from './named-by.ts'
import { referenceElements } from './reference-elements.ts'

/** What an element is, as far as people may be named in it. */
export interface Element {
  /** Whether it is a Reference or CodeableReference that may name a person; `by shape`: it is, where it looks like one. */
  readonly person: boolean | 'by shape'
  /** Members that may name people, or lead to such; `unknown`: whatever looks like a reference may name one. */
  readonly members: ReadonlyMap<string, Element> | 'unknown'
}

const noMembers: ReadonlyMap<string, Element> = new Map()
/** Nothing but literal references and extensions can name anybody. */
const plain: Element = { person: false, members: noMembers }
const person: Element = { person: true, members: noMembers }
const unknown: Element = { person: false, members: 'unknown' }
/** An element says itself what its CodeableReference may name: this is one that may name a person. */
export const codeableReference: Element = { person: false, members: new Map([['reference', person]]) }

const definitions = readDefinitions(referenceElements)
const extension: Element = definitions.get('Extension') ?? unknown

/** What a resource is. */
export function definitionOf(resourceType: string): Element {
  return definitions.get(resourceType) ?? (isKnownType(resourceType) ? plain : unknown)
}

/** What a member of an element is. */
export function memberOf({ members }: Element, name: string): Element {
  if (name === 'extension' || name === 'modifierExtension') return extension
  return members === 'unknown' ? unknown : (members.get(name) ?? plain)
}

/** Whether an element is an Extension. */
export function isExtension(element: Element): boolean {
  return element === extension
}

/** Reads the lines of the table; definitions are in each other. */
function readDefinitions(lines: string): ReadonlyMap<string, Element> {
  const rows = lines
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
  const owned = new Map(rows.map(([name = '']) => [name, new Map<string, Element>()]))
  const elements = new Map([...owned].map(([name, members]) => [name, { person: false, members }] as const))
  const elementFor = (found: string): Element => {
    if (found === 'person') return person
    const all = found.split('|')
    const [within, ...more] = all.filter((one) => one !== 'person' && one !== '-')
    const members = more.length > 0 ? 'unknown' : (owned.get(within ?? '') ?? noMembers)
    return all.length === 1
      ? (elements.get(found) ?? unknown)
      : { person: all.includes('person') && 'by shape', members }
  }
  for (const [name = '', ...said] of rows) {
    for (const one of said) {
      const [member = '', found = 'person'] = one.split(':')
      owned.get(name)?.set(member, elementFor(found))
    }
  }
  return elements
}
