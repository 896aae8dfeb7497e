import { createServer, request as forward } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What stands at the public address of a gateway of several processes. */
export interface PublicProxy {
  readonly origin: string
  /** Port of the process that gets the next request. When it goes before it answers, the connection is lost. */
  to: number
  close(): Promise<void>
}

/** Starts a proxy on a loopback port. */
export async function startProxy(): Promise<PublicProxy> {
  const server = createServer((incoming, outgoing) => {
    const { method, headers, url: path } = incoming
    const sent = forward({ host: '127.0.0.1', port: proxy.to, method, headers, path }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    sent.once('error', () => outgoing.destroy())
    incoming.pipe(sent)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const proxy: PublicProxy = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    to: 0,
    async close() {
      server.close()
      server.closeAllConnections()
    },
  }
  return proxy
}
