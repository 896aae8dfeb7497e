import {
  Client,
  SSEClientTransport,
  StreamableHTTPClientTransport,
  type Transport,
  type VersionNegotiationMode,
} from '@modelcontextprotocol/client'
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio'
import { z } from 'zod'
import { bearing } from './bearing.ts'
import type { StdioCommand } from './stdio-command.ts'
import { calledOf, identity, type TestClient, textOf } from './test-client.ts'

/** Connects a client of the second SDK, which finds out or is told what protocol the server speaks. */
export async function clientV2(transport: Transport, mode: VersionNegotiationMode): Promise<TestClient> {
  const client = new Client(identity, { versionNegotiation: { mode } })
  await client.connect(transport)
  return {
    introduction: () => ({
      name: client.getServerVersion()?.name,
      version: client.getServerVersion()?.version,
      protocol: client.getNegotiatedProtocolVersion(),
      instructions: client.getInstructions(),
      capabilities: client.getServerCapabilities(),
    }),
    listTools: async () => (await client.listTools()).tools,
    call: async (name, args = {}, asking = {}) =>
      calledOf(await client.callTool({ name, arguments: args }, asking)),
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
export function overHttpV2(url: string, token: () => string | undefined): Transport {
  return new StreamableHTTPClientTransport(new URL(url), { fetch: bearing(token) })
}

/** HTTP+SSE; likewise. */
export function overSseV2(url: string, token: () => string | undefined): Transport {
  return new SSEClientTransport(new URL(url), { fetch: bearing(token) })
}

/** A pipe is the same from both ends: what the server reads is what the client writes. */
export function overPipesV2({ stdin, stdout }: StdioCommand): Transport {
  return new StdioServerTransport(stdout, stdin)
}
