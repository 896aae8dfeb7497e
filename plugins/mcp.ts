import { type NodeIncomingMessageLike, toNodeHandler } from '@modelcontextprotocol/node'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { createMcpHandler, type McpHttpHandler } from '@modelcontextprotocol/server'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { bearerOf, handleOf } from '../src/mcp/bearers.ts'
import { describeFault } from '../src/mcp/fault.ts'
import type { Handlers } from '../src/mcp/handlers.ts'
import { rpcCodes } from '../src/mcp/rpc-error.ts'
import { createServerV1 } from '../src/mcp/server-v1.ts'
import { createServerV2 } from '../src/mcp/server-v2.ts'
import type { Paths } from './address.ts'
import { bearerOfRequest } from './bearer-of-request.ts'
import { isModern, wantsProgress } from './era.ts'
import { rpcIdOf, sendRefusal } from './errors.ts'
import { hidden } from './hidden.ts'
import { hijack } from './hijack.ts'
import { checkBatch } from './limits.ts'
import { protocolRefusal } from './refusal.ts'

/** What the routes are made of. */
export interface McpRoutes {
  readonly handlers: Handlers
  readonly paths: Paths
  /** Runs before a call is dispatched; throws INSUFFICIENT_SCOPE. */
  readonly checkScopes: (request: FastifyRequest) => Promise<void>
}

/**
 * Streamable HTTP, stateless, both protocol eras on one route. Answers are JSON; a request with a progress token gets an SSE
 * answer. A client that goes away aborts its request.
 */
export async function mcpRoutes(
  fastify: FastifyInstance,
  { handlers, paths, checkScopes }: McpRoutes,
): Promise<void> {
  const modern = modernHandler(handlers)
  const answerModern = toNodeHandler(modern)
  const underWay = new Set<Promise<void>>()

  async function answer(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const raw = Object.assign(request.raw, { auth: handleOf(bearerOfRequest(request)) })
    if (!isModern(request)) return answerLegacy(handlers, raw, reply, request.body)
    const answering = answerModern(raw as NodeIncomingMessageLike, reply.raw, request.body)
    underWay.add(answering)
    return answering.finally(() => underWay.delete(answering))
  }

  fastify.post(
    paths.mcp,
    { schema: hidden, preHandler: [checkBatch, checkScopes] },
    async (request, reply) => {
      hijack(reply)
      try {
        await answer(request, reply)
      } catch (thrown) {
        request.log.error({ fault: describeFault(thrown) }, 'request failed')
        fail(request, reply)
      }
    },
  )

  fastify.route({
    method: ['GET', 'DELETE'],
    url: paths.mcp,
    schema: hidden,
    exposeHeadRoute: false,
    handler: async (_, reply) =>
      sendRefusal(reply.header('allow', 'POST, OPTIONS'), protocolRefusal(405, 'Method not allowed')),
  })

  fastify.addHook('preClose', async () => {
    await Promise.allSettled(underWay)
    await modern.close()
  })
}

/** The handler of the newest era, one for all requests; the factory makes a server for each. */
function modernHandler(handlers: Handlers): McpHttpHandler {
  return createMcpHandler(({ authInfo }) => createServerV2(handlers, () => bearerOf(authInfo)), {
    legacy: 'reject',
  })
}

/** One low-level server and one transport for one request: that is what stateless means with the older SDK. */
async function answerLegacy(
  handlers: Handlers,
  raw: Parameters<StreamableHTTPServerTransport['handleRequest']>[0],
  reply: FastifyReply,
  body: unknown,
): Promise<void> {
  const server = createServerV1(handlers)
  const transport = new StreamableHTTPServerTransport({ enableJsonResponse: !wantsProgress(body) })
  reply.raw.once('close', () => void server.close())
  await server.connect(transport as Transport)
  if (!reply.raw.destroyed) await transport.handleRequest(raw, reply.raw, body)
}

function fail(request: FastifyRequest, reply: FastifyReply): void {
  if (reply.raw.headersSent) {
    reply.raw.destroy()
    return
  }
  const id = rpcIdOf(request.body)
  const { status, body } = protocolRefusal(500, 'Internal error', rpcCodes.internal, id)
  reply.raw.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
