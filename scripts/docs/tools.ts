import { rosterNeed } from '../../src/access/narrowing.ts'
import { scopesFor } from '../../src/access/scopes.ts'
import { builtIn } from '../../src/mcp/built-in.ts'
import { listTool } from '../../src/mcp/listing.ts'
import { type AnyTool, isLocal } from '../../src/mcp/registry.ts'
import { shortened, structureOf } from './answers.ts'
import { argumentsOf } from './arguments.ts'
import { exampleOf } from './example-values.ts'
import { code, fenced, generated, table } from './markup.ts'
import { promptSections, resourceSections } from './offers.ts'
import type { Site } from './site.ts'

const introduction = `# Tools

What each tool takes, needs and answers. The examples are calls of Maya of the demo, manager of org-1 and permitted study-a and study-c,
on the invented cohort: \`npm run demo -- --serve\`. Texts are shortened; \`structuredContent\` says the same in full.

Every tool only reads. A call is decided before a request is made; a denied one answers as in [errors.md](errors.md). Scopes narrow
only where a token has SMART scopes. By default every role may call every tool (\`access.roles\`).`

const about = {
  reach: "the caller's whole reach",
  study: 'one study',
  organization: 'one organization',
  patient: 'one patient',
} as const

/** The page of every tool, resource and prompt, with answers of a site. Throws where an example is not answered. */
export async function toolsPage({ registry, client }: Site): Promise<string> {
  const tools = [...registry.tools.values()]
  const sections: string[] = []
  for (const tool of tools) sections.push(await toolSection(tool, client))
  const overview = table(
    ['tool', 'what it is for'],
    tools.map(({ name, title, description }) => [`[${name}](#${name})`, `${title}: ${description}`]),
  )
  const parts = [
    generated('the tools themselves'),
    introduction,
    overview,
    ...sections,
    '## Resources',
    ...(await resourceSections({ registry, client })),
    ...(registry.prompts.size === 0 ? [] : ['## Prompts', ...(await promptSections({ registry, client }))]),
  ]
  return `${parts.join('\n\n')}\n`
}

async function toolSection(tool: AnyTool, client: Site['client']): Promise<string> {
  const { page, required } = argumentsOf(listTool(tool).inputSchema)
  const given = exampleOf(tool.name, required)
  const called = await client.call(tool.name, { ...given })
  if (called.isError) throw new TypeError(`the example of ${tool.name} answers: ${called.text}`)
  return [
    `## ${tool.name}`,
    `**${tool.title}.** ${tool.description}`,
    page,
    needsOf(tool, given),
    `${fenced('json', JSON.stringify(given))}\n\n${fenced('text', shortened(called.text))}`,
    structureOf(called),
  ].join('\n\n')
}

function needsOf(tool: AnyTool, given: Readonly<Record<string, unknown>>): string {
  if (isLocal(tool)) return 'Asks the exchange nothing, and needs no scope.'
  const input = tool.input.parse(given)
  const needs = tool.needsOf?.(input) ?? tool.rule.needs
  const scopes = scopesFor(tool.rule.patients ? [...needs, rosterNeed] : needs)
  const { kind } = tool.subject(input)
  const wanted = scopes.length === 0 ? 'no scope' : scopes.map(code).join(' and ')
  const byType = tool.needsOf === undefined ? '' : ' in this example; the type decides'
  const isOn = builtIn().tools.has(tool.name) ? '' : ' Off by default: `fhir.types` turns it on.'
  return `Decided on ${about[kind]}. Scopes: ${wanted}${byType}.${isOn}`
}
