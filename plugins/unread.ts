import type { FastifyReply } from 'fastify'

/** What may wait in a stream of a session, in bytes, before another message is written to it. */
const mostWaiting = 4_194_304
/** So long an answer waits for a client that takes nothing of it, in milliseconds. */
const patience = 60_000

type Raw = FastifyReply['raw']

/** Whether so much waits in a stream that its client cannot be reading it. */
export function isUnread(raw: Raw): boolean {
  return raw.writableLength > mostWaiting
}

/** Ends a connection whose client does not take what was sent; `name` is the event that says that it was taken. */
function endUnless(raw: Raw, name: 'finish' | 'drain'): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => raw.destroy(), patience).unref()
    const over = () => {
      clearTimeout(timer)
      raw.off(name, over)
      raw.off('close', over)
      resolve()
    }
    raw.once(name, over)
    raw.once('close', over)
  })
}

/** Ends a connection whose client does not take an answer that was sent whole. */
export function endUnread(raw: Raw): void {
  if (!raw.writableFinished && !raw.destroyed) void endUnless(raw, 'finish')
}

/** Sends pieces as fast as they are taken, and ends the connection where they are not. */
export async function sendPieces(raw: Raw, pieces: AsyncIterable<Uint8Array | string>): Promise<void> {
  for await (const piece of pieces) {
    if (raw.destroyed) return
    if (!raw.write(piece)) await endUnless(raw, 'drain')
  }
  raw.end()
  endUnread(raw)
}
