import type { AddressInfo } from 'node:net'
import { createServer, type Socket } from 'node:net'

/** Something that says OK to every command of Redis: enough to be connected to. */
export interface RedisStub {
  readonly url: string
  /** Connections that are open now, and how many there ever were. */
  readonly connections: { open: number; all: number }
  close(): Promise<void>
}

export async function startRedisStub(): Promise<RedisStub> {
  const connections = { open: 0, all: 0 }
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    connections.open += 1
    connections.all += 1
    socket.on('data', (chunk: Buffer) => {
      for (const _ of chunk.toString().matchAll(/^\*\d+\r$/gm)) socket.write('+OK\r\n')
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      sockets.delete(socket)
      connections.open -= 1
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
