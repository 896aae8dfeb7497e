import Fastify from 'fastify'
import { z } from 'zod'
import fhirMcp from '../../plugins/index.ts'
import { optionsSchema } from '../../src/config/options.ts'
import { defineRole } from './role.ts'

/** What is known of a server once it listens. */
export const originFacts = z.object({ origin: z.string() })

/** A gateway with the plugin, as anybody would register it: no log, as in what it is compared with. */
export const gatewayRole = defineRole(
  z.object({ options: z.record(z.string(), z.unknown()), heldToken: z.string().optional() }),
  async ({ options, heldToken }) => {
    const parsed = optionsSchema.parse(options)
    const fhir = heldToken === undefined ? parsed.fhir : { ...parsed.fhir, heldToken: async () => heldToken }
    const app = Fastify({ keepAliveTimeout: 600_000 })
    // Counted as anywhere, but one caller makes the calls of many here.
    const many = 1_000_000_000
    const limits = {
      ...parsed.limits,
      callsPerPrincipal: many,
      messagesPerPrincipal: many,
      requestsPerAddress: many,
      callsAtOnce: 10_000,
    }
    await app.register(fhirMcp, { ...parsed, fhir, limits })
    return { facts: { origin: await app.listen({ port: 0, host: '127.0.0.1' }) }, commands: {} }
  },
)
