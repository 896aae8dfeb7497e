/**
 * The values at a dotted path of a resource, lists walked through: `name.given` gives every given name. The last name
 * also stands for a choice element: `effective` finds `effectiveDateTime` and `effectivePeriod`.
 */
export function valuesAt(value: unknown, path: string): unknown[] {
  // Most paths are one name, and a search asks for it in every resource.
  if (typeof value === 'object' && value !== null && Object.hasOwn(value, path)) return membersOf(value, path)
  const [first, ...rest] = path.split('.')
  if (first === undefined) return []
  const found = namesOf(value, first, rest.length === 0).flatMap((name) => membersOf(value, name))
  return rest.length === 0 ? found : found.flatMap((one) => valuesAt(one, rest.join('.')))
}

const choices = new Set(['value', 'effective', 'deceased', 'multipleBirth'])

/** Whether an element of a resource is meant by a name: itself, or a choice element by its stem. */
export function isElement(element: string, name: string): boolean {
  return (
    element === name ||
    (choices.has(name) && element.startsWith(name) && /^[A-Z]/.test(element.slice(name.length)))
  )
}

function namesOf(value: unknown, name: string, isLast: boolean): string[] {
  if (typeof value !== 'object' || value === null) return []
  if (Object.hasOwn(value, name)) return [name]
  return isLast ? Object.keys(value).filter((element) => isElement(element, name)) : []
}

function membersOf(value: unknown, name: string): unknown[] {
  const member: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
  if (Array.isArray(member)) return member
  return member === undefined ? [] : [member]
}
