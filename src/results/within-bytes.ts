import { markSubsetted } from '../fhir/subsetted.ts'
import type { AnyResource } from '../fhir/types.ts'
import { withoutInner } from './relative.ts'
import { withoutLong } from './without-long.ts'

/** Lengths of texts, of which the longest that fits is kept. */
const lengths = [16_384, 4096, 1024] as const
/** Elements that are never left out: what the resource is. */
const kept = new Set(['resourceType', 'id'])

/**
 * A resource that takes no more than so many bytes as JSON, marked SUBSETTED where something had to be left out: long texts
 * first, then the last entries of its largest lists, then its largest elements. JSON is never cut. Where it fits, the resource
 * itself.
 */
export function resourceWithin(resource: AnyResource, bytes: number): AnyResource {
  if (jsonBytes(resource) <= bytes) return resource
  for (const longest of lengths) {
    const shorter = marked(withoutLong(resource, longest))
    if (jsonBytes(shorter) <= bytes) return shorter
  }
  return withoutLargest(marked(withoutLong(resource, 1024)), bytes)
}

/** Text that takes no more than so many bytes, with an ellipsis where it was cut. */
export function textWithin(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text
  const ellipsis = '…'
  const start = Buffer.from(text).subarray(0, Math.max(0, bytes - Buffer.byteLength(ellipsis)))
  // A letter may have been cut in its middle.
  return `${start.toString('utf8').replace(/\uFFFD+$/, '')}${ellipsis}`
}

/** Bytes of a value as JSON. */
export function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value))
}

function withoutLargest(resource: AnyResource, bytes: number): AnyResource {
  let left = resource
  for (;;) {
    const over = jsonBytes(left) - bytes
    const largest = over <= 0 ? undefined : largestOf(left)
    if (largest === undefined) return left
    const { [largest.name]: value, ...others } = left
    const fewer = Array.isArray(value) ? firstWithin(value, largest.bytes - over) : []
    left = marked({
      ...others,
      resourceType: left.resourceType,
      ...(fewer.length > 0 ? { [largest.name]: fewer } : {}),
    })
  }
}

function largestOf(resource: AnyResource): { name: string; bytes: number } | undefined {
  return Object.entries(resource)
    .filter(([name, value]) => !kept.has(name) && !(name === 'meta' && isMark(value)))
    .map(([name, value]) => ({ name, bytes: jsonBytes(value) }))
    .sort((a, b) => b.bytes - a.bytes)[0]
}

/** As many of the first entries as fit; never all of them, since what is there does not fit. */
function firstWithin(values: readonly unknown[], bytes: number): unknown[] {
  let left = bytes - 2
  const cut = values.findIndex((value) => {
    left -= jsonBytes(value) + 1
    return left < 0
  })
  return values.slice(0, cut === -1 ? values.length - 1 : cut)
}

/** Whether `meta` holds the mark and nothing else. */
function isMark(meta: unknown): boolean {
  return jsonBytes(meta) === jsonBytes(markSubsetted<AnyResource>({ resourceType: 'Basic' }).meta)
}

function marked(resource: AnyResource): AnyResource {
  // Parameters are an answer of ours: what is missing from them is said in its notes.
  return resource.resourceType === 'Parameters' ? resource : markSubsetted(withoutInner(resource))
}
