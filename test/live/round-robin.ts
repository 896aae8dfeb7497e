import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A proxy without stickiness: each request goes to the next instance, whoever asks. */
export interface RoundRobin {
  readonly origin: string
  /** Ports of the instances. */
  instances: readonly number[]
  /** Requests that each instance answered, by port. */
  readonly answered: ReadonlyMap<number, number>
  /** Requests that were sent to another instance, since this one could not be reached or went away without an answer. */
  readonly again: number
  /** Requests that ended with 502. */
  readonly lost: number
  close(): Promise<void>
}

/**
 * When a request goes to another instance. `unsent`: nobody took the connection, as any balancer does. `unanswered`: also when
 * the connection broke before the first byte of an answer, which balancers do for requests that may be repeated
 * (nginx: `proxy_next_upstream error non_idempotent`); every request of this server may.
 */
export type Repeating = 'unsent' | 'unanswered'

/** Starts one on a loopback port. `keepAlive`: it keeps its connections to the instances. */
export async function startRoundRobin(repeating: Repeating, keepAlive: boolean): Promise<RoundRobin> {
  const agent = new Agent({ keepAlive })
  const answered = new Map<number, number>()
  let [turn, again, lost] = [0, 0, 0]

  function forward(
    incoming: IncomingMessage,
    body: Buffer,
    outgoing: ServerResponse,
    failed: number[],
  ): void {
    // One that has failed is passed over, as long as there is another.
    const others = proxy.instances.filter((one) => !failed.includes(one))
    const possible = others.length === 0 ? proxy.instances : others
    const port = possible[turn++ % possible.length] ?? 0
    const { method, headers, url: path } = incoming
    const { connection: _, 'transfer-encoding': __, ...kept } = headers
    const sent = request(
      { host: '127.0.0.1', port, method, path, agent, headers: { ...kept, 'content-length': body.length } },
      (answer) => {
        answered.set(port, (answered.get(port) ?? 0) + 1)
        const { connection: ___, ...own } = answer.headers
        outgoing.writeHead(answer.statusCode ?? 502, own)
        answer.once('error', () => outgoing.destroy())
        answer.pipe(outgoing)
      },
    )
    sent.once('error', (error: NodeJS.ErrnoException) => {
      if (outgoing.headersSent) return void outgoing.destroy()
      if (failed.length < 5 && (repeating === 'unanswered' || error.code === 'ECONNREFUSED')) {
        again += 1
        forward(incoming, body, outgoing, [...failed, port])
      } else {
        lost += 1
        outgoing.writeHead(502).end()
      }
    })
    sent.end(body)
  }

  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => forward(incoming, Buffer.concat(chunks), outgoing, []))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const proxy: RoundRobin = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    instances: [],
    answered,
    get again() {
      return again
    },
    get lost() {
      return lost
    },
    async close() {
      server.close()
      server.closeAllConnections()
      agent.destroy()
    },
  }
  return proxy
}
