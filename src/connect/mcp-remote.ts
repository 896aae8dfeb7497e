import { fhirMcpError } from '../errors.ts'
import type { FileClient } from './client.ts'
import { commandEntry } from './command.ts'

/** Not a client but a bridge: for any client that starts programs and cannot reach an endpoint by itself. */
export const mcpRemote: FileClient = {
  name: 'mcp-remote',
  title: 'mcp-remote, for any client that speaks stdio only',
  documentation: 'https://www.npmjs.com/package/mcp-remote',
  member: 'mcpServers',
  file: () => undefined,
  entry(connection, platform) {
    if (connection.transport === 'http') return commandEntry(connection, platform)
    throw fhirMcpError('CONFIG', { detail: 'mcp-remote is for HTTP: leave --stdio out.' })
  },
  afterwards: 'Put it where your client keeps its servers; the browser opens to sign in when it starts.',
}
