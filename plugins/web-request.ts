import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { exactNumbers, exactNumbersStream } from '../src/mcp/exact-numbers.ts'
import { hijack } from './hijack.ts'
import { sendText } from './send-json.ts'
import { endUnread, sendPieces } from './unread.ts'

/** What the SDKs do not look at, and what must not get into their structures. */
const left = new Set(['accept', 'authorization', 'content-length', 'cookie', 'host'])
/** Of one connection (RFC 9110 §7.6.1); HTTP/2 has none. */
const ofTheConnection = new Set(['connection', 'keep-alive', 'transfer-encoding'])

/**
 * A request as the SDKs' web-standard transports take it, its body apart. They ask for an `Accept` with both arrangements, which
 * of the two is answered is ours to say; `url` is the address that we are known by, never what `Host` says.
 */
export function webRequest({ method, raw }: FastifyRequest, url: string, signal: AbortSignal): Request {
  const headers = new Headers({ accept: 'application/json, text/event-stream' })
  // As they came: of two that contradict each other Node.js shows the first, and the transports have to see both.
  const { rawHeaders } = raw
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = rawHeaders.slice(at, at + 2)
    if (!name.startsWith(':') && !left.has(name.toLowerCase())) headers.append(name, value)
  }
  return new Request(url, { method, headers, signal })
}

/** Sends what a transport answered: JSON by way of Fastify and the hooks of its gateway, a stream of events past them. */
export async function sendWebResponse(reply: FastifyReply, response: Response): Promise<FastifyReply> {
  const { status, body } = response
  const headers = [...response.headers].filter(([name]) => !ofTheConnection.has(name))
  const type = response.headers.get('content-type') ?? ''
  if (body === null || !type.startsWith('text/event-stream')) {
    reply.code(status).headers(Object.fromEntries(headers))
    endUnread(reply.raw)
    return body === null ? reply.send() : sendText(reply, type, exactNumbers(await response.text()))
  }
  hijack(reply)
  reply.raw.writeHead(status, Object.fromEntries(headers))
  reply.raw.flushHeaders()
  // A client that has gone ends the stream, and a broken stream the connection; nobody is left to be told.
  const pieces = exactNumbersStream()
  reply.raw.once('close', () => pieces.destroy())
  const feeding = pipeline(Readable.fromWeb(body), pieces).catch(() => undefined)
  await sendPieces(reply.raw, pieces).catch(() => void reply.raw.destroy())
  await feeding
  return reply
}
