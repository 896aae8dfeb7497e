import type { Connection, Entry } from './client.ts'

/**
 * The entry of a client that starts programs: this package over stdio, or `mcp-remote` in front of an endpoint. On Windows npx is
 * a script, which only a shell can start.
 */
export function commandEntry(connection: Connection, platform: NodeJS.Platform): Entry {
  return connection.transport === 'http'
    ? started(['-y', 'mcp-remote', connection.url], platform)
    : { ...started(['-y', 'fastify-fhir-mcp', 'stdio'], platform), env: connection.env }
}

function started(args: readonly string[], platform: NodeJS.Platform): Entry {
  return platform === 'win32' ? { command: 'cmd', args: ['/c', 'npx', ...args] } : { command: 'npx', args }
}
