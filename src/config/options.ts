import { z } from 'zod'
import { accessSchema } from './access.ts'
import { auditSchema } from './audit.ts'
import { authSchema } from './auth.ts'
import { fhirSchema } from './fhir.ts'
import { exactNames, secureUrl } from './fields.ts'
import { limitsSchema } from './limits.ts'
import { metricsSchema } from './metrics.ts'
import { resultsSchema } from './results.ts'

/** What a gateway passes to the plugin. */
export const optionsSchema = z.object({
  fhir: fhirSchema,
  auth: authSchema,
  access: accessSchema,
  results: resultsSchema,
  audit: auditSchema,
  limits: limitsSchema,
  metrics: metricsSchema,
  path: z
    .string()
    .regex(/^\/[\w\-./]*[\w-]$/)
    .default('/mcp')
    .describe('Path of the MCP endpoint'),
  publicUrl: secureUrl
    .optional()
    .describe('Origin (and prefix) under which clients reach this server; required beyond loopback'),
  sse: z.boolean().default(true).describe('Offer HTTP+SSE for older clients too'),
  health: z.boolean().default(true).describe('Offer /health and /ready'),
  allowedHosts: exactNames.describe('Host names accepted beside that of publicUrl and loopback'),
  allowedOrigins: exactNames.describe('Origins of browsers that may call'),
  bodyLimit: z.number().int().positive().default(1_048_576).describe('Largest request body, in bytes'),
  decoratorName: z
    .string()
    .regex(/^[a-zA-Z_]\w*$/)
    .default('fhirMcp')
    .describe('Name of the decorator; a second registration needs another one'),
})

/** Options as they are given. */
export type OptionsInput = z.input<typeof optionsSchema>
/** Options with every default filled in. */
export type Options = z.output<typeof optionsSchema>
