import type { FastifyReply, FastifyRequest } from 'fastify'
import { rpcCodes } from '../src/mcp/rpc-error.ts'
import { tolerantMessage } from '../src/mcp/tolerant-message.ts'
import { sendRefusal } from './errors.ts'
import { isNestedDeeper } from './nesting.ts'
import { protocolRefusal, type Refusal } from './refusal.ts'

/** Messages that a batch may hold: each of them is work, while the body is counted once for its address. */
const largestBatch = 100
/** Ids and progress tokens come back with every answer, so they are bounded, in characters. */
const longestId = 256
/** Deeper than the arguments of any tool; what reads a message may recurse. */
const deepest = 100

/** Counts so many messages of the person whose request this is. Throws RATE_LIMITED. */
export type CountMessages = (request: FastifyRequest, count: number) => void

/**
 * Refuses a body that no message of a client can have, before anything reads it, counts its messages, and reads them as they are
 * meant.
 */
export function createMessageCheck(countMessages: CountMessages) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const refusal = refusalOf(request.body)
    if (refusal !== undefined) return sendRefusal(reply, refusal)
    if (request.body !== undefined) countMessages(request, messagesOf(request.body).length)
    request.body = tolerantMessage(request.body)
    return undefined
  }
}

function refusalOf(body: unknown): Refusal | undefined {
  if (isNestedDeeper(body, deepest)) return invalid(`The body is nested deeper than ${deepest} levels`)
  const messages = messagesOf(body)
  if (messages.length > largestBatch) return protocolRefusal(413, `A batch may hold ${largestBatch} messages`)
  const asked = new Set<unknown>()
  for (const message of messages) {
    const id = member(message, 'id')
    const token = member(member(member(message, 'params'), '_meta'), 'progressToken')
    if (isLong(id) || isLong(token)) {
      return invalid(`An id or progressToken may have ${longestId} characters`)
    }
    if (id === undefined || id === null || member(message, 'method') === undefined) continue
    if (asked.has(id)) return invalid('Two requests of a batch have the same id')
    asked.add(id)
  }
  return undefined
}

function invalid(message: string): Refusal {
  return protocolRefusal(400, message, rpcCodes.invalidRequest)
}

function isLong(id: unknown): boolean {
  return typeof id === 'string' && id.length > longestId
}

function messagesOf(body: unknown): readonly unknown[] {
  return Array.isArray(body) ? body : [body]
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return Object.getOwnPropertyDescriptor(value, name)?.value
}
