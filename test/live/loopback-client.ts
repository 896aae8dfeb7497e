import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Where the browser comes back to an MCP client on this machine (RFC 8252 §7.3). */
export interface LoopbackClient {
  readonly redirectUri: string
  /** Where the browser is sent once the client has its answer. */
  readonly doneUrl: string
  /** Every answer that it got, the latest last. */
  readonly answers: readonly URL[]
  /** `Referer` of every request. */
  readonly referrers: readonly (string | undefined)[]
  close(): Promise<void>
}

/** Starts to listen on a loopback port. */
export async function startLoopbackClient(): Promise<LoopbackClient> {
  const answers: URL[] = []
  const referrers: (string | undefined)[] = []
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', origin)
    referrers.push(request.headers.referer)
    if (url.pathname === '/callback') {
      answers.push(url)
      return void response.writeHead(303, { location: '/done' }).end()
    }
    response
      .writeHead(url.pathname === '/done' ? 200 : 404, { 'content-type': 'text/html' })
      .end('<!doctype html><title>done</title><p>The assistant has its answer.')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    redirectUri: `${origin}/callback`,
    doneUrl: `${origin}/done`,
    answers,
    referrers,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
