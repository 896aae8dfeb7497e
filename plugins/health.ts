import type { FastifyInstance } from 'fastify'
import { isFhirMcpError } from '../src/errors.ts'
import type { McpService } from '../src/mcp/service.ts'
import type { Paths } from './address.ts'
import { clientSignal } from './client-signal.ts'
import { hidden } from './hidden.ts'

/** `/health`: the process runs. `/ready`: exchange and issuer answer. Neither needs a token or says more than that. */
export async function healthRoutes(
  fastify: FastifyInstance,
  options: { readonly service: Pick<McpService, 'ready'>; readonly paths: Paths },
): Promise<void> {
  const route = { schema: hidden, exposeHeadRoute: false }
  fastify.get(options.paths.health, route, async () => ({ status: 'ok' }))
  fastify.get(options.paths.ready, route, async (request, reply) => {
    try {
      await options.service.ready(clientSignal(reply))
      return { status: 'ready' }
    } catch (thrown) {
      const code = isFhirMcpError(thrown) ? thrown.code : undefined
      request.log.warn({ code }, 'not ready')
      reply.code(503)
      return { status: 'not ready', ...(code === undefined ? {} : { code }) }
    }
  })
}
