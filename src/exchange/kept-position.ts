import type { z } from 'zod'
import { fhirMcpError } from '../errors.ts'

/** Reads the position of a page, as a cursor kept it. Throws INVALID_ARGUMENT for one that is not of this search. */
export function keptPosition<Schema extends z.ZodType>(schema: Schema, text: unknown): z.output<Schema> {
  const parsed = schema.safeParse(parsedJson(text))
  if (parsed.success) return parsed.data
  throw fhirMcpError('INVALID_ARGUMENT', { detail: 'cursor is not one of this search.' })
}

function parsedJson(text: unknown): unknown {
  try {
    return typeof text === 'string' ? JSON.parse(text) : undefined
  } catch {
    return undefined
  }
}
