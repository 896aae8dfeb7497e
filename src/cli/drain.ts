import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/** The longest that requests in flight are waited for, in milliseconds: more than a call takes by its own limits. */
const usualPatience = 90_000

/**
 * Has `close()` of a server lose no request: nobody connects any more; requests in flight, and those that come on connections
 * which are open, are answered, and told that the connection ends (RFC 9112, §9.6). Connections without a request are closed:
 * Node.js waits for those that were never used for as long as their clients please. Streams (GET) end with their plugins.
 * Has to be called before plugins are registered, and needs `return503OnClosing: false`.
 */
export function drainOnClose(app: FastifyInstance, patience = usualPatience): void {
  const sockets = new Set<Socket>()
  const answering = new Set<ServerResponse>()
  const streaming = new Set<ServerResponse>()
  let closing = false
  let emptied = () => {}

  app.server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  app.addHook('onRequest', async ({ method, socket }, { raw }) => {
    const group = method === 'GET' ? streaming : answering
    group.add(raw)
    raw.once('close', () => {
      group.delete(raw)
      if (!closing) return
      socket.destroySoon()
      if (answering.size === 0) emptied()
    })
  })

  app.addHook('preClose', async () => {
    closing = true
    app.server.close()
    for (const raw of [...answering, ...streaming]) {
      if (!raw.headersSent) raw.setHeader('connection', 'close')
    }
    if (answering.size > 0) {
      const timer = setTimeout(() => emptied(), patience)
      await new Promise<void>((resolve) => {
        emptied = resolve
      })
      clearTimeout(timer)
    }
    const streams = new Set([...streaming].map(({ socket }) => socket))
    for (const socket of sockets) if (!streams.has(socket)) socket.destroySoon()
  })
}
