import { createServer, request } from 'node:http'
import { listenOnLoopback } from './listen.ts'

/** A front before a server. */
export interface Front {
  readonly origin: string
  close(): Promise<void>
}

/**
 * The conformance suite knows no tokens, so this stands between it and the server and does one thing: it puts a token of the
 * test's issuer into each request. Host, Origin, method, path and body pass as they are, and the server behind verifies and
 * decides as it does for anybody.
 */
export async function startFront(target: string, token: () => Promise<string>): Promise<Front> {
  const { hostname, port } = new URL(target)
  const server = createServer(async (arrived, answer) => {
    const authorization = `Bearer ${await token()}`
    const { method, url } = arrived
    const passed = request({
      ...{ hostname, port, method, path: url },
      headers: { ...arrived.headers, authorization },
    })
    passed.once('response', (answered) => {
      answer.writeHead(answered.statusCode ?? 502, answered.rawHeaders)
      answered.pipe(answer)
    })
    passed.once('error', () => answer.destroy())
    answer.once('close', () => passed.destroy())
    arrived.pipe(passed)
  })
  return listenOnLoopback(server)
}
