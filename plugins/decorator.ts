import type { z } from 'zod'
import type { AuditStatus } from '../src/audit/record.ts'
import type {
  AnyResourceDefinition,
  LocalResourceDefinition,
  PromptDefinition,
  ResourceDefinition,
} from '../src/mcp/registry.ts'
import type { McpService } from '../src/mcp/service.ts'
import type { LocalTool, Tool } from '../src/tools/tool.ts'

/**
 * Own tools, resources and prompts, under the same rule as the built-in ones: what asks the exchange declares what it is
 * about, and is decided before it runs. Each method throws CONFIG for a name that is taken, and after ready.
 *
 * @example
 * app.fhirMcp.tool({
 *   name: 'get_greeting', title: 'Greeting', description: 'Says hello.', output: 'object', local: true,
 *   input: z.object({ name: z.string() }),
 *   run: async ({ name }) => ({ text: `Hello, ${name}.` }),
 * })
 */
export interface FhirMcp {
  tool<Input extends z.ZodObject>(tool: Tool<Input>): void
  tool<Input extends z.ZodObject>(tool: LocalTool<Input>): void
  resource(resource: ResourceDefinition): void
  resource(resource: LocalResourceDefinition): void
  prompt(prompt: PromptDefinition): void
  /** How the audit of this registration fares, for a gateway's metrics. */
  auditStatus(): AuditStatus
}

declare module 'fastify' {
  interface FastifyInstance {
    fhirMcp: FhirMcp
  }
}

/** The decorator of one registration. */
export function createFhirMcp({
  registry,
  auditStatus,
}: Pick<McpService, 'registry' | 'auditStatus'>): FhirMcp {
  return {
    auditStatus: () => auditStatus(),
    tool: <Input extends z.ZodObject>(tool: LocalTool<Input> | Tool<Input>) => registry.addTool(tool),
    resource: (resource: AnyResourceDefinition) => registry.addResource(resource),
    prompt: (prompt) => registry.addPrompt(prompt),
  }
}
