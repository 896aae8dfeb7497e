import { resolve } from 'node:path'
import {
  brokerVariables,
  commandOf,
  commandVariables,
  type Environment,
  optionsOf,
  prefix,
  type Values,
  valuesOf,
  variableOf,
} from '../config/env.ts'
import { holdsSecret } from '../config/secrets.ts'
import { fhirMcpError } from '../errors.ts'
import { isSecretsEndpoint } from '../loopback.ts'
import type { Connection } from './client.ts'

const publicUrl = variableOf(['publicUrl'])
const path = variableOf(['path'])

/**
 * The endpoint: the URL that is given, else FHIR_MCP_PUBLIC_URL with FHIR_MCP_PATH, else that of `serve` on this machine. Throws
 * CONFIG for one over which tokens would travel in the clear.
 */
export function httpConnection(url: string | undefined, environment: Environment): Connection {
  const values = valuesOf(environment)
  const { FHIR_MCP_PORT: port = '8765' } = commandOf(values)
  const base = values.get(publicUrl)?.replace(/\/+$/, '') ?? `http://127.0.0.1:${port}`
  const chosen = url ?? `${base}${values.get(path) ?? '/mcp'}`
  if (isSecretsEndpoint(chosen)) return { transport: 'http', url: chosen }
  throw fhirMcpError('CONFIG', {
    detail: `--url (or ${publicUrl}) must be an https URL (http on loopback alone) without credentials or fragment.`,
  })
}

/**
 * The command with the variables that are set now. A secret is never copied: the path of the file that holds it is, and a secret
 * given by value throws CONFIG, as does a configuration with which `stdio` would not start.
 */
export function stdioConnection(environment: Environment): Connection {
  const values = valuesOf(environment)
  optionsOf(values)
  const { FHIR_MCP_ACCESS_TOKEN: token, FHIR_MCP_LOGIN_CLIENT_ID: client } = commandOf(values)
  if (token === undefined && client === undefined) {
    throw fhirMcpError('CONFIG', {
      detail: 'FHIR_MCP_LOGIN_CLIENT_ID to sign in with, or FHIR_MCP_ACCESS_TOKEN_FILE, is required.',
    })
  }
  return { transport: 'stdio', env: variablesOf(environment, values) }
}

function variablesOf(environment: Environment, values: Values): Record<string, string> {
  const env: Record<string, string> = {}
  const secrets: string[] = []
  for (const name of Object.keys(environment)
    .filter((one) => one.startsWith(prefix))
    .toSorted()) {
    const text = environment[name]
    if (text === undefined || text === '') continue
    const byValue = values.has(name)
    const target = byValue ? name : name.replace(/_FILE$/, '')
    if (ofServe.has(target)) continue
    // A client starts the command somewhere else.
    if (!byValue || paths.has(name)) env[name] = resolve(text)
    else if (holdsSecret(name, text)) secrets.push(name)
    else env[name] = text
  }
  if (secrets.length === 0) return env
  throw fhirMcpError('CONFIG', {
    detail: `A client's file is no place for secrets. Put each into a file that only you can read, and give its path: ${secrets.map((name) => `${name}_FILE in place of ${name}`).join(', ')}.`,
  })
}

/** Values that are paths. */
const paths: ReadonlySet<string> = new Set([variableOf(['audit', 'path']), 'FHIR_MCP_LOGIN_FOLDER'])

/** What only `serve` reads. */
const ofServe: ReadonlySet<string> = new Set([
  ...brokerVariables.map(({ name }) => name),
  ...Object.entries(commandVariables).flatMap(([name, about]) => (about.startsWith('serve:') ? [name] : [])),
])
