import { z } from 'zod'
import { clientSchema } from './client.ts'
import { milliseconds, secureUrl } from './fields.ts'

/** A FHIR server that keeps AuditEvents. They name patients, so it is reached like anything secret. */
const auditFhirSchema = z
  .object({
    baseUrl: secureUrl.describe('sink fhir: base URL of the server that keeps AuditEvents'),
    version: z.enum(['R4', 'R5']).default('R4').describe('FHIR release of that server'),
    token: z.string().min(1).optional().describe('A bearer token for that server'),
    client: clientSchema.describe('SMART Backend Services at that server, in place of a token'),
    timeout: milliseconds(10_000, 'Longest wait for one answer of that server'),
    batchSize: z.number().int().min(1).max(1000).default(100).describe('AuditEvents in one request'),
    interval: milliseconds(5000, 'How often it is looked for records of other processes'),
  })
  .optional()

export const auditSchema = z
  .object({
    sink: z
      .enum(['file', 'fhir', 'off'])
      .default('file')
      .describe('Where records of calls go: an NDJSON file, that and a FHIR server, or nowhere'),
    path: z
      .string()
      .min(1)
      .optional()
      .describe("The file, its owner's alone; by default audit.ndjson in the user's folder for logs"),
    descriptor: z
      .number()
      .int()
      .min(1)
      .optional()
      .describe('An open file descriptor in place of the file, such as 1 (stdout, not over stdio) or 3'),
    onFailure: z
      .enum(['refuse', 'continue'])
      .default('refuse')
      .describe('What happens to calls whose record cannot be kept: refused, or answered and counted'),
    logKey: z
      .string()
      .optional()
      .describe('32 bytes in base64url: key of the hashes in the ordinary log; random for each process'),
    chainKey: z
      .string()
      .optional()
      .describe(
        '32 bytes in base64url: key of the hashes that chain the records; without it anybody who may write the file can make them anew',
      ),
    fhir: auditFhirSchema,
  })
  .prefault({})
  .superRefine(({ sink, path, descriptor, fhir }, context) => {
    const issue = (name: string, message: string) =>
      context.addIssue({ code: 'custom', path: [name], message })
    if (sink === 'fhir' && fhir === undefined) issue('fhir', 'is required with sink fhir')
    if (sink === 'fhir' && descriptor !== undefined) {
      issue('descriptor', 'must not be there with sink fhir: records wait in a file')
    }
    if (sink !== 'fhir' && fhir !== undefined) issue('fhir', 'is not used without sink fhir')
    if (path !== undefined && descriptor !== undefined) issue('descriptor', 'must not be there with a path')
    const { token, client } = fhir ?? {}
    if (client !== undefined && token !== undefined) issue('fhir', 'takes a token or a client, not both')
    if (client !== undefined && (client.key === undefined || client.scopes.length === 0)) {
      issue('fhir', 'client needs a key and scopes')
    }
  })

export type AuditOptions = z.output<typeof auditSchema>
export type AuditFhirOptions = NonNullable<AuditOptions['fhir']>
