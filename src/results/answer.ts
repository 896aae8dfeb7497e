import type { AnyResource } from '../fhir/types.ts'

/** Columns and rows in place of FHIR. Cells are plain values; null where there is none. */
export interface Table {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | number | boolean | null)[])[]
  readonly total?: number
  /** Takes the caller to the next page. */
  readonly cursor?: string
  readonly notes: readonly string[]
}

/** A block of MCP content, as `tools/call` returns it. */
export interface ContentBlock {
  readonly type: string
  readonly [member: string]: unknown
}

/** What a tool answers. Own tools may answer with any MCP content in place of `text`. */
export interface Answer {
  /** One FHIR resource, a table, or another object. */
  readonly structured?: AnyResource | Table | Readonly<Record<string, unknown>>
  /** For reading, and enough by itself: many clients show the model only this. */
  readonly text?: string
  /** Further or other content blocks. */
  readonly content?: readonly ContentBlock[]
  readonly isError?: boolean
}
