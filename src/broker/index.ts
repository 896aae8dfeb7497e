/**
 * An authorization server for MCP clients that have to register, beside the plugin. Needs the package `oidc-provider`, and with
 * storage in Redis by a URL the package `redis`.
 * @packageDocumentation
 */
import fp from 'fastify-plugin'
import { publicDocuments } from './guarded-fetch.ts'
import { createBroker } from './plugin.ts'

export type { BrokerOptions } from './options.ts'
export type { Broker, HolderPrincipal } from './plugin.ts'
export type { RedisClient } from './storage-redis.ts'

/**
 * Signs people in at an upstream provider, asks them what a client may do, and gives the client tokens of its own that carry
 * their permissions. Registered at the root, before the plugin.
 *
 * @example
 * await app.register(broker, {
 *   publicUrl: 'https://gateway.example.org',
 *   upstream: { issuer: 'https://exchange.example.org/o', clientId: 'gateway', clientSecret },
 *   keys, cookieSecrets, encryptionKey,
 * })
 * await app.register(fhirMcp, {
 *   publicUrl: 'https://gateway.example.org',
 *   fhir: { baseUrl: 'https://exchange.example.org/FHIR/R5', credentials: 'held' },
 *   auth: { issuer: 'https://gateway.example.org/oauth', audience: 'https://gateway.example.org/mcp' },
 * })
 */
export const broker = fp(createBroker({ now: () => Date.now(), documents: publicDocuments }), {
  fastify: '5.x',
  name: 'fastify-fhir-mcp-broker',
})

export default broker
