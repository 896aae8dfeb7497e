import { masked } from '../fhir/masked.ts'
import type { AnyResource } from '../fhir/types.ts'

/**
 * A resource whose texts no longer name the exchange's base URL: `<base>/Patient/1` becomes `Patient/1`. Where none does,
 * the resource itself.
 */
export function withoutBase<T>(resource: T, baseUrl: string): T {
  const base = baseUrl.endsWith('/') ? baseUrl : `${baseUrl}/`
  const isAbsolute = (value: unknown) => typeof value === 'string' && value.startsWith(base)
  if (!hasWithin(resource, isAbsolute)) return resource
  return mapValue(resource, (value) =>
    typeof value === 'string' && isAbsolute(value) ? value.slice(base.length) : value,
  ) as T
}

/**
 * A resource that has lost its `contained` ones, without the references into them (R5 §2.1.5.4: such a reference has to be
 * resolved inside the resource). What else a reference says is kept; an empty one is marked as masked.
 */
export function withoutContained({ contained: _, ...rest }: AnyResource): AnyResource {
  return withoutInner(rest)
}

/** The same for a resource whose `contained` ones are gone already; itself where nothing refers to them. */
export function withoutInner(resource: AnyResource): AnyResource {
  if (!hasWithin(resource, isInner)) return resource
  const closed = Object.entries(resource).map(
    ([name, value]) => [name, mapValue(value, closeReference)] as const,
  )
  return { ...Object.fromEntries(closed), resourceType: resource.resourceType }
}

/** Whether a value is a datatype that refers to a contained resource. */
function isInner(value: unknown): value is Record<string, unknown> {
  return isObject(value) && typeof value.reference === 'string' && value.reference.startsWith('#')
}

function closeReference(value: unknown): unknown {
  if (!isInner(value)) return value
  const { reference: _, ...others } = value
  return Object.keys(others).length > 0 ? others : masked
}

/** Whether a value, or one of those within it, is of this kind. */
function hasWithin(value: unknown, test: (value: unknown) => boolean): boolean {
  if (test(value)) return true
  if (Array.isArray(value)) return value.some((one) => hasWithin(one, test))
  if (!isObject(value)) return false
  for (const name in value) if (hasWithin(value[name], test)) return true
  return false
}

function mapValue(value: unknown, change: (value: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => mapValue(one, change))
  if (!isObject(value)) return change(value)
  const mapped = Object.entries(value).map(([name, member]) => [name, mapValue(member, change)] as const)
  return change(Object.fromEntries(mapped))
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
