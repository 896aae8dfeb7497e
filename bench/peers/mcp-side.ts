import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { ToolCall } from './mapping.ts'

/** What a call gave. */
export interface Given {
  readonly bytes: number
  readonly isError: boolean
}

/** A connected client of one MCP server. */
export interface McpSide {
  list(): Promise<Given>
  call(call: ToolCall): Promise<Given>
  close(): Promise<void>
}

/** Connects the SDK's own client; `token` is sent as bearer. */
export async function connectSide(url: string, token: string | undefined): Promise<McpSide> {
  const client = new Client({ name: 'bench', version: '1.0.0' })
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } })
  await client.connect(transport as Transport)
  const givenBy = (answer: object, isError: boolean) => ({
    bytes: Buffer.byteLength(JSON.stringify(answer)),
    isError,
  })
  return {
    list: async () => givenBy(await client.listTools(), false),
    call: async ({ tool, arguments: args }) => {
      const answer = await client.callTool({ name: tool, arguments: { ...args } })
      return givenBy(answer, answer.isError === true)
    },
    close: () => client.close(),
  }
}
