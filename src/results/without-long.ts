import type { AnyResource } from '../fhir/types.ts'

/** Elements that are nothing without one of their members: a note, a narrative, an extension, a parameter. */
const whole: Readonly<Record<string, string>> = { note: 'text', text: 'div' }

/**
 * A resource without the texts that are longer than `longest` characters, and without what they leave empty. Where there are
 * none, the resource itself.
 */
export function withoutLong(resource: AnyResource, longest: number): AnyResource {
  if (!hasLong(resource, longest)) return resource
  const kept = Object.entries(resource).flatMap(([name, value]) => {
    const cut = cutOf(value, name, longest)
    return cut === undefined ? [] : [[name, cut] as const]
  })
  return { ...Object.fromEntries(kept), resourceType: resource.resourceType }
}

function hasLong(value: unknown, longest: number): boolean {
  if (typeof value === 'string') return value.length > longest
  if (Array.isArray(value)) return value.some((one) => hasLong(one, longest))
  if (!isObject(value)) return false
  for (const name in value) if (hasLong(value[name], longest)) return true
  return false
}

/** What is left of a value; undefined where nothing is, or nothing that may stand by itself. */
function cutOf(value: unknown, name: string, longest: number): unknown {
  if (typeof value === 'string') return value.length > longest ? undefined : value
  if (Array.isArray(value)) {
    const left = value.flatMap((one) => {
      const cut = cutOf(one, name, longest)
      return cut === undefined ? [] : [cut]
    })
    return left.length > 0 ? left : undefined
  }
  if (!isObject(value)) return value
  const left: Record<string, unknown> = {}
  for (const [member, own] of Object.entries(value)) {
    const cut = cutOf(own, member, longest)
    if (cut !== undefined) left[member] = cut
  }
  return Object.keys(left).length === 0 || isBroken(value, left, name) ? undefined : left
}

function isBroken(before: Record<string, unknown>, left: Record<string, unknown>, name: string): boolean {
  const needed = whole[name]
  if (needed !== undefined && needed in before && !(needed in left)) return true
  // An extension or a parameter with a name and no value says something else than one with a value.
  const isNamed = 'url' in before || 'name' in before
  return isNamed && Object.keys(before).some((member) => /^value[A-Z]/.test(member) && !(member in left))
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
