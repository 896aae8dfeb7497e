import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A TCP line to a server of a test, which can be cut and mended while the server behind goes on. */
export interface Line {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string
  /** Connections that are open now. */
  readonly open: number
  /** Connections that were opened so far. */
  readonly opened: number
  /** Breaks every connection and takes no more: whoever connects is refused. */
  cut(): Promise<void>
  /** Listens again, on the same port. */
  mend(): Promise<void>
  /** Breaks every connection now, and goes on to take new ones. */
  reset(): void
  close(): Promise<void>
}

/** Lays a line to the server at this origin. */
export async function layLine(to: string): Promise<Line> {
  const target = Number(new URL(to).port)
  const near = new Set<Socket>()
  let opened = 0
  const server = createServer((socket) => {
    opened += 1
    near.add(socket)
    const far = connect(target, '127.0.0.1')
    const end = () => {
      near.delete(socket)
      socket.destroy()
      far.destroy()
    }
    for (const one of [socket, far]) one.on('error', end).on('close', end)
    socket.pipe(far).pipe(socket)
  })
  async function listen(port: number): Promise<void> {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }
  function reset(): void {
    for (const socket of near) socket.resetAndDestroy()
    near.clear()
  }
  async function cut(): Promise<void> {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    reset()
    await closed
  }
  await listen(0)
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    get open() {
      return near.size
    },
    get opened() {
      return opened
    },
    cut,
    mend: () => listen(port),
    reset,
    close: cut,
  }
}
