import { fhirMcpError } from '../errors.ts'
import { isLoopback } from '../loopback.ts'
import type { ManualClient } from './client.ts'

/** It connects from OpenAI's own servers, so it takes a public address and has no file. */
export const chatgpt: ManualClient = {
  name: 'chatgpt',
  title: 'ChatGPT',
  documentation: 'https://platform.openai.com/docs/guides/developer-mode',
  steps(connection) {
    if (connection.transport === 'stdio') {
      throw fhirMcpError('CONFIG', { detail: 'ChatGPT starts no programs: leave --stdio out.' })
    }
    const { protocol, hostname } = new URL(connection.url)
    if (protocol !== 'https:' || isLoopback(hostname)) {
      throw fhirMcpError('CONFIG', {
        detail:
          'ChatGPT connects from the internet: --url (or FHIR_MCP_PUBLIC_URL) has to be a public https URL.',
      })
    }
    return [
      'In ChatGPT on the web: Settings, Apps, Advanced settings, and switch Developer mode on.',
      'Back in Settings, Apps: Create app.',
      `MCP server URL: ${connection.url}`,
      'Authentication: OAuth. Create, and sign in on the page that opens.',
      'In a chat: +, More, and choose the app.',
    ]
  },
}
