import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import packageJson from '../../package.json' with { type: 'json' }
import { builtIn } from '../../src/mcp/built-in.ts'
import { implementation } from '../../src/mcp/implementation.ts'
import { instructions } from '../../src/mcp/instructions.ts'
import { listTool } from '../../src/mcp/listing.ts'
import { defineLocalTool } from '../../src/tools/tool.ts'

const tool = (input: z.ZodObject, output: 'fhir' | 'object' | 'content' = 'object') =>
  listTool(
    defineLocalTool({
      name: 'own',
      title: 'Own',
      description: 'An own tool.',
      input,
      output,
      local: true,
      run: async () => ({}),
    }),
  )

describe('a listed tool', () => {
  it('shows what a caller sends: before defaults and transforms', () => {
    const input = z.object({
      id: z
        .string()
        .transform((text) => text.length)
        .describe('An id'),
      limit: z.number().int().min(1).max(1000).default(50),
      offset: z.number().int().optional(),
    })
    expect(tool(input).inputSchema).toEqual({
      type: 'object',
      properties: {
        id: { type: 'string', description: 'An id' },
        limit: { type: 'integer', minimum: 1, maximum: 1000, default: 50 },
        offset: { type: 'integer' },
      },
      required: ['id'],
    })
  })

  it('has an output schema only where its answers are structured', () => {
    const input = z.object({})
    expect(tool(input, 'fhir').outputSchema).toEqual({
      type: 'object',
      anyOf: [{ required: ['resourceType'] }, { required: ['columns', 'rows'] }],
    })
    expect(tool(input, 'object').outputSchema).toEqual({ type: 'object' })
    expect(tool(input, 'content')).not.toHaveProperty('outputSchema')
  })

  it('is read-only', () => {
    for (const one of builtIn().tools.values()) {
      expect(listTool(one).annotations).toEqual({
        readOnlyHint: true,
        destructiveHint: false,
        idempotentHint: true,
        openWorldHint: false,
      })
    }
  })
})

describe('what the server says of itself', () => {
  it('is the version of the package', () => {
    expect(implementation.version).toBe(packageJson.version)
    expect(implementation.name).toBe(packageJson.name)
  })

  it('names only tools that there are', () => {
    const { tools } = builtIn()
    const named = instructions.match(/\b(get|list|count|search|summarize)_\w+/g) ?? []
    expect(named.length).toBeGreaterThan(4)
    for (const name of named) expect([name, tools.has(name)]).toEqual([name, true])
  })

  it('is short', () => {
    expect(instructions.length).toBeLessThan(2500)
  })
})
