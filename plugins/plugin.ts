import type { FastifyInstance } from 'fastify'
import type { Options, OptionsInput } from '../src/config/options.ts'
import { parseOptions } from '../src/config/parse.ts'
import { fhirMcpError } from '../src/errors.ts'
import { limitService } from '../src/limits/limit-service.ts'
import { describeFault } from '../src/mcp/fault.ts'
import { createHandlers } from '../src/mcp/handlers.ts'
import { assertRolesNameTools } from '../src/mcp/role-tools.ts'
import type { McpService } from '../src/mcp/service.ts'
import type { Meter } from '../src/telemetry/meter.ts'
import { tracedService } from '../src/telemetry/traced-service.ts'
import { type Address, createAddress } from './address.ts'
import { createBearerCheck } from './bearer.ts'
import { createFhirMcp } from './decorator.ts'
import { createErrorHandler } from './errors.ts'
import { healthRoutes } from './health.ts'
import { hidden } from './hidden.ts'
import { createHostGuard } from './hosts.ts'
import { createLimits, type Limits } from './limits.ts'
import { mcpRoutes } from './mcp.ts'
import { createMessageCheck } from './messages.ts'
import { metadataOf, publishMetadata } from './metadata.ts'
import { meteredLimits } from './metered-limits.ts'
import { openMetrics } from './metrics.ts'
import { createPressure, type Pressure } from './pressure.ts'
import { keepQueriesFromLog } from './query-free-log.ts'
import { createScopeCheck } from './scopes.ts'
import { slashedToo } from './slashed.ts'
import { sseRoutes } from './sse.ts'

/** What the plugin leans on. */
export interface PluginParts {
  /** Makes the service of a registration from its options. */
  readonly createService: (options: Options, fastify: FastifyInstance, meter: Meter | undefined) => McpService
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly streams: { readonly total: number; readonly perPrincipal: number }
}

/** Fastify's own register options; `prefix` is none of them, it does nothing here. */
const ofFastify = new Set(['logLevel', 'logSerializers'])

/**
 * The plugin before it is wrapped: decorates, and puts the routes into an encapsulated child, so that its body parser and
 * error handler touch nothing else. A wrong option throws CONFIG at register.
 */
export function createPlugin(parts: PluginParts) {
  return async (fastify: FastifyInstance, input: OptionsInput): Promise<void> => {
    const options = parseOptions(withoutFastifys(input))
    const address = createAddress(fastify, options)
    assertFree(fastify, options, address)
    const metrics = await openMetrics(fastify, options.metrics)
    const meter = metrics?.meter
    const limits = meteredLimits(await createLimits(options, parts.now, fastify.log), meter)
    fastify.addHook('onClose', async () => limits.close())
    const pressure = createPressure(options.limits.pressure)
    const service = tracedService(limitService(parts.createService(options, fastify, meter), limits.turns))
    metrics?.watch({ auditStatus: () => service.auditStatus(), isOverloaded: () => pressure.isOver() })
    fastify.decorate(options.decoratorName, createFhirMcp(service))
    fastify.addHook('onReady', async () => {
      service.registry.seal()
      assertRolesNameTools(options.access.roles, service.registry)
      if (!endsSlowRequests(fastify)) fastify.log.warn(slowRequestsText)
    })
    fastify.addHook('onListen', async () => closeIfExposed(fastify, address))
    fastify.addHook('onClose', () => service.close())
    const { resourceUrl, sseUrl } = address
    for (const resource of options.sse ? [resourceUrl, sseUrl] : [resourceUrl]) {
      await publishMetadata(fastify, resource, () => metadataOf(resource(), options.auth, service.registry))
    }
    if (options.health) await fastify.register(healthRoutes, { service, paths: address.paths, pressure })
    const routes = { options, address, service, limits, pressure }
    await fastify.register(async (scope) => protectedRoutes(scope, parts, routes))
  }
}

interface ProtectedRoutes {
  readonly options: Options
  readonly address: Address
  readonly service: McpService
  readonly limits: Limits
  readonly pressure: Pressure
}

