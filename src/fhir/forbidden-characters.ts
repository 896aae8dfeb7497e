/** Control characters that FHIR has in no string (R5 §2.1.28.0.1): all but tab, line feed and carriage return. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what has to go
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]+/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const isThere = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/

/** How many characters a resource lost. A symbol stays with every copy of a resource, and is written by no JSON. */
const removed = Symbol('characters removed')

/** A text without control characters that FHIR forbids. */
export function withoutForbidden(text: string): string {
  return isThere.test(text) ? text.replace(forbidden, '') : text
}

/**
 * A resource without them in any of its texts, which knows how many they were (`removedFrom`); itself where there are none. An
 * element that was nothing else is gone, because FHIR has no empty strings.
 */
export function freeOfForbidden<T extends object>(resource: T): T {
  const tally = { characters: 0 }
  const free = freeWithin(resource, tally)
  // What is left of a resource is one of the same type.
  return free === resource ? resource : (Object.assign({}, free, { [removed]: tally.characters }) as T)
}

/** How many such characters a resource lost before. */
export function removedFrom(resource: object): number {
  const characters: unknown = Reflect.get(resource, removed)
  return typeof characters === 'number' ? characters : 0
}

/** The same resource without that number. */
export function withoutCount<T extends object>(resource: T): T {
  if (!(removed in resource)) return resource
  const { [removed]: _, ...rest } = resource
  return rest as T
}

function freeWithin(value: unknown, tally: { characters: number }): unknown {
  if (typeof value === 'string') {
    const free = withoutForbidden(value)
    tally.characters += value.length - free.length
    return free
  }
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    let copy: unknown[] | undefined
    for (const [at, one] of value.entries()) {
      const free = freeWithin(one, tally)
      if (free !== one) {
        copy ??= [...value]
        copy[at] = free
      }
    }
    return copy ?? value
  }
  let changes: Map<string, unknown> | undefined
  for (const name in value) {
    const member: unknown = Reflect.get(value, name)
    const free = freeWithin(member, tally)
    if (free !== member) changes = (changes ?? new Map()).set(name, free)
  }
  if (changes === undefined) return value
  const changed = changes
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]) => {
      const free = changed.has(name) ? changed.get(name) : member
      return free === '' && member !== '' ? [] : [[name, free]]
    }),
  )
}
