import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { scopesFor } from '../src/access/scopes.ts'
import type { Options } from '../src/config/options.ts'
import { fhirMcpError } from '../src/errors.ts'
import { implementation } from '../src/mcp/implementation.ts'
import { isLocal, type Registry } from '../src/mcp/registry.ts'
import { wellKnownPath } from './address.ts'
import { hidden } from './hidden.ts'
import { queryFree } from './query-free-log.ts'
import { sendJson } from './send-json.ts'

/** OAuth 2.0 Protected Resource Metadata (RFC 9728 §2). */
export interface ProtectedResourceMetadata {
  readonly resource: string
  readonly resource_name: string
  readonly authorization_servers: readonly string[]
  readonly scopes_supported: readonly string[]
  readonly bearer_methods_supported: readonly ['header']
}

/** The documents of one server, and whether its root serves them. */
interface Site {
  readonly resources: { readonly path: () => string; readonly document: () => ProtectedResourceMetadata }[]
  served: boolean
}

/** The documents are public: any page may read them, whatever headers it sends with the question (Fetch §3.3.5). */
const preflight = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, HEAD, OPTIONS',
  'access-control-allow-headers': '*, Authorization, Mcp-Protocol-Version',
  'access-control-max-age': '600',
}

/** By HTTP server, since a registration in a prefixed scope cannot reach the root otherwise. */
const sites = new WeakMap<object, Site>()

function siteOf(fastify: FastifyInstance): Site {
  const known = sites.get(fastify.server)
  if (known !== undefined) return known
  const site: Site = { resources: [], served: false }
  sites.set(fastify.server, site)
  return site
}

/** Makes the document of a resource of a registration. The scopes are those that a token of another client needs, and that its tools can need. */
export function metadataOf(
  resource: string,
  { issuer, issuers, acceptedScopes }: Pick<Options['auth'], 'issuer' | 'issuers' | 'acceptedScopes'>,
  registry: Registry,
): ProtectedResourceMetadata {
  const needs = [...registry.tools.values()].flatMap((tool) => (isLocal(tool) ? [] : tool.rule.needs))
  return {
    resource,
    resource_name: implementation.title,
    authorization_servers: [issuer, ...issuers.map((further) => further.issuer)],
    scopes_supported: [...acceptedScopes, ...scopesFor(needs)],
    bearer_methods_supported: ['header'],
  }
}

/**
 * Has the document of a registration served at the root. In a prefixed scope that takes `wellKnown` at the root: ready throws
 * CONFIG without it.
 */
export async function publishMetadata(
  fastify: FastifyInstance,
  resource: () => string,
  document: () => ProtectedResourceMetadata,
): Promise<void> {
  const site = siteOf(fastify)
  site.resources.push({ path: () => new URL(resource()).pathname, document })
  if (fastify.prefix === '' && !site.served) await fastify.register(wellKnown)
  fastify.addHook('onReady', async () => {
    if (!site.served) {
      throw fhirMcpError('CONFIG', {
        detail: `RFC 9728 documents belong at the root: register wellKnown there too, since this one has the prefix ${fastify.prefix}.`,
      })
    }
  })
}

async function wellKnownPlugin(fastify: FastifyInstance): Promise<void> {
  if (fastify.prefix !== '') {
    throw fhirMcpError('CONFIG', { detail: 'wellKnown is registered at the root, outside of any prefix.' })
  }
  const site = siteOf(fastify)
  if (site.served) return
  site.served = true
  // It is at the gateway's root: a hook would be of all routes.
  const logSerializers = queryFree(fastify.log)
  const route = { schema: hidden, exposeHeadRoute: true, logSerializers }
  const found = (path: string) =>
    path === '/' ? site.resources[0] : site.resources.find((resource) => resource.path() === path)
  fastify.get(wellKnownPath, route, async (_, reply) => answer(reply, found('/')))
  fastify.get(
    `${wellKnownPath}/*`,
    route,
    async (request: FastifyRequest<{ Params: { '*': string } }>, reply) =>
      // Clients that were given `/mcp/` ask for it so.
      answer(reply, found(`/${request.params['*'].replace(/\/$/, '')}`)),
  )
  for (const url of [wellKnownPath, `${wellKnownPath}/*`]) {
    fastify.options(url, { schema: hidden, logSerializers }, async (_, reply) =>
      reply.code(204).headers(preflight).send(),
    )
  }
}

function answer(reply: FastifyReply, resource: Site['resources'][number] | undefined): FastifyReply {
  if (resource === undefined) {
    // Fastify's own handler of what is not found has the query in the log.
    return sendJson(reply.code(404), { statusCode: 404, error: 'Not Found', message: 'Not found' })
  }
  return sendJson(reply.header('access-control-allow-origin', '*'), resource.document())
}

/** Serves the RFC 9728 documents of every registration; a gateway registers it at its root, once. */
export const wellKnown = fp(wellKnownPlugin, { fastify: '5.x', name: 'fastify-fhir-mcp-well-known' })
