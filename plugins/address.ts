import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Options } from '../src/config/options.ts'
import { fhirMcpError } from '../src/errors.ts'
import { isLoopback } from '../src/loopback.ts'
import { ssePathBeside } from '../src/mcp/sse-resource.ts'

/** Path at the origin's root below which RFC 9728 documents stand. */
export const wellKnownPath = '/.well-known/oauth-protected-resource'

/** Under which URLs clients reach this registration. Never made from `Host` or `X-Forwarded-*`. */
export interface Address {
  /** The MCP endpoint: the resource that tokens are for. Throws CONFIG beyond loopback without `publicUrl`. */
  resourceUrl(): string
  /** Its RFC 9728 document. */
  metadataUrl(): string
  /** The stream of HTTP+SSE: to its clients it is the resource. Throws as `resourceUrl`. */
  sseUrl(): string
  /** The RFC 9728 document of the stream. */
  sseMetadataUrl(): string
  /** Paths of this registration, within its scope. */
  readonly paths: Paths
  /** Path of `/messages` as clients see it. */
  messagesPath(): string
}

/** Routes of one registration. */
export interface Paths {
  readonly mcp: string
  readonly sse: string
  readonly messages: string
  readonly health: string
  readonly ready: string
}

/**
 * Routes beside the MCP endpoint: `/mcp` has `/sse`, `/messages`, `/health` and `/ready` beside it, `/r5/mcp` has `/r5/sse` …;
 * a path that does not end in `/mcp` has them below it, so that two registrations never share one.
 */
export function pathsOf(path: string): Paths {
  const base = path.endsWith('/mcp') ? path.slice(0, -'/mcp'.length) : path
  return {
    mcp: path,
    sse: ssePathBeside(path),
    messages: `${base}/messages`,
    health: `${base}/health`,
    ready: `${base}/ready`,
  }
}

/** The address of a registration in `fastify`. */
export function createAddress(
  fastify: FastifyInstance,
  options: Pick<Options, 'path' | 'publicUrl'>,
): Address {
  const paths = pathsOf(options.path)
  const publicUrl = options.publicUrl?.replace(/\/+$/, '')
  const bound = () => `${loopbackOrigin(fastify)}${fastify.prefix}`
  let settled: string | undefined
  // Every request asks; before this hook one of two addresses may still be missing.
  fastify.addHook('onListen', async () => {
    if (publicUrl === undefined) settled = bound()
  })
  const base = () => publicUrl ?? settled ?? bound()
  const resourceUrl = () => `${base()}${paths.mcp}`
  const sseUrl = () => `${base()}${paths.sse}`
  return {
    paths,
    resourceUrl,
    metadataUrl: () => documentOf(resourceUrl()),
    sseUrl,
    sseMetadataUrl: () => documentOf(sseUrl()),
    messagesPath: () => new URL(`${base()}${paths.messages}`).pathname,
  }
}

/** Where the document of a resource is (RFC 9728, §3.1). */
function documentOf(resource: string): string {
  const { origin, pathname } = new URL(resource)
  return `${origin}${wellKnownPath}${pathname}`
}

/** What has to be configured before anybody beyond this machine may be served. */
export function missingPublicUrl(name = 'publicUrl') {
  return fhirMcpError('CONFIG', { detail: `${name} is required when the server listens beyond loopback.` })
}

function loopbackOrigin(fastify: FastifyInstance): string {
  const addresses: readonly (AddressInfo | string)[] = fastify.addresses()
  const [first] = addresses
  if (first === undefined) return 'http://127.0.0.1'
  const hosts = new Set<string>()
  for (const one of addresses) {
    if (typeof one === 'string' || !isLoopback(one.address)) throw missingPublicUrl()
    hosts.add(one.family === 'IPv6' ? `[${one.address}]` : one.address)
  }
  // Bound to 127.0.0.1 and ::1 alike: clients were told `localhost`.
  const [host, ...others] = hosts
  const scheme = fastify.initialConfig.https === undefined ? 'http' : 'https'
  const port = typeof first === 'string' ? '' : `:${first.port}`
  return `${scheme}://${others.length > 0 ? 'localhost' : host}${port}`
}
