import type { FastifyBaseLogger, FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'

type Serializer = (request: FastifyRequest) => unknown
type Serializers = NonNullable<RouteOptions['logSerializers']>

/** Where pino keeps the serializers of a logger (`pino.symbols.serializersSym`). */
const ofPino = Symbol.for('pino.serializers')

/**
 * Has the gateway's log of every route of this scope show requests without their query: in it are ids of sessions, codes and states,
 * and whatever else a client put there. The gateway's own way to show a request is kept.
 */
export function keepQueriesFromLog(scope: FastifyInstance): void {
  scope.addHook('onRoute', (route) => {
    route.logSerializers = { ...route.logSerializers, ...queryFree(scope.log, route.logSerializers) }
  })
}

/** The same for one route. */
export function queryFree(log: FastifyBaseLogger, given: object | undefined = undefined): Serializers {
  const show = serializerIn(given) ?? serializerIn(Reflect.get(log, ofPino)) ?? shown
  return { req: (request: FastifyRequest) => show(isRequest(request) ? withoutQuery(request) : request) }
}

function serializerIn(serializers: unknown): Serializer | undefined {
  if (typeof serializers !== 'object' || serializers === null || !('req' in serializers)) return undefined
  const { req } = serializers
  return typeof req === 'function' ? (request) => req(request) : undefined
}

/** Of a logger that says nothing of how it shows requests. */
function shown({ method, url, host, ip }: FastifyRequest): unknown {
  return { method, url, host, remoteAddress: ip }
}

/** Anybody may log something else by the name `req`. */
function isRequest(value: unknown): value is FastifyRequest {
  return typeof value === 'object' && value !== null && 'raw' in value && 'url' in value
}

/** A view of the request: what it is asked for it answers from the request, but for the query. */
function withoutQuery(request: FastifyRequest): FastifyRequest {
  const path = pathOf(request.url)
  const raw = Object.create(request.raw, { url: { value: path }, originalUrl: { value: path } })
  return Object.create(request, {
    raw: { value: raw },
    url: { value: path },
    originalUrl: { value: pathOf(request.originalUrl) },
    query: { value: {} },
  })
}

function pathOf(url: string): string {
  const [path = ''] = url.split(/[?#;]/, 1)
  return path
}
