import fp from 'fastify-plugin'
import { createMcpService, startNotes } from '../src/mcp/create-mcp-service.ts'
import { tokenRefusedText } from '../src/token-refusal.ts'
import { auditOf } from './audit.ts'
import { heldTokenOf, nameForBroker, refuseForwardingWithBroker } from './broker.ts'
import { createPlugin } from './plugin.ts'

export type { AuditStatus, CallRecord } from '../src/audit/record.ts'
export type { HeldToken } from '../src/config/fhir.ts'
export type { OptionsInput as FhirMcpOptions } from '../src/config/options.ts'
export { type ErrorCode, type ErrorName, errorCatalog, FhirMcpError } from '../src/errors.ts'
export type {
  LocalResourceDefinition,
  PromptArgument,
  PromptDefinition,
  PromptMessage,
  ResourceBody,
  ResourceDefinition,
} from '../src/mcp/registry.ts'
export type { Answer } from '../src/results/answer.ts'
export { defineLocalTool, defineTool, type LocalTool, type Tool } from '../src/tools/tool.ts'
export type { FhirMcp } from './decorator.ts'
export { wellKnown } from './metadata.ts'

const now = () => Date.now()

/**
 * Makes a FHIR server speak MCP beside a gateway's own routes.
 *
 * @example
 * const app = Fastify()
 * await app.register(fhirMcp, {
 *   fhir: { baseUrl: 'https://fhir.example.org/fhir', credentials: 'none' },
 *   auth: { issuer: 'https://login.example.org', audience: 'https://gateway.example.org/mcp' },
 *   publicUrl: 'https://gateway.example.org',
 * })
 */
export const fhirMcp = fp(
  createPlugin({
    createService(options, fastify, meter) {
      const { log } = fastify
      for (const note of startNotes(options)) log.warn(note)
      refuseForwardingWithBroker(fastify, options)
      const service = createMcpService(options, {
        now,
        audit: auditOf(options, log, now),
        environment: process.env,
        heldToken: heldTokenOf(fastify),
        tokenRefused: (refusal) => log.warn(refusal, tokenRefusedText),
        meter,
      })
      nameForBroker(fastify, options, service.readNames)
      return service
    },
    now,
    streams: { total: 1000, perPrincipal: 20 },
  }),
  { fastify: '5.x', name: 'fastify-fhir-mcp' },
)

export default fhirMcp
