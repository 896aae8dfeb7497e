import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { type Options, optionsSchema } from './config.ts'
import { type Leaf, leavesOf } from './config-leaves.ts'
import { parseOptions } from './config-parse.ts'
import { fhirMcpError } from './errors.ts'

/** Environment variables, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Every variable of this package begins with it. */
export const prefix = 'FHIR_MCP_'

/** Variables that are not options of the plugin: what the commands need beside them. */
export const commandVariables = {
  FHIR_MCP_HOST: 'serve: address to listen on (127.0.0.1)',
  FHIR_MCP_PORT: 'serve: port to listen on (8765)',
  FHIR_MCP_LOG_LEVEL: 'serve and stdio: level of the log on stderr (info)',
  FHIR_MCP_ACCESS_TOKEN: 'stdio and whoami: the access token, instead of a sign-in',
  FHIR_MCP_ID_TOKEN: 'stdio and whoami: the ID token that goes with it, for its claims',
  FHIR_MCP_LOGIN_CLIENT_ID:
    'login and stdio: our client at FHIR_MCP_AUTH_ISSUER; its redirect is http://127.0.0.1/callback',
  FHIR_MCP_LOGIN_CLIENT_SECRET: 'login and stdio: the secret of a confidential client; a public one has none',
  FHIR_MCP_LOGIN_SCOPE:
    'login: scopes, with spaces between (openid, offline_access and what the tools need, as far as the issuer lists them)',
  FHIR_MCP_LOGIN_RESOURCE:
    'login: resource to ask for, RFC 8707; none asks for none (FHIR_MCP_AUTH_AUDIENCE where it is one URI)',
  FHIR_MCP_LOGIN_PORT: 'login: port of the redirect, for an issuer that compares it (any free port)',
  FHIR_MCP_LOGIN_FOLDER:
    "login: folder of the kept sign-in, its owner's alone (in the data folder of the user)",
} as const
export type CommandVariable = keyof typeof commandVariables

/** What the environment says: options for the plugin, and what the commands need beside them. */
export interface Configuration {
  readonly options: Options
  readonly command: Readonly<Partial<Record<CommandVariable, string>>>
}

/** The settings of the plugin, each with its variable; lists are comma-separated, records are JSON. */
export const optionVariables: readonly { readonly name: string; readonly leaf: Leaf }[] = leavesOf(
  optionsSchema,
).map((leaf) => ({ name: variableOf(leaf.path), leaf }))

/** The variable of an option: `fhir.baseUrl` is `FHIR_MCP_FHIR_BASE_URL`; a place in a list is that of the list. */
export function variableOf(path: readonly string[]): string {
  const names = path.filter((name) => !/^\d+$/.test(name))
  const words = names.map((name) => name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase())
  return `${prefix}${words.join('_')}`
}

/**
 * Reads the configuration from environment variables. Each may also be given as `NAME_FILE`, the path of a file that holds
 * the value. An unknown `FHIR_MCP_*` variable, a wrong value, a missing one or an unreadable file throws CONFIG with the
 * variable's name.
 */
export function readEnvironment(environment: Environment): Configuration {
  const values = valuesOf(environment)
  const input: Record<string, unknown> = {}
  for (const { name, leaf } of optionVariables) {
    const text = values.get(name)
    if (text !== undefined) put(input, leaf.path, parsedValue(name, leaf.type, text))
    else if (leaf.required) put(input, leaf.path, undefined)
  }
  const command: Partial<Record<CommandVariable, string>> = {}
  for (const name of Object.keys(commandVariables).filter(isCommandVariable)) {
    const text = values.get(name)
    if (text !== undefined) command[name] = text
  }
  return { options: parseOptions(input, variableOf), command }
}

function isCommandVariable(name: string): name is CommandVariable {
  return Object.hasOwn(commandVariables, name)
}

/** The values that are given, by variable; files are read. An empty value counts as not given. */
function valuesOf(environment: Environment): Map<string, string> {
  const known = new Set([...optionVariables.map(({ name }) => name), ...Object.keys(commandVariables)])
  const values = new Map<string, string>()
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith(prefix) || text === undefined || text === '') continue
    const target = known.has(name) ? name : name.replace(/_FILE$/, '')
    if (!known.has(target)) throw wrong(name, 'is not a variable of fastify-fhir-mcp; see --help')
    if (values.has(target)) throw wrong(target, 'is given twice, by value and by file')
    values.set(target, target === name ? text : readSecret(name, text))
  }
  return values
}

function readSecret(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    throw wrong(name, 'names a file that cannot be read')
  }
}

function parsedValue(name: string, type: z.core.$ZodType, text: string): unknown {
  if (type instanceof z.ZodNumber) return numberOf(name, text)
  if (type instanceof z.ZodBoolean) return booleanOf(name, text)
  if (type instanceof z.ZodArray) return listOf(text)
  if (type instanceof z.ZodRecord) return recordOf(name, text)
  if (type instanceof z.ZodUnion) {
    const choices = type.def.options
    if (choices.some((choice) => choice instanceof z.ZodArray) && text.includes(',')) return listOf(text)
    const isBoolean = text === 'true' || text === 'false'
    if (isBoolean && choices.some((choice) => choice instanceof z.ZodBoolean)) return text === 'true'
  }
  return text
}

function numberOf(name: string, text: string): number {
  if (!/^-?\d+(\.\d+)?$/.test(text)) throw wrong(name, 'must be a number')
  return Number(text)
}

function booleanOf(name: string, text: string): boolean {
  if (text !== 'true' && text !== 'false') throw wrong(name, 'must be true or false')
  return text === 'true'
}

function listOf(text: string): string[] {
  const entries = text.split(',').map((entry) => entry.trim())
  return entries.filter((entry) => entry !== '')
}

function recordOf(name: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw wrong(name, 'must be JSON')
  }
}

function put(input: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [name, ...rest] = path
  if (name === undefined) return
  if (rest.length === 0) {
    input[name] = value
    return
  }
  const inner = input[name]
  const group: Record<string, unknown> = isGroup(inner) ? inner : {}
  input[name] = group
  put(group, rest, value)
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function wrong(name: string, what: string): Error {
  return fhirMcpError('CONFIG', { detail: `${name} ${what}.` })
}
