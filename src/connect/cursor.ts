import type { FileClient } from './client.ts'
import { commandEntry } from './command.ts'
import { pathOn } from './folders.ts'

export const cursor: FileClient = {
  name: 'cursor',
  title: 'Cursor',
  documentation: 'https://cursor.com/docs/mcp',
  member: 'mcpServers',
  file: (machine, scope) =>
    pathOn(machine, scope === 'user' ? machine.home : machine.folder, '.cursor', 'mcp.json'),
  entry: (connection, platform) =>
    connection.transport === 'http'
      ? { url: connection.url }
      : { type: 'stdio', ...commandEntry(connection, platform) },
  afterwards: 'Reload the window; over HTTP Cursor asks to sign in.',
}
