import { readFileSync } from 'node:fs'
import type { z } from 'zod'
import { type BrokerSettings, brokerSchema } from '../broker/options.ts'
import { type Leaf, leavesOf } from './leaves.ts'
import { type Options, optionsSchema } from './options.ts'
import { type NameOf, parseBy, parseOptions } from './parse.ts'
import { parsedValue, put, wrong } from './values.ts'

/** Environment variables, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Every variable of this package begins with it. */
export const prefix = 'FHIR_MCP_'

/** Variables that are not options of the plugin: what the commands need beside them. */
export const commandVariables = {
  FHIR_MCP_HOST: 'serve: address to listen on (127.0.0.1)',
  FHIR_MCP_PORT: 'serve: port to listen on (8765)',
  FHIR_MCP_TRUST_PROXY:
    'serve: proxies whose X-Forwarded-For is believed: addresses or networks with commas between, or a number of hops (none)',
  FHIR_MCP_PAGE: 'serve: a page for people at /, true or false (false)',
  FHIR_MCP_PAGE_CLIENT_ID:
    'serve: client of that page at FHIR_MCP_AUTH_ISSUER, for its sign-in; its redirect is FHIR_MCP_PUBLIC_URL with /page/callback. Not with the broker, which knows the page',
  FHIR_MCP_PAGE_CLIENT_SECRET: 'serve: the secret of that client, where it is a confidential one',
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
  readonly command: CommandValues
}
export type CommandValues = Readonly<Partial<Record<CommandVariable, string>>>

/** The variables that are given, by name, each with its text; those given as files have been read. */
export type Values = ReadonlyMap<string, string>

/** A setting and its variable. */
export interface Variable {
  readonly name: string
  readonly leaf: Leaf
}

/** The settings of the plugin, each with its variable; lists are comma-separated, objects are JSON. */
export const optionVariables: readonly Variable[] = variablesOf(optionsSchema)

/** What the broker of `serve` has from the plugin's own settings. */
const ofThePlugin = new Set(['publicUrl', 'resource'])
const brokerGroup = 'broker'

/** The same for the broker of `serve`, which is there exactly when `brokerSwitch` is given. */
export const brokerVariables: readonly Variable[] = variablesOf(brokerSchema, [brokerGroup]).filter(
  ({ leaf }) => !ofThePlugin.has(leaf.path[0] ?? ''),
)
export const brokerSwitch = variableOf([brokerGroup, 'upstream', 'issuer'])

/** How options are called in messages: by their variables. */
export const optionName = nameAmong(optionVariables)
const ownBrokerName = nameAmong(brokerVariables)
/** The same for options of the broker. */
export const brokerName: NameOf = (path) =>
  ofThePlugin.has(path[0] ?? '') ? optionName(path) : ownBrokerName(path)

/** The variable of an option: `fhir.baseUrl` is `FHIR_MCP_FHIR_BASE_URL`. */
export function variableOf(path: readonly string[]): string {
  const words = path.map((name) => name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase())
  return `${prefix}${words.join('_')}`
}

/**
 * Reads the configuration from environment variables. Each may also be given as `NAME_FILE`, the path of a file that holds
 * the value. An unknown `FHIR_MCP_*` variable, a wrong value, a missing one or an unreadable file throws CONFIG with the
 * variable's name.
 */
export function readEnvironment(environment: Environment): Configuration {
  const values = valuesOf(environment)
  return { options: optionsOf(values), command: commandOf(values) }
}

/** The options of the plugin. Throws CONFIG for wrong and missing ones. */
export function optionsOf(values: Values): Options {
  return parseOptions(inputOf(optionVariables, values), optionName)
}

/**
 * The options of the broker at `publicUrl`, but for its resource; undefined where none is wanted. Throws CONFIG for wrong and
 * missing ones, and for some without `brokerSwitch`.
 */
export function brokerSettingsOf(values: Values, publicUrl: string): BrokerSettings | undefined {
  const given = brokerVariables.find(({ name }) => values.has(name))
  if (given === undefined) return undefined
  if (!values.has(brokerSwitch)) throw wrong(brokerSwitch, `is required with ${given.name}`)
  return parseBy(brokerSchema, { ...inputOf(brokerVariables, values), publicUrl }, brokerName)
}

/** What the commands need beside the options. */
export function commandOf(values: Values): CommandValues {
  const command: Partial<Record<CommandVariable, string>> = {}
  for (const name of Object.keys(commandVariables).filter(isCommandVariable)) {
    const text = values.get(name)
    if (text !== undefined) command[name] = text
  }
  return command
}

/**
 * The values that are given; files are read. An empty value counts as not given. Throws CONFIG for an unknown `FHIR_MCP_*`
 * variable, one that is given twice, and a file that cannot be read.
 */
export function valuesOf(environment: Environment): Values {
  const variables = [...optionVariables, ...brokerVariables].map(({ name }) => name)
  const known = new Set([...variables, ...Object.keys(commandVariables)])
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

function variablesOf(schema: z.core.$ZodType, group: readonly string[] = []): Variable[] {
  return leavesOf(schema).map((leaf) => ({ name: variableOf([...group, ...leaf.path]), leaf }))
}

/**
 * What is within a variable's value is said beside its name, a place in a list is not; a group is called by its first variable.
 * What has no variable keeps its own name.
 */
function nameAmong(variables: readonly Variable[]): NameOf {
  return (path) => {
    const around = variables.find(({ leaf }) => isWithin(path, leaf.path))
    if (around === undefined) {
      return variables.find(({ leaf }) => isWithin(leaf.path, path))?.name ?? path.join('.')
    }
    const rest = path.slice(around.leaf.path.length).filter((name) => !/^\d+$/.test(name))
    return rest.length === 0 ? around.name : `${around.name}: ${rest.join('.')}`
  }
}

function isWithin(path: readonly string[], group: readonly string[]): boolean {
  return group.every((name, place) => path[place] === name)
}

function inputOf(variables: readonly Variable[], values: Values): Record<string, unknown> {
  const input: Record<string, unknown> = {}
  for (const { name, leaf } of variables) {
    const text = values.get(name)
    if (text !== undefined) put(input, leaf.path, parsedValue(name, leaf.type, text))
    else if (leaf.required) put(input, leaf.path, undefined)
  }
  return input
}

function isCommandVariable(name: string): name is CommandVariable {
  return Object.hasOwn(commandVariables, name)
}

function readSecret(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    throw wrong(name, 'names a file that cannot be read')
  }
}
