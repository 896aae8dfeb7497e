import type { AnyResource } from '../fhir/types.ts'

/** A resource whose texts no longer name the exchange's base URL: `<base>/Patient/1` becomes `Patient/1`. */
export function withoutBase<T>(resource: T, baseUrl: string): T {
  const base = baseUrl.endsWith('/') ? baseUrl : `${baseUrl}/`
  const relative = (value: unknown) =>
    typeof value === 'string' && value.startsWith(base) ? value.slice(base.length) : value
  return mapValue(resource, relative) as T
}

/** A datatype without a value, and why (FHIR extension data-absent-reason). */
export const masked = {
  extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'masked' }],
} as const

/**
 * A resource that has lost its `contained` ones, without the references into them (R5 §2.1.5.4: such a reference has to be
 * resolved inside the resource). What else a reference says is kept; an empty one is marked as masked.
 */
export function withoutContained(resource: AnyResource): AnyResource {
  const { contained: _, ...rest } = resource
  const closed = Object.entries(rest).map(([name, value]) => [name, mapValue(value, closeReference)] as const)
  return { ...Object.fromEntries(closed), resourceType: resource.resourceType }
}

function closeReference(value: unknown): unknown {
  if (!isObject(value) || typeof value.reference !== 'string' || !value.reference.startsWith('#'))
    return value
  const { reference: _, ...others } = value
  return Object.keys(others).length > 0 ? others : masked
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
