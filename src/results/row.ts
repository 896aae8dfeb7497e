import type { LeftOut } from '../fhir/people/left-out.ts'
import type { AnyResource } from '../fhir/types.ts'
import { jsonBytes } from './within-bytes.ts'

/** One row of a page: the resource, the same as a line of text, and as cells of a table. */
export interface Row {
  readonly resource: AnyResource
  /** Resources that come along (mode `include`), such as a patient's ResearchSubject. */
  readonly included?: readonly AnyResource[]
  readonly line: string
  /** What the resource lost on its way out of the exchange. */
  readonly leftOut?: LeftOut | undefined
  readonly cells: readonly (string | number | boolean | null)[]
}

/**
 * Where entries say that their resources are: nowhere (RFC 2606), because the exchange's own URL is never told. An entry has
 * to have a `fullUrl` (Bundle, bdl-15), and references such as `Patient/1` resolve within the Bundle by it.
 */
const base = 'https://exchange.invalid/'

/** How rows are laid out: as resources, whole or not, or as cells. */
export type RowFormat = 'fhir' | 'fhir_full' | 'table'

const entryFrame = 56

/** Where an entry says that its resource is. */
export function fullUrlOf({ resourceType, id }: AnyResource): string {
  return `${base}${resourceType}/${id ?? ''}`
}

/** Bytes that a row takes in the structured answer and in the text. */
export function sizeOf(row: Row, format: RowFormat): number {
  const line = Buffer.byteLength(row.line) + 1
  if (format === 'table') return line + jsonBytes(row.cells) + 1
  return [row.resource, ...(row.included ?? [])].reduce((sum, one) => sum + entryBytes(one), line)
}

/** Bytes that a resource takes as an entry of a Bundle. */
export function entryBytes(resource: AnyResource): number {
  return jsonBytes(resource) + fullUrlOf(resource).length + entryFrame
}
