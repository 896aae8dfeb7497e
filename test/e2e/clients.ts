import { PassThrough } from 'node:stream'
import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
} from '@modelcontextprotocol/client'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'
import { run } from '../../src/cli/run.ts'

/** Streamable HTTP in both protocol eras, HTTP+SSE, and stdio. */
export const transports = ['http', 'http-2026', 'sse', 'stdio'] as const
export type Transport = (typeof transports)[number]

/** What a call of a tool answers, whatever SDK asked. */
export interface Called {
  readonly text: string
  readonly structured: Record<string, unknown>
  readonly isError: boolean
}

/** A real MCP client, reduced to what every transport can do. */
export interface TestClient {
  listTools(): Promise<readonly { name: string; [member: string]: unknown }[]>
  call(name: string, args?: Record<string, unknown>): Promise<Called>
  readResource(uri: string): Promise<string>
  complete(uri: string, variable: string, value: string): Promise<readonly string[]>
  close(): Promise<void>
}

const identity = { name: 'tests', version: '1.0.0' }
const resultSchema = z.object({
  content: z.array(z.looseObject({ type: z.string(), text: z.string().optional() })),
  structuredContent: z.record(z.string(), z.unknown()).default({}),
  isError: z.boolean().default(false),
})

function calledOf(result: object): Called {
  const { content, structuredContent, isError } = resultSchema.parse(result)
  return { text: content[0]?.text ?? '', structured: structuredContent, isError }
}

function older(client: Client): TestClient {
  return {
    listTools: async () => (await client.listTools()).tools,
    call: async (name, args = {}) =>
      calledOf(await client.callTool({ name, arguments: args }, CallToolResultSchema)),
    readResource: async (uri) => textOf((await client.readResource({ uri })).contents),
    complete: async (uri, name, value) =>
      (await client.complete({ ref: { type: 'ref/resource', uri }, argument: { name, value } })).completion
        .values,
    close: () => client.close(),
  }
}

function textOf(contents: readonly object[]): string {
  const [first] = contents
  return first !== undefined && 'text' in first ? String(first.text) : ''
}

/** Connects by Streamable HTTP, protocol 2025-11-25. */
export async function connectHttp(url: string, token: string | undefined): Promise<TestClient> {
  const client = new Client(identity)
  await client.connect(
    new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: bearer(token) } }),
  )
  return older(client)
}

/** Connects by Streamable HTTP, protocol 2026-07-28. */
export async function connectModern(url: string, token: string): Promise<TestClient> {
  const client = new ModernClient(identity, { versionNegotiation: { mode: { pin: '2026-07-28' } } })
  await client.connect(new ModernTransport(new URL(url), { requestInit: { headers: bearer(token) } }))
  return {
    listTools: async () => (await client.listTools()).tools,
    call: async (name, args = {}) => calledOf(await client.callTool({ name, arguments: args })),
    readResource: async (uri) => textOf((await client.readResource({ uri })).contents),
    complete: async (uri, name, value) =>
      (await client.complete({ ref: { type: 'ref/resource', uri }, argument: { name, value } })).completion
        .values,
    close: () => client.close(),
  }
}

/** Connects by HTTP+SSE. */
export async function connectSse(url: string, token: string): Promise<TestClient> {
  const client = new Client(identity)
  const headers = bearer(token)
  const withToken = (input: string | URL, init?: RequestInit) =>
    fetch(input, { ...init, headers: { ...Object.fromEntries(new Headers(init?.headers)), ...headers } })
  await client.connect(
    new SSEClientTransport(new URL(url), { requestInit: { headers }, eventSourceInit: { fetch: withToken } }),
  )
  return older(client)
}

/**
 * Runs the `stdio` command in this process, so that nock plays its exchange, and connects to it by a pair of pipes. What it
 * writes to stderr goes to `lines`.
 */
export async function connectStdio(
  environment: Record<string, string>,
  lines: string[] = [],
): Promise<TestClient> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  stderr.on('data', (chunk: Buffer) => void lines.push(chunk.toString()))
  const ended = run(['stdio'], { stdin, stdout, stderr, environment, stopped: new Promise(() => undefined) })
  const client = new Client(identity)
  // A pipe is the same from both ends: what the server reads is what the client writes.
  await client.connect(new StdioServerTransport(stdout, stdin))
  return {
    ...older(client),
    async close() {
      await client.close()
      stdin.end()
      await ended
    },
  }
}

function bearer(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` }
}
