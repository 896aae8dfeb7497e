import type { FastifyReply } from 'fastify'

const asIs = (text: unknown) => String(text)

/**
 * Sends a text as it is. Objects would go through the `preSerialization` hooks of a gateway, and texts through the serializer
 * that one of its hooks gave the reply: both wrap answers, and what MCP and OAuth clients read must not be wrapped.
 */
export function sendText(reply: FastifyReply, type: string, text: string): FastifyReply {
  return reply.type(type).serializer(asIs).send(text)
}

/** Sends a value as JSON, as it is. */
export function sendJson(reply: FastifyReply, value: unknown): FastifyReply {
  return sendText(reply, 'application/json; charset=utf-8', JSON.stringify(value))
}
