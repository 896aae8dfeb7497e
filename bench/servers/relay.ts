import type { IncomingMessage, ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { request } from 'undici'
import { z } from 'zod'
import { listen } from './listen.ts'
import { defineRole } from './role.ts'

/** What a relay has passed on since the last reset. */
export const relayLog = z.object({ count: z.number() })

/** Headers that belong to one connection, and the host, which is that of the exchange. */
const ofConnection = ['connection', 'keep-alive', 'transfer-encoding', 'host']

/** Stands between two MCP servers and a live exchange, on one port for both, and counts the requests. */
export const relayRole = defineRole(
  z.object({ target: z.string(), port: z.number() }),
  async ({ target, port }) => {
    let count = 0
    const pass = async (incoming: IncomingMessage, response: ServerResponse) => {
      const body = incoming.method === 'GET' ? undefined : await buffer(incoming)
      const answer = await request(`${target}${incoming.url}`, {
        method: incoming.method ?? 'GET',
        headers: withoutConnection(incoming.headers),
        ...(body === undefined ? {} : { body }),
      })
      response.writeHead(answer.statusCode, withoutConnection(answer.headers))
      response.end(await buffer(answer.body))
    }
    const { origin } = await listen((incoming, response) => {
      count += 1
      pass(incoming, response).catch(() => response.destroy())
    }, port)
    return {
      facts: { origin },
      commands: {
        reset: () => {
          count = 0
        },
        log: () => ({ count }),
      },
    }
  },
)

function withoutConnection(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined || ofConnection.includes(name) ? [] : [[name, value]],
    ),
  )
}
