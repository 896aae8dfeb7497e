/** Marks a resource that was left out of (R5 §2.1.27.5.8, `SUBSETTED`). */
export const subsetted = {
  system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue',
  code: 'SUBSETTED',
} as const

/** A resource with the mark, once. */
export function markSubsetted<T extends object>(resource: T & { readonly meta?: unknown }): T {
  const meta: { tag?: { system?: string; code?: string }[] } = resource.meta ?? {}
  const tag = meta.tag ?? []
  if (tag.some((one) => one.system === subsetted.system && one.code === subsetted.code)) return resource
  // Not a spread: V8 gives each object that grows after one a shape of its own, and writing it as JSON is slow.
  return Object.assign({}, resource, { meta: Object.assign({}, meta, { tag: [...tag, subsetted] }) })
}
