import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { isIPv6 } from 'node:net'
import { fhirMcpError } from '../errors.ts'
import type { Metrics } from './prometheus.ts'

/** A port on which the metrics are read. */
export interface MetricsListener {
  readonly url: string
  close(): Promise<void>
}

/**
 * Answers `GET /metrics` on a port of its own; 0 is any free one. It does not keep the process alive. Throws CONFIG where the
 * port is taken or the address is not this machine's.
 */
export async function listenForMetrics(
  register: Metrics['register'],
  { host, port }: { readonly host: string; readonly port: number },
): Promise<MetricsListener> {
  const server = createServer((request, response) => void answer(register, request, response))
  server.unref()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, resolve)
  }).catch((thrown: unknown) => {
    const code = thrown instanceof Error && 'code' in thrown ? ` (${String(thrown.code)})` : ''
    throw fhirMcpError('CONFIG', {
      detail: `metrics.port ${port} cannot be listened on at ${host}${code}: choose another one.`,
    })
  })
  const address = server.address()
  const bound = typeof address === 'object' && address !== null ? address.port : port
  return {
    url: `http://${isIPv6(host) ? `[${host}]` : host}:${bound}/metrics`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(
  register: Metrics['register'],
  { method, url }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (url?.split('?')[0] !== '/metrics') {
    response.writeHead(404).end()
    return
  }
  if (method !== 'GET' && method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end()
    return
  }
  try {
    const text = await register.metrics()
    response.writeHead(200, { 'content-type': register.contentType }).end(text)
  } catch {
    response.writeHead(500).end()
  }
}
