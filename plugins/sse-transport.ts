import type { ServerResponse } from 'node:http'
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js'
import { exactNumbers } from '../src/mcp/exact-numbers.ts'
import { isUnread } from './unread.ts'

/** The SDK's transport for HTTP+SSE, with numbers in the digits that are kept of them. A stream that is not read is closed. */
export function createSseTransport(messagesPath: string, response: ServerResponse): SSEServerTransport {
  const transport = new SSEServerTransport(messagesPath, response)
  transport.send = async (message) => {
    if (response.writableEnded) throw new Error('Not connected')
    // Who does not read their stream has what they asked for fill our memory.
    if (isUnread(response)) {
      response.destroy()
      throw new Error('Not read')
    }
    response.write(`event: message\ndata: ${exactNumbers(JSON.stringify(message))}\n\n`)
  }
  return transport
}
