import { z } from 'zod'
import { brokerSwitch, brokerVariables, commandVariables, optionVariables } from '../config/env.ts'
import type { Leaf } from '../config/leaves.ts'

/** What `--help` prints: the commands, and every variable with its meaning, choices and default. */
export function helpText(): string {
  const options = optionVariables.map(({ name, leaf }) => entry(name, aboutOption(leaf)))
  const broker = brokerVariables.map(({ name, leaf }) => entry(name, aboutOption(leaf)))
  const commands = Object.entries(commandVariables).map(([name, about]) => entry(name, about))
  return `${[
    'Usage: fastify-fhir-mcp <command>',
    '',
    '  serve [--host HOST] [--port PORT]   MCP over Streamable HTTP and HTTP+SSE',
    '  stdio                               MCP over stdin and stdout, for one user; signs in at the first call',
    '  login [--no-browser | --device]     sign in for stdio: in the browser, by a pasted address, on another device',
    '  logout                              revoke and remove what login kept',
    '  whoami                              who is signed in, what that reaches, until when',
    '  broker-secrets [--out FILE]         new values for FHIR_MCP_BROKER_KEYS, _COOKIE_SECRETS and _ENCRYPTION_KEY',
    '  check [--json]                      looks at this configuration, the exchange, the issuer and the token; 1 when something fails',
    '  connect CLIENT [--stdio | --url URL] [--name NAME] [--project] [--write [--force]]',
    '                                      what an MCP client has to be told, printed or merged into its file; CLIENT is one of',
    '                                      claude-desktop, claude-code, vscode, cursor, chatgpt, gemini-cli, mcp-remote',
    '  audit verify [FILE...] [--after HEADS] [--heads HEADS]',
    '                                      whether the records of calls are whole and as they were written, oldest file first; 1 when not',
    '  audit heads [FILE...]               the last record of each chain, to be kept elsewhere for --heads and --after',
    '  help, --help                        this text',
    '  --version                           the version',
    '',
    'Everything else comes from environment variables. Each may also be given as NAME_FILE, the path of a file',
    'that holds the value. Lists are separated by commas, objects are JSON.',
    '',
    ...options,
    '',
    `For the broker of serve, which signs people in for clients that must register. It is on when`,
    `${brokerSwitch} is set; then FHIR_MCP_AUTH_ISSUER and FHIR_MCP_AUTH_AUDIENCE are left out.`,
    ...broker,
    '',
    'For the commands:',
    ...commands,
  ].join('\n')}\n`
}

function entry(name: string, about: string): string {
  return `  ${name}\n      ${about}`
}

function aboutOption(leaf: Leaf): string {
  const about = leaf.description ?? `Goes with the other variables of ${leaf.path.slice(0, -1).join('.')}`
  const marks = [
    ...choices(leaf.type),
    ...(leaf.required ? ['required'] : []),
    ...(leaf.fallback === undefined ? [] : [`default: ${shown(leaf.fallback)}`]),
  ]
  return marks.length === 0 ? about : `${about} (${marks.join('; ')})`
}

function choices(type: z.core.$ZodType): string[] {
  if (type instanceof z.ZodEnum) return [`one of ${type.options.join(', ')}`]
  if (type instanceof z.ZodArray && type.element instanceof z.ZodEnum) {
    return [`any of ${type.element.options.join(', ')}`]
  }
  return []
}

function shown(fallback: unknown): string {
  if (Array.isArray(fallback)) return fallback.length === 0 ? 'none' : fallback.join(',')
  return typeof fallback === 'object' ? JSON.stringify(fallback) : String(fallback)
}
