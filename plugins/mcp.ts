import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { createMcpHandler, type McpHttpHandler } from '@modelcontextprotocol/server'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type BearerHandle, bearerOf, handleOf } from '../src/mcp/bearers.ts'
import type { Handlers } from '../src/mcp/handlers.ts'
import { createServerV1 } from '../src/mcp/server-v1.ts'
import { createServerV2 } from '../src/mcp/server-v2.ts'
import { acceptedBy } from './accept.ts'
import type { Address } from './address.ts'
import { bearerOfRequest } from './bearer-of-request.ts'
import { clientSignal } from './client-signal.ts'
import { isModern, wantsProgress, withoutProgress } from './era.ts'
import { sendRefusal } from './errors.ts'
import { hidden } from './hidden.ts'
import { hijack } from './hijack.ts'
import { protocolRefusal } from './refusal.ts'
import { slashedToo } from './slashed.ts'
import { sendWebResponse, webRequest } from './web-request.ts'

/** What the routes are made of. */
export interface McpRoutes {
  readonly handlers: Handlers
  readonly address: Address
  /** Runs before a call is dispatched; throws INSUFFICIENT_SCOPE. */
  readonly checkScopes: (request: FastifyRequest) => Promise<void>
}

/**
 * Streamable HTTP, stateless, both protocol eras on one route. Answers are JSON; a request with a progress token, of a client
 * that reads a stream of events, gets one. A client that goes away aborts its request.
 */
export async function mcpRoutes(
  fastify: FastifyInstance,
  { handlers, address, checkScopes }: McpRoutes,
): Promise<void> {
  const modern = modernHandler(handlers)
  // Each with its request: Node.js lets go of the signal of a request that nobody holds.
  const underWay = new Map<Promise<unknown>, Request>()

  async function answer(asked: FastifyRequest, signal: AbortSignal): Promise<Response> {
    const authInfo = handleOf(bearerOfRequest(asked))
    const accepted = acceptedBy(asked.headers.accept)
    const parsedBody = accepted === 'json' ? withoutProgress(asked.body) : asked.body
    const request = webRequest(asked, address.resourceUrl(), signal)
    if (!isModern(asked)) {
      const streams = accepted === 'sse' || wantsProgress(parsedBody)
      return answerLegacy(handlers, request, { authInfo, parsedBody, streams, signal })
    }
    const answering = modern.fetch(request, { authInfo, parsedBody })
    underWay.set(answering, request)
    return answering.finally(() => underWay.delete(answering))
  }

  for (const url of slashedToo(fastify, 'POST', address.paths.mcp)) {
    fastify.post(url, { schema: hidden, preHandler: checkScopes }, async (request, reply) => {
      const signal = clientSignal(reply)
      const response = await answerOrGone(answer(request, signal), signal)
      if (response === undefined) return gone(reply)
      return sendWebResponse(reply, response)
    })
    fastify.route({
      method: ['GET', 'HEAD', 'DELETE'],
      url,
      schema: hidden,
      exposeHeadRoute: false,
      handler: async (_, reply) =>
        sendRefusal(reply.header('allow', 'POST, OPTIONS'), protocolRefusal(405, 'Method not allowed')),
    })
  }

  fastify.addHook('preClose', async () => {
    await Promise.allSettled(underWay.keys())
    await modern.close()
  })
}

/** The handler of the newest era, one for all requests; the factory makes a server for each. */
function modernHandler(handlers: Handlers): McpHttpHandler {
  return createMcpHandler(({ authInfo }) => createServerV2(handlers, () => bearerOf(authInfo)), {
    legacy: 'reject',
  })
}

interface LegacyOptions {
  readonly authInfo: BearerHandle
  readonly parsedBody: unknown
  /** Whether the answer is a stream of events. */
  readonly streams: boolean
  /** Ends when the client goes away. */
  readonly signal: AbortSignal
}

/** One low-level server and one transport for one request: that is what stateless means with the older SDK. */
async function answerLegacy(
  handlers: Handlers,
  request: Request,
  { authInfo, parsedBody, streams, signal }: LegacyOptions,
): Promise<Response> {
  const server = createServerV1(handlers)
  const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: !streams })
  signal.addEventListener('abort', () => void server.close(), { once: true })
  await server.connect(transport as Transport)
  return transport.handleRequest(request, { authInfo, parsedBody })
}

/** The answer; undefined where the client has gone before, when a transport may never give one. */
async function answerOrGone(answer: Promise<Response>, signal: AbortSignal): Promise<Response | undefined> {
  const left = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined)
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
  try {
    return await Promise.race([answer, left])
  } catch (thrown) {
    if (signal.aborted) return undefined
    throw thrown
  }
}

/** Nobody reads an answer any more. */
function gone(reply: FastifyReply): FastifyReply {
  hijack(reply)
  reply.raw.destroy()
  return reply
}
