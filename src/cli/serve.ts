import type { Writable } from 'node:stream'
import Fastify, { type FastifyInstance } from 'fastify'
import { missingPublicUrl } from '../../plugins/address.ts'
import { fhirMcp } from '../../plugins/index.ts'
import { type Configuration, variableOf } from '../config-env.ts'
import { fhirMcpError } from '../errors.ts'
import { isLoopback } from '../loopback.ts'
import { logLevelOf } from './log.ts'

/** Where to listen, as arguments of the command say; the environment comes second. */
export interface ServeArguments {
  readonly host?: string | undefined
  readonly port?: string | undefined
}

const defaults = { host: '127.0.0.1', port: '8765' }

/**
 * Starts the HTTP server and resolves once it listens. Closing it lets requests in flight end and closes the streams.
 * Throws CONFIG for a wrong setting, and what listening throws.
 */
export async function serve(
  { options, command }: Configuration,
  given: ServeArguments,
  stderr: Writable,
): Promise<FastifyInstance> {
  const host = given.host ?? command.FHIR_MCP_HOST ?? defaults.host
  const port = portOf(given.port ?? command.FHIR_MCP_PORT ?? defaults.port)
  if (!isLoopback(host) && options.publicUrl === undefined) throw missingPublicUrl(variableOf(['publicUrl']))
  const app = Fastify({ logger: { level: logLevelOf(command.FHIR_MCP_LOG_LEVEL), stream: stderr } })
  await app.register(fhirMcp, options)
  await app.listen({ host, port })
  return app
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (port <= 65_535) return port
  throw fhirMcpError('CONFIG', { detail: 'FHIR_MCP_PORT (--port) must be a port number.' })
}
