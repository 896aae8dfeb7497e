import { z } from 'zod'
import { code, table } from './markup.ts'

const property = z.looseObject({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  description: z.string().optional(),
  enum: z.array(z.unknown()).optional(),
  const: z.unknown().optional(),
  default: z.unknown().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  maxLength: z.number().optional(),
  items: z.unknown().optional(),
  anyOf: z.array(z.unknown()).optional(),
})
type Property = z.output<typeof property>

const objectSchema = z.looseObject({
  properties: z.record(z.string(), property).default({}),
  required: z.array(z.string()).default([]),
})

/** The arguments of a tool, from the JSON Schema that `tools/list` has, and which of them have to be given. */
export function argumentsOf(schema: unknown): {
  readonly page: string
  readonly required: readonly string[]
} {
  const { properties, required } = objectSchema.parse(schema)
  const rows = Object.entries(properties).map(([name, one]) => [
    required.includes(name) ? `**${code(name)}**` : code(name),
    typeOf(one),
    one.default === undefined ? '' : code(shown(one.default)),
    one.description ?? '',
  ])
  const page = rows.length === 0 ? 'No arguments.' : table(['argument', 'type', 'default', 'meaning'], rows)
  return { page, required }
}

function shown(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function typeOf(one: Property): string {
  if (one.enum !== undefined) return one.enum.map((choice) => code(String(choice))).join(', ')
  if (one.const !== undefined) return code(String(one.const))
  if (one.anyOf !== undefined) {
    return [...new Set(one.anyOf.map((choice) => typeOf(property.parse(choice))))].join(' or ')
  }
  if (one.type === 'array') return `list of: ${typeOf(property.parse(one.items ?? {}))}`
  if (one.type === 'boolean') return 'true or false'
  if (one.type === 'string') return one.maxLength === undefined ? 'text' : `text, at most ${one.maxLength}`
  const bounds = [
    ...(one.minimum === undefined ? [] : [`from ${one.minimum}`]),
    ...(one.maximum === undefined ? [] : [`to ${one.maximum}`]),
  ]
  if (one.type === 'integer') return ['whole number', ...bounds].join(' ')
  if (one.type === 'number') return ['number', ...bounds].join(' ')
  return one.type === undefined ? 'any' : String(one.type)
}
