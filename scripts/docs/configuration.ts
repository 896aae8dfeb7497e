import { z } from 'zod'
import {
  brokerSwitch,
  brokerVariables,
  commandVariables,
  optionVariables,
  type Variable,
} from '../../src/config/env.ts'
import type { Leaf } from '../../src/config/leaves.ts'
import { code, generated, table } from './markup.ts'

/** What the groups of options are about, in the order of the page; a group that is not named here comes last. */
const titles: Readonly<Record<string, string>> = {
  '': 'The endpoint',
  fhir: 'The exchange',
  auth: 'Who calls',
  access: 'What callers may see',
  results: 'Answers',
  limits: 'Limits',
  audit: 'The record of calls',
  metrics: 'Metrics',
}

const introduction = `# Configuration

Every option of the plugin, and its variable for \`serve\`, \`stdio\` and the other commands. Lists in variables have commas between,
objects are JSON. Each variable may also be given as \`NAME_FILE\`, the path of a file that holds the value.

\`\`\`js
await app.register(fhirMcp, {
  fhir: { baseUrl: 'http://127.0.0.1:8080/fhir', credentials: 'none' },
  auth: { issuer: 'https://login.example.org', audience: 'http://127.0.0.1:8765/mcp' },
})
\`\`\`

\`\`\`sh
export FHIR_MCP_FHIR_BASE_URL=http://127.0.0.1:8080/fhir
export FHIR_MCP_FHIR_CREDENTIALS=none
export FHIR_MCP_AUTH_ISSUER=https://login.example.org
export FHIR_MCP_AUTH_AUDIENCE=http://127.0.0.1:8765/mcp
npx fastify-fhir-mcp serve
\`\`\`

A wrong value, a missing one and an unknown name fail at start, with the name of the option or variable:

\`\`\`
fastify-fhir-mcp: FHIR_MCP_CONFIG: The configuration is not usable. FHIR_MCP_FHIR_CREDENTIALS is required.
\`\`\`

In code alone: \`fhir.heldToken\`, a function, and a connected client of the package \`redis\` in place of a URL.`

/** The page of every option, from the schemas themselves. */
export function configurationPage(): string {
  const groupOf = ({ leaf }: Variable) => (leaf.path.length > 1 ? (leaf.path[0] ?? '') : '')
  const groups = [...new Set([...Object.keys(titles), ...optionVariables.map(groupOf)])]
  const sections = groups.map((name) =>
    section(
      titles[name] ?? name,
      optionVariables.filter((variable) => groupOf(variable) === name),
    ),
  )
  const about = `The broker of \`serve\` is on when \`${brokerSwitch}\` is set; then \`FHIR_MCP_AUTH_ISSUER\` and \`FHIR_MCP_AUTH_AUDIENCE\`
are left out. In a gateway these are the options of the plugin \`broker\` without their first word, with \`publicUrl\` and \`resource\`
beside them: [broker.md](broker.md).`
  const commands = Object.entries(commandVariables).map(([name, meaning]) => [code(name), meaning])
  return `${[
    generated('the schemas in `src/config` and `src/broker/options.ts`'),
    introduction,
    ...sections,
    `## The broker\n\n${about}\n\n${optionTable(brokerVariables, ['broker'])}`,
    `## The commands\n\nVariables that are no options of the plugin.\n\n${table(['variable', 'meaning'], commands)}`,
  ].join('\n\n')}\n`
}

function section(title: string, variables: readonly Variable[]): string {
  return `## ${title}\n\n${optionTable(variables)}`
}

function optionTable(variables: readonly Variable[], group: readonly string[] = []): string {
  const rows = variables.map(({ name, leaf }) => [
    code([...group, ...leaf.path].join('.')),
    code(name),
    typeOf(leaf.type),
    leaf.required ? '**required**' : shown(leaf.fallback),
    meaningOf(leaf),
  ])
  return table(['option', 'variable', 'type', 'default', 'meaning'], rows)
}

function meaningOf({ description, path }: Leaf): string {
  return description ?? `Goes with the other options of \`${path.slice(0, -1).join('.')}\``
}

/** How a type is called on the page. */
export function typeOf(type: z.core.$ZodType): string {
  if (type instanceof z.ZodEnum) return type.options.map((option) => code(String(option))).join(', ')
  if (type instanceof z.ZodLiteral) return [...type.values].map((value) => code(String(value))).join(', ')
  if (type instanceof z.ZodBoolean) return 'true or false'
  if (type instanceof z.ZodNumber) return numberType(type)
  if (type instanceof z.ZodURL) return 'URL'
  if (type instanceof z.ZodArray) return `list of: ${typeOf(type.element)}`
  if (type instanceof z.ZodRecord || type instanceof z.ZodObject) return 'object'
  if (type instanceof z.ZodUnion) {
    const choices = type.options.filter((option) => !(option instanceof z.ZodCustom)).map(typeOf)
    return [...new Set(choices)].join(' or ')
  }
  if (type instanceof z.ZodString) return 'text'
  throw new TypeError(`scripts/docs has no word for the type ${type._zod.def.type}`)
}

function numberType(type: z.ZodNumber): string {
  const { minimum, exclusiveMinimum, maximum } = z.toJSONSchema(type)
  const above = typeof exclusiveMinimum === 'number' ? exclusiveMinimum : undefined
  const least = type.isInt && above !== undefined ? above + 1 : minimum
  const bounds = [
    ...(least === undefined || least === Number.MIN_SAFE_INTEGER ? [] : [`from ${least}`]),
    ...(maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? [] : [`to ${maximum}`]),
  ]
  return [type.isInt ? 'whole number' : 'number', ...bounds].join(' ')
}

function shown(fallback: unknown): string {
  if (fallback === undefined) return ''
  if (Array.isArray(fallback))
    return fallback.length === 0 ? 'none' : fallback.map((one) => code(String(one))).join(', ')
  return code(typeof fallback === 'object' ? JSON.stringify(fallback) : String(fallback))
}
