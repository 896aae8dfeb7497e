import type { FastifyReply } from 'fastify'

/** Lengths and types belong to whoever writes the body. */
const ofTheBody = new Set(['content-length', 'content-type', 'transfer-encoding'])

/** Takes a reply out of Fastify's hands; headers that other plugins have set stay with it. */
export function hijack(reply: FastifyReply): void {
  reply.hijack()
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined && !ofTheBody.has(name)) reply.raw.setHeader(name, value)
  }
}
