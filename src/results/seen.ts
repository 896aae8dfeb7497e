import { withoutForbidden } from '../fhir/forbidden-characters.ts'
import type { AnyResource } from '../fhir/types.ts'
import { withoutUnseen } from '../unseen.ts'

/** A text as formats that leave something out give it: without what nobody sees. */
export function seenText(text: string): string {
  return withoutUnseen(withoutForbidden(text))
}

/** A resource with its texts so; the resource itself where they are. */
export function withSeenTexts(resource: AnyResource): AnyResource {
  const seen = seenWithin(resource)
  return isResource(seen) ? seen : resource
}

function seenWithin(value: unknown): unknown {
  if (typeof value === 'string') return seenText(value)
  if (Array.isArray(value)) {
    const seen = value.map(seenWithin)
    return seen.some((one, at) => one !== value[at]) ? seen : value
  }
  if (typeof value !== 'object' || value === null) return value
  let changes: Map<string, unknown> | undefined
  for (const [name, member] of Object.entries(value)) {
    const seen = seenWithin(member)
    if (seen !== member) changes = (changes ?? new Map()).set(name, seen)
  }
  if (changes === undefined) return value
  // FHIR has no empty strings: what nobody saw anything of is not there.
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]) => {
      const seen = changes.has(name) ? changes.get(name) : member
      return seen === '' ? [] : [[name, seen]]
    }),
  )
}

function isResource(value: unknown): value is AnyResource {
  return typeof value === 'object' && value !== null && 'resourceType' in value
}
