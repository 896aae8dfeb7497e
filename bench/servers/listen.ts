import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Starts an HTTP server on 127.0.0.1 (port 0: a free one) that keeps its connections; its origin. */
export async function listen(
  handle: RequestListener,
  port: number,
): Promise<{ origin: string; server: Server }> {
  const server = createServer({ keepAliveTimeout: 600_000 }, handle)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const { port: chosen } = server.address() as AddressInfo
  return { origin: `http://127.0.0.1:${chosen}`, server }
}
