import type { AnyResource } from '../fhir/types.ts'

/** A typed resource as any resource; its elements are the same. */
export function anyResource<T extends { resourceType: string; id?: string | undefined }>(
  resource: T,
): AnyResource {
  const { id, ...elements } = resource
  return id === undefined ? elements : Object.assign(elements, { id })
}
