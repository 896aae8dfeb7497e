import type { Registry } from 'prom-client'
import { z } from 'zod'

const register = z
  .custom<Registry>(
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      'registerMetric' in value &&
      typeof value.registerMetric === 'function',
    'must be a Registry of prom-client',
  )
  .optional()

export const metricsSchema = z
  .object({
    port: z
      .number()
      .int()
      .min(0)
      .max(65_535)
      .optional()
      .describe(
        'Port of its own on which GET /metrics answers in the format of Prometheus; none: no metrics',
      ),
    host: z.string().min(1).default('127.0.0.1').describe('Address of that port'),
    prefix: z
      .string()
      .regex(/^[a-zA-Z_]\w*$/)
      .default('fhir_mcp_')
      .describe('What the names of the metrics begin with'),
    register: register.describe("A gateway's own registry, in place of a port"),
  })
  .prefault({})
  .superRefine(({ port, register: given }, context) => {
    if (port === undefined || given === undefined) return
    context.addIssue({ code: 'custom', path: ['port'], message: 'must not be there with a register' })
  })

export type MetricsOptions = z.output<typeof metricsSchema>
