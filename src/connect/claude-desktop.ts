import type { FileClient } from './client.ts'
import { commandEntry } from './command.ts'
import { pathOn, settingsFolder } from './folders.ts'

/** Its file starts programs only: an endpoint is reached by `mcp-remote`, also on this machine or in a private network. */
export const claudeDesktop: FileClient = {
  name: 'claude-desktop',
  title: 'Claude Desktop',
  documentation: 'https://modelcontextprotocol.io/docs/develop/connect-local-servers',
  member: 'mcpServers',
  file: (machine, scope) =>
    scope === 'user'
      ? pathOn(machine, settingsFolder(machine), 'Claude', 'claude_desktop_config.json')
      : undefined,
  entry: commandEntry,
  afterwards: 'Quit Claude Desktop and start it again.',
}
