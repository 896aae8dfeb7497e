import type { FastifyReply } from 'fastify'

/** Ends when the client goes away before its answer was written. */
export function clientSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  reply.raw.once('close', () => {
    const { writableEnded, writableFinished } = reply.raw
    // Over HTTP/2 a cancelled answer counts as finished.
    if (!writableEnded || !writableFinished) controller.abort()
  })
  return controller.signal
}
