import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { type ErrorName, errorCatalog, fhirMcpError } from '../errors.ts'
import type { PageAddress } from './address.ts'
import { askInside, type Visitor } from './inside.ts'

/** Longest text that is kept; a page shows less of it, and says so. */
const longest = 240
const word = z.string().transform((text) => text.slice(0, longest))
const text = word.optional()

/** What a person may see, as `get_my_access` says it, with the titles of `list_studies`. Every text in it comes from others. */
export const reachSchema = z.object({
  subject: word,
  superuser: z.boolean(),
  studyCount: z.number(),
  studies: z.array(z.object({ id: z.string(), organization: text, title: text })),
  organizationCount: z.number(),
  organizations: z.array(z.object({ id: z.string(), name: text, role: text })),
  /** As they count; undefined where the token is not narrowed by scopes. */
  scopes: z.array(word).optional(),
  expiresAt: z.string(),
})
export type Reach = z.output<typeof reachSchema>

const answerSchema = z.object({
  result: z
    .object({ isError: z.boolean().optional(), structuredContent: z.looseObject({}).optional() })
    .optional(),
  error: z.object({ data: z.looseObject({ code: text }).optional() }).optional(),
})
const titlesSchema = z.object({
  columns: z.array(z.string()),
  rows: z.array(z.array(z.union([z.string(), z.number(), z.boolean(), z.null()]))),
})

/** Studies whose titles are read; the page has no room for more. */
const titled = 200

/**
 * Asks what a token reaches, by the MCP endpoint itself: it is verified, counted and recorded there as any other call. Titles
 * are left out where the exchange does not give them. Throws FhirMcpError.
 */
export async function readReach(
  app: FastifyInstance,
  address: PageAddress,
  visitor: Visitor,
  token: string,
): Promise<Reach> {
  const call = (name: string, given: Readonly<Record<string, unknown>>) =>
    callTool(app, address, visitor, token, name, given)
  const reach = reachSchema.parse(await call('get_my_access', {}))
  if (reach.studies.length === 0) return reach
  const titles = await titlesBy(() => call('list_studies', { format: 'table', limit: titled }))
  const studies = reach.studies.map((study) => ({ ...study, title: titles.get(study.id) }))
  return { ...reach, studies }
}

async function titlesBy(ask: () => Promise<unknown>): Promise<ReadonlyMap<string, string>> {
  const titles = new Map<string, string>()
  try {
    const { columns, rows } = titlesSchema.parse(await ask())
    const [id, title] = [columns.indexOf('id'), columns.indexOf('title')]
    for (const row of rows) {
      const words = row[title]
      if (typeof words === 'string') titles.set(String(row[id]), words)
    }
  } catch {
    // What is within reach is known all the same, and is shown by its ids.
  }
  return titles
}

async function callTool(
  app: FastifyInstance,
  address: PageAddress,
  visitor: Visitor,
  token: string,
  name: string,
  given: Readonly<Record<string, unknown>>,
): Promise<unknown> {
  const response = await askInside(app, address, visitor, address.mcpUrl, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name, arguments: given },
    }),
  })
  const { result, error } = answerSchema.parse(await response.json())
  if (result === undefined) throw errorOf(error?.data?.code)
  if (result.isError === true) throw errorOf(codeIn(result.structuredContent))
  return result.structuredContent
}

const outcomeSchema = z.object({
  issue: z.tuple(
    [z.object({ details: z.object({ coding: z.tuple([z.object({ code: z.string() })], z.unknown()) }) })],
    z.unknown(),
  ),
})

function codeIn(outcome: unknown): string | undefined {
  const parsed = outcomeSchema.safeParse(outcome)
  return parsed.success ? parsed.data.issue[0].details.coding[0].code : undefined
}

/** The same failure, without what was said of it there. */
function errorOf(code: string | undefined): Error {
  const name = Object.keys(errorCatalog).find((one): one is ErrorName => code === `FHIR_MCP_${one}`)
  return name === undefined ? new Error('the MCP endpoint did not answer') : fhirMcpError(name)
}
