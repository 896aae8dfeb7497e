import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import type { StandInAnswer } from './answer.ts'

/** A loopback HTTP server of the test kit. */
export interface Loopback {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string
  /** Ends at once, with every connection. */
  close(): Promise<void>
}

/** Listens on 127.0.0.1; port 0 takes a free one. */
export async function listen(
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  port: number,
): Promise<Loopback> {
  const server: Server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const address = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** The body of a request as text. */
export async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString('utf8')
}

/** The headers of a request, repeated ones joined. */
export function headersOf(request: IncomingMessage): Record<string, string | undefined> {
  const entries = Object.entries(request.headers).map(([name, value]) => [name, [value].flat().join(', ')])
  return Object.fromEntries(entries)
}

/** Sends an answer, with gzip where the client takes it and the body is worth it. */
export function send(request: IncomingMessage, response: ServerResponse, answer: StandInAnswer): void {
  const isText = typeof answer.body === 'string' || answer.body === undefined
  const text = isText ? String(answer.body ?? '') : JSON.stringify(answer.body)
  const headers: Record<string, string> = {
    ...(text === '' ? {} : { 'content-type': isText ? 'text/plain' : 'application/json' }),
    ...answer.headers,
  }
  const accepts = String(request.headers['accept-encoding'] ?? '')
  if (text.length > 1024 && accepts.includes('gzip')) {
    response.writeHead(answer.status, { ...headers, 'content-encoding': 'gzip' })
    response.end(gzipSync(text))
    return
  }
  response.writeHead(answer.status, headers)
  response.end(text)
}
