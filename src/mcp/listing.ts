import { z } from 'zod'
import type { LocalTool, Output, Tool } from '../tools/tool.ts'

/** A JSON Schema whose root is an object, as MCP asks for in and out of a tool. */
export interface ObjectSchema {
  readonly type: 'object'
  readonly [keyword: string]: unknown
}

/** One tool as `tools/list` has it. */
export interface ListedTool {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly inputSchema: ObjectSchema
  /** Absent for tools whose answers have no structured content: clients refuse an answer without it otherwise. */
  readonly outputSchema?: ObjectSchema
  readonly annotations: {
    readonly readOnlyHint: boolean
    readonly destructiveHint: boolean
    readonly idempotentHint: boolean
    readonly openWorldHint: boolean
  }
}

/** Every tool only reads, and only from the one exchange behind. */
const annotations = {
  readOnlyHint: true,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
} as const

/** Loose on purpose: a FHIR schema in `tools/list` would cost the model more than the answers do. */
const outputs: Readonly<Record<Exclude<Output, 'content'>, ObjectSchema>> = {
  fhir: { type: 'object', anyOf: [{ required: ['resourceType'] }, { required: ['columns', 'rows'] }] },
  object: { type: 'object' },
}

/** What listing needs to know of a tool, whatever its input is. */
export type Listable = Pick<Tool | LocalTool, 'name' | 'title' | 'description' | 'output' | 'input'>

/** A tool as `tools/list` shows it. Computed once per tool: making JSON Schemas is the slow part of a listing. */
export function listTool(tool: Listable): ListedTool {
  return {
    name: tool.name,
    title: tool.title,
    description: tool.description,
    inputSchema: inputSchemaOf(tool.input),
    ...(tool.output === 'content' ? {} : { outputSchema: outputs[tool.output] }),
    annotations,
  }
}

/** JSON Schema of what a caller sends: before defaults and transforms, without bounds that say nothing. */
function inputSchemaOf(input: z.ZodObject): ObjectSchema {
  const { $schema: _, ...schema } = z.toJSONSchema(input, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
    },
  })
  return { ...schema, type: 'object' }
}
