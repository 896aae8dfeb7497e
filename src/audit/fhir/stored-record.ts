import { z } from 'zod'
import { type ErrorCode, errorCatalog } from '../../errors.ts'
import { isFhirId } from '../../fhir/grammar.ts'
import type { CallRecord } from '../record.ts'

const id = z.string().refine(isFhirId)
const isErrorCode = (text: unknown): text is ErrorCode =>
  typeof text === 'string' && Object.keys(errorCatalog).some((name) => text === `FHIR_MCP_${name}`)

const recordSchema = z.object({
  id: z.uuid(),
  time: z.iso.datetime(),
  kind: z.enum(['tool', 'resource', 'completion', 'request']),
  name: z.string().min(1),
  issuer: z.string(),
  subject: z.string(),
  client: z.string().optional(),
  arguments: z.array(z.string()),
  target: z
    .object({
      kind: z.enum(['reach', 'study', 'organization', 'patient']),
      id: id.optional(),
      study: id.optional(),
      decided: z.boolean(),
    })
    .optional(),
  patients: z.array(id),
  patientsCut: z.number().optional(),
  outcome: z.enum(['allowed', 'denied', 'failed']),
  code: z.custom<ErrorCode>(isErrorCode).optional(),
  duration: z.number(),
  requests: z.number(),
  received: z.number(),
  bytes: z.number(),
})

/** The record in a line of the file; undefined for what is none. */
export function recordIn(line: string): CallRecord | undefined {
  try {
    const { client, target, code, ...rest } = recordSchema.parse(JSON.parse(line))
    const about = target === undefined ? undefined : { ...target, id: target.id }
    return { ...rest, client, target: about, code }
  } catch {
    return undefined
  }
}