async function protectedRoutes(
  scope: FastifyInstance,
  parts: PluginParts,
  { options, address, service, limits, pressure }: ProtectedRoutes,
): Promise<void> {
  const { now } = parts
  const { paths } = address
  keepQueriesFromLog(scope)
  const handlers = createHandlers(service, (thrown) =>
    scope.log.error({ fault: describeFault(thrown) }, 'call failed'),
  )
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser(
    'application/json',
    { parseAs: 'string', bodyLimit: options.bodyLimit },
    scope.getDefaultJsonParser('error', 'error'),
  )
  scope.setErrorHandler(
    createErrorHandler({ metadataUrl: address.metadataUrl, scopes: options.auth.acceptedScopes }),
  )
  scope.addHook('onRequest', async () => void address.resourceUrl())
  scope.addHook('onRequest', createHostGuard(options))
  await pressure.protect(scope)
  scope.addHook('onRequest', limits.countRequest)
  const preflights = options.sse ? [paths.mcp, paths.sse, paths.messages] : [paths.mcp]
  for (const path of preflights.flatMap((one) => slashedToo(scope, 'OPTIONS', one))) {
    scope.options(path, { schema: hidden }, async (_, reply) => reply.code(204).send())
  }
  const checkMessages = createMessageCheck(limits.countMessages)
  await scope.register(async (inner) => {
    inner.addHook('onRequest', createBearerCheck(service, limits))
    inner.addHook('preValidation', checkMessages)
    await mcpRoutes(inner, { handlers, address, checkScopes: createScopeCheck(service) })
  })
  if (!options.sse) return
  await scope.register(async (inner) => {
    const identify = service.identifyOverSse ?? service.identify
    inner.setErrorHandler(
      createErrorHandler({ metadataUrl: address.sseMetadataUrl, scopes: options.auth.acceptedScopes }),
    )
    inner.addHook('onRequest', createBearerCheck({ ...service, identify }, limits))
    inner.addHook('preValidation', checkMessages)
    await sseRoutes(inner, { handlers, address, limits: parts.streams, now })
  })
}

function withoutFastifys(input: OptionsInput): unknown {
  return Object.fromEntries(Object.entries(input).filter(([name]) => !ofFastify.has(name)))
}

/** Two registrations share neither a name nor a route, and none takes a route of the gateway. */
function assertFree(fastify: FastifyInstance, options: Options, { paths }: Address): void {
  if (fastify.hasDecorator(options.decoratorName)) {
    throw fhirMcpError('CONFIG', { detail: `decoratorName: ${options.decoratorName} is taken already.` })
  }
  const routes = [
    { option: 'path', method: 'POST', url: paths.mcp, wanted: true },
    { option: 'sse', method: 'GET', url: paths.sse, wanted: options.sse },
    { option: 'sse', method: 'POST', url: paths.messages, wanted: options.sse },
    { option: 'health', method: 'GET', url: paths.health, wanted: options.health },
    { option: 'health', method: 'GET', url: paths.ready, wanted: options.health },
  ] as const
  for (const { option, method, url, wanted } of routes) {
    if (wanted && fastify.hasRoute({ method, url: `${fastify.prefix}${url}` })) {
      throw fhirMcpError('CONFIG', { detail: `${option}: the route ${method} ${url} is taken already.` })
    }
  }
}

const slowRequestsText =
  'requestTimeout of this Fastify is 0: whoever sends a body byte by byte keeps a connection; set it, for example to 30000'

/** Whether a request that does not come to an end is ended; Fastify's own default is that it is not. An HTTP/2 server has no such time. */
function endsSlowRequests({ server }: FastifyInstance): boolean {
  return !('requestTimeout' in server) || server.requestTimeout !== 0
}

/** Fastify passes over errors of its onListen hooks, so the server is closed; until then every request is refused. */
function closeIfExposed(fastify: FastifyInstance, address: Address): void {
  try {
    address.resourceUrl()
  } catch (thrown) {
    fastify.log.fatal(thrown)
    void fastify.close()
  }
}
