import type { FastifyInstance } from 'fastify'
import { fhirMcpError, isFhirMcpError } from '../src/errors.ts'
import type { McpService } from '../src/mcp/service.ts'
import type { Paths } from './address.ts'
import { clientSignal } from './client-signal.ts'
import { hidden } from './hidden.ts'
import type { Pressure } from './pressure.ts'
import { keepQueriesFromLog } from './query-free-log.ts'
import { sendJson } from './send-json.ts'

/** What the routes are made of. */
export interface HealthRoutes {
  readonly service: Pick<McpService, 'ready'>
  readonly paths: Paths
  readonly pressure: Pick<Pressure, 'isOver'>
}

/**
 * `/health`: the process runs. `/ready`: exchange and issuer answer, and requests are not refused for load. Neither needs a
 * token or says more than that; neither is limited.
 */
export async function healthRoutes(fastify: FastifyInstance, options: HealthRoutes): Promise<void> {
  keepQueriesFromLog(fastify)
  const route = { schema: hidden, exposeHeadRoute: true }
  fastify.get(options.paths.health, route, async (_, reply) => sendJson(reply, { status: 'ok' }))
  fastify.get(options.paths.ready, route, async (request, reply) => {
    try {
      if (options.pressure.isOver()) throw fhirMcpError('RATE_LIMITED')
      await options.service.ready(clientSignal(reply))
      return sendJson(reply, { status: 'ready' })
    } catch (thrown) {
      const code = isFhirMcpError(thrown) ? thrown.code : undefined
      request.log.warn({ code }, 'not ready')
      return sendJson(reply.code(503), { status: 'not ready', ...(code === undefined ? {} : { code }) })
    }
  })
}
