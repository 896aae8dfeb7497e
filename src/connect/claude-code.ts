import type { FileClient } from './client.ts'
import { commandEntry } from './command.ts'
import { pathOn } from './folders.ts'

export const claudeCode: FileClient = {
  name: 'claude-code',
  title: 'Claude Code',
  documentation: 'https://code.claude.com/docs/en/mcp',
  member: 'mcpServers',
  file: (machine, scope) =>
    scope === 'user'
      ? pathOn(machine, machine.home, '.claude.json')
      : pathOn(machine, machine.folder, '.mcp.json'),
  entry: (connection, platform) =>
    connection.transport === 'http'
      ? { type: 'http', url: connection.url }
      : { type: 'stdio', ...commandEntry(connection, platform) },
  afterwards: 'Start claude anew; over HTTP sign in with /mcp, the name of the server, Authenticate.',
}
