import { clientV1, overHttpV1, overPipesV1, overSseV1 } from './client-v1.ts'
import { clientV2, overHttpV2, overPipesV2, overSseV2 } from './client-v2.ts'
import { ending, startStdio } from './stdio-command.ts'
import type { TestClient } from './test-client.ts'

export type { Called, TestClient } from './test-client.ts'

/** The official clients, and how each is told to find the protocol. */
export type Sdk = 'v1' | 'v2-auto' | 'v2-modern' | 'v2-legacy'

/** One way to reach the server. */
export interface Connection {
  readonly name: string
  readonly sdk: Sdk
  readonly by: 'http' | 'sse' | 'stdio'
  /** The protocol that has to come out. */
  readonly protocol: '2025-11-25' | '2026-07-28'
}

/** Every official client over every transport that it and the protocol have: HTTP+SSE ended with 2025-11-25. */
export const connections: readonly Connection[] = (['http', 'sse', 'stdio'] as const).flatMap((by) =>
  (['v1', 'v2-auto', 'v2-modern', 'v2-legacy'] as const)
    .filter((sdk) => by !== 'sse' || sdk !== 'v2-modern')
    .map((sdk) => {
      const modern = by !== 'sse' && (sdk === 'v2-auto' || sdk === 'v2-modern')
      return { name: `${sdk} over ${by}`, sdk, by, protocol: modern ? '2026-07-28' : '2025-11-25' } as const
    }),
)

/** Where a server is, by each transport. */
export interface Reachable {
  /** Of a gateway. */
  readonly origin: string
  /** Of the `stdio` command, all but the token. */
  readonly environment: Readonly<Record<string, string>>
}

/** Connects. Over HTTP and HTTP+SSE `token` is asked at each request, over stdio once. */
export async function connect(
  { sdk, by }: Connection,
  { origin, environment }: Reachable,
  token: () => string,
): Promise<TestClient> {
  const mode = { 'v2-auto': 'auto', 'v2-legacy': 'legacy', 'v2-modern': { pin: '2026-07-28' } } as const
  if (by === 'http') {
    const url = `${origin}/mcp`
    return sdk === 'v1' ? clientV1(overHttpV1(url, token)) : clientV2(overHttpV2(url, token), mode[sdk])
  }
  if (by === 'sse') {
    const url = `${origin}/sse`
    return sdk === 'v1' ? clientV1(overSseV1(url, token)) : clientV2(overSseV2(url, token), mode[sdk])
  }
  const command = startStdio({ ...environment, FHIR_MCP_ACCESS_TOKEN: token() })
  const client = sdk === 'v1' ? clientV1(overPipesV1(command)) : clientV2(overPipesV2(command), mode[sdk])
  return ending(await client, command)
}

/** Connects by Streamable HTTP, protocol 2025-11-25. */
export function connectHttp(url: string, token: string | undefined): Promise<TestClient> {
  return clientV1(overHttpV1(url, () => token))
}

/** Connects by Streamable HTTP, protocol 2026-07-28. */
export function connectModern(url: string, token: string): Promise<TestClient> {
  const transport = overHttpV2(url, () => token)
  return clientV2(transport, { pin: '2026-07-28' })
}

/** Connects by HTTP+SSE. */
export function connectSse(url: string, token: string): Promise<TestClient> {
  return clientV1(overSseV1(url, () => token))
}

/** Runs the `stdio` command in this process and connects to it. What it writes to stderr goes to `lines`. */
export async function connectStdio(
  environment: Record<string, string>,
  lines: string[] = [],
): Promise<TestClient> {
  const command = startStdio(environment, lines)
  return ending(await clientV1(overPipesV1(command)), command)
}
