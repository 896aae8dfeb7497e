import { join } from 'node:path'
import envPaths from 'env-paths'
import type { Configuration } from '../config/env.ts'
import type { Options } from '../config/options.ts'
import { fhirMcpError } from '../errors.ts'

/** What a sign-in needs to know. */
export interface LoginSettings {
  readonly issuer: URL
  readonly clientId: string
  readonly clientSecret: string | undefined
  /** Undefined: what the issuer's discovery offers of what the tools need. */
  readonly scope: string | undefined
  /** Types of the record that the tools may read beside what they always may. */
  readonly types: Options['fhir']['types']
  /** Resource indicator (RFC 8707); undefined where none is asked for. */
  readonly resource: string | undefined
  /** Port of the loopback redirect; 0 is any free one. */
  readonly port: number
  /** Folder of the kept tokens. */
  readonly folder: string
}

/**
 * The settings of a sign-in; undefined without FHIR_MCP_LOGIN_CLIENT_ID. Throws CONFIG for a wrong port or resource.
 */
export function loginSettings({ options, command }: Configuration): LoginSettings | undefined {
  const clientId = command.FHIR_MCP_LOGIN_CLIENT_ID
  if (clientId === undefined) return undefined
  const issuer = new URL(options.auth.issuer)
  return {
    issuer,
    clientId,
    clientSecret: command.FHIR_MCP_LOGIN_CLIENT_SECRET,
    scope: command.FHIR_MCP_LOGIN_SCOPE,
    types: options.fhir.types,
    resource: resourceOf(command.FHIR_MCP_LOGIN_RESOURCE, options.auth.audience),
    port: portOf(command.FHIR_MCP_LOGIN_PORT),
    folder:
      command.FHIR_MCP_LOGIN_FOLDER ?? join(envPaths('fastify-fhir-mcp', { suffix: '' }).data, 'sign-in'),
  }
}

/** The options with the client of the sign-in among `auth.clients`: its tokens are ours. */
export function withLoginClient(options: Options, clientId: string): Options {
  const clients = [...new Set([...options.auth.clients, clientId])]
  return { ...options, auth: { ...options.auth, clients } }
}

/** RFC 8707, §2: an absolute URI without a fragment. An audience that is none is a name that only the issuer knows. */
function resourceOf(given: string | undefined, audience: Options['auth']['audience']): string | undefined {
  if (given === 'none') return undefined
  if (given !== undefined) {
    if (!isResource(given))
      throw wrong('FHIR_MCP_LOGIN_RESOURCE must be an absolute URI without a fragment, or none')
    return given
  }
  const audiences = [audience ?? []].flat()
  const [only] = audiences
  return audiences.length === 1 && only !== undefined && isResource(only) ? only : undefined
}

function isResource(text: string): boolean {
  return URL.canParse(text) && !text.includes('#')
}

function portOf(text: string | undefined): number {
  if (text === undefined) return 0
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (port >= 1 && port <= 65_535) return port
  throw wrong('FHIR_MCP_LOGIN_PORT must be a port number')
}

function wrong(what: string): Error {
  return fhirMcpError('CONFIG', { detail: `${what}.` })
}
