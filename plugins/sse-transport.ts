import type { ServerResponse } from 'node:http'
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js'
import { exactNumbers } from '../src/mcp/exact-numbers.ts'

/** The SDK's transport for HTTP+SSE, with numbers in the digits that are kept of them. */
export function createSseTransport(messagesPath: string, response: ServerResponse): SSEServerTransport {
  const transport = new SSEServerTransport(messagesPath, response)
  transport.send = async (message) => {
    if (response.writableEnded) throw new Error('Not connected')
    response.write(`event: message\ndata: ${exactNumbers(JSON.stringify(message))}\n\n`)
  }
  return transport
}
