import type { FileClient } from './client.ts'
import { commandEntry } from './command.ts'
import { pathOn, settingsFolder } from './folders.ts'

export const vscode: FileClient = {
  name: 'vscode',
  title: 'VS Code',
  documentation: 'https://code.visualstudio.com/docs/copilot/reference/mcp-configuration',
  member: 'servers',
  file: (machine, scope) =>
    scope === 'user'
      ? pathOn(machine, settingsFolder(machine), 'Code', 'User', 'mcp.json')
      : pathOn(machine, machine.folder, '.vscode', 'mcp.json'),
  entry: (connection, platform) =>
    connection.transport === 'http'
      ? { type: 'http', url: connection.url }
      : { type: 'stdio', ...commandEntry(connection, platform) },
  afterwards:
    'Start the server from the file, or by the command "MCP: List Servers"; over HTTP VS Code asks to sign in.',
}
