import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { scopesFor } from '../src/access/scopes.ts'
import { fhirMcpError } from '../src/errors.ts'
import { implementation } from '../src/mcp/implementation.ts'
import { isLocal, type Registry } from '../src/mcp/registry.ts'
import { type Address, wellKnownPath } from './address.ts'
import { hidden } from './hidden.ts'

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

/** By HTTP server, since a registration in a prefixed scope cannot reach the root otherwise. */
const sites = new WeakMap<object, Site>()

function siteOf(fastify: FastifyInstance): Site {
  const known = sites.get(fastify.server)
  if (known !== undefined) return known
  const site: Site = { resources: [], served: false }
  sites.set(fastify.server, site)
  return site
}

/** Makes the document of a registration. The scopes are those that its tools can need. */
export function metadataOf(address: Address, issuer: string, registry: Registry): ProtectedResourceMetadata {
  const needs = [...registry.tools.values()].flatMap((tool) => (isLocal(tool) ? [] : tool.rule.needs))
  return {
    resource: address.resourceUrl(),
    resource_name: implementation.title,
    authorization_servers: [issuer],
    scopes_supported: scopesFor(needs),
    bearer_methods_supported: ['header'],
  }
}

/**
 * Has the document of a registration served at the root. In a prefixed scope that takes `wellKnown` at the root: ready throws
 * CONFIG without it.
 */
export async function publishMetadata(
  fastify: FastifyInstance,
  address: Address,
  document: () => ProtectedResourceMetadata,
): Promise<void> {
  const site = siteOf(fastify)
  site.resources.push({ path: () => new URL(address.resourceUrl()).pathname, document })
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
  const route = { schema: hidden, exposeHeadRoute: false }
  fastify.get(wellKnownPath, route, async (_, reply) => answer(reply, site.resources[0]?.document))
  fastify.get(
    `${wellKnownPath}/*`,
    route,
    async (request: FastifyRequest<{ Params: { '*': string } }>, reply) => {
      const path = `/${request.params['*']}`
      return answer(reply, site.resources.find((resource) => resource.path() === path)?.document)
    },
  )
}

function answer(
  reply: FastifyReply,
  document: (() => ProtectedResourceMetadata) | undefined,
): ProtectedResourceMetadata | undefined {
  if (document === undefined) {
    reply.callNotFound()
    return undefined
  }
  reply.header('access-control-allow-origin', '*')
  return document()
}

/** Serves the RFC 9728 documents of every registration; a gateway registers it at its root, once. */
export const wellKnown = fp(wellKnownPlugin, { fastify: '5.x', name: 'fastify-fhir-mcp-well-known' })
