import type { FileClient } from './client.ts'
import { commandEntry } from './command.ts'
import { pathOn } from './folders.ts'

/** Of its two members for addresses, `httpUrl` is Streamable HTTP. */
export const geminiCli: FileClient = {
  name: 'gemini-cli',
  title: 'Gemini CLI',
  documentation: 'https://geminicli.com/docs/tools/mcp-server/',
  member: 'mcpServers',
  file: (machine, scope) =>
    pathOn(machine, scope === 'user' ? machine.home : machine.folder, '.gemini', 'settings.json'),
  entry: (connection, platform) =>
    connection.transport === 'http' ? { httpUrl: connection.url } : commandEntry(connection, platform),
  afterwards: 'Start gemini anew; over HTTP sign in with /mcp auth and the name of the server.',
}
