import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'
import { bearing } from './bearing.ts'
import type { StdioCommand } from './stdio-command.ts'
import { calledOf, identity, type TestClient, textOf } from './test-client.ts'

/** Connects a client of the first SDK. */
export async function clientV1(transport: Transport): Promise<TestClient> {
  const client = new Client(identity)
  let protocol: string | undefined
  const tell = transport.setProtocolVersion?.bind(transport)
  transport.setProtocolVersion = (version) => {
    protocol = version
    tell?.(version)
  }
  await client.connect(transport)
  return {
    introduction: () => ({
      name: client.getServerVersion()?.name,
      version: client.getServerVersion()?.version,
      protocol,
      instructions: client.getInstructions(),
      capabilities: client.getServerCapabilities(),
    }),
    listTools: async () => (await client.listTools()).tools,
    call: async (name, args = {}, asking = {}) =>
      calledOf(await client.callTool({ name, arguments: args }, CallToolResultSchema, asking)),
    listResources: async () => (await client.listResources()).resources,
    listTemplates: async () => (await client.listResourceTemplates()).resourceTemplates,
    readResource: async (uri) => textOf((await client.readResource({ uri })).contents),
    readContents: async (uri) => (await client.readResource({ uri })).contents,
    complete: async (uri, name, value) =>
      (await client.complete({ ref: { type: 'ref/resource', uri }, argument: { name, value } })).completion
        .values,
    listPrompts: async () => (await client.listPrompts()).prompts,
    getPrompt: async (name, args) => (await client.getPrompt({ name, arguments: args })).messages,
    request: (method) => client.request({ method }, z.looseObject({})),
    close: () => client.close(),
  }
}

/** Streamable HTTP; the token is asked for at each request. */
export function overHttpV1(url: string, token: () => string | undefined): Transport {
  // Its `sessionId` is undefined where the interface has none.
  return new StreamableHTTPClientTransport(new URL(url), { fetch: bearing(token) }) as Transport
}

/** HTTP+SSE; likewise. */
export function overSseV1(url: string, token: () => string | undefined): Transport {
  return new SSEClientTransport(new URL(url), { fetch: bearing(token) })
}

/** A pipe is the same from both ends: what the server reads is what the client writes. */
export function overPipesV1({ stdin, stdout }: StdioCommand): Transport {
  return new StdioServerTransport(stdout, stdin)
}
