import { Pool } from 'undici'

/** A request that is sent again and again. */
export interface Call {
  readonly origin: string
  readonly path: string
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
}

/** Sends calls to one server over one connection, one after another. */
export interface Caller {
  /** Sends it and reads the answer to its end. Throws for another status than 200. */
  send(): Promise<Buffer>
  close(): Promise<void>
}

/** A caller for one call. */
export function createCaller({ origin, path, method, headers, body }: Call): Caller {
  const pool = new Pool(origin, { connections: 1 })
  return {
    async send() {
      const answered = await pool.request({ path, method, headers, body })
      const bytes = Buffer.from(await answered.body.arrayBuffer())
      if (answered.statusCode !== 200) throw new Error(`${path} answered ${answered.statusCode}: ${bytes}`)
      return bytes
    },
    close: () => pool.close(),
  }
}

/** Headers of an MCP request over Streamable HTTP. */
export function mcpHeaders(token: string): Record<string, string> {
  return {
    authorization: `Bearer ${token}`,
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
    'mcp-protocol-version': '2025-11-25',
  }
}

/** The body of a tool's call. */
export function toolCall(name: string, args: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } })
}

/** The body that asks for the tools. */
export const toolsList = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} })

/** An MCP request with a token. */
export function mcpCall(origin: string, token: string, body: string, path = '/mcp'): Call {
  return { origin, path, method: 'POST', headers: mcpHeaders(token), body }
}
