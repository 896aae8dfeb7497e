import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import fp from 'fastify-plugin'
import { onTestFinished } from 'vitest'
import { createPlugin } from '../../plugins/plugin.ts'
import type { OptionsInput } from '../../src/config/options.ts'
import { createServiceDouble, type ServiceDouble } from './service-double.ts'

/** Options that are enough for every test that does not look at them. */
export const enough: OptionsInput = {
  fhir: { baseUrl: 'https://fhir.example.org/fhir', credentials: 'none' },
  auth: { issuer: 'https://login.example.org', audience: 'https://gateway.example.org/mcp' },
}

/** The plugin over a service in memory. */
export function pluginOf(
  double: ServiceDouble,
  parts: { now?: () => number; total?: number; perPrincipal?: number } = {},
) {
  return fp(
    createPlugin({
      createService: () => double.service,
      now: parts.now ?? (() => Date.now()),
      streams: { total: parts.total ?? 10, perPrincipal: parts.perPrincipal ?? 3 },
    }),
    { fastify: '5.x', name: 'fastify-fhir-mcp' },
  )
}

/** A gateway with the plugin and, before it, whatever `prepare` adds; closed when the test has finished. */
export async function gateway(
  options: Partial<OptionsInput> = {},
  more: {
    readonly double?: ServiceDouble
    readonly prepare?: (app: FastifyInstance) => void | Promise<void>
    readonly parts?: Parameters<typeof pluginOf>[1]
    readonly server?: FastifyServerOptions
  } = {},
): Promise<{ app: FastifyInstance; double: ServiceDouble }> {
  const double = more.double ?? createServiceDouble()
  const app = Fastify({ forceCloseConnections: true, ...more.server })
  onTestFinished(async () => {
    double.release()
    await app.close()
  })
  await more.prepare?.(app)
  await app.register(pluginOf(double, more.parts), { ...enough, ...options })
  return { app, double }
}

/** Starts listening on a free loopback port. */
export async function listen(app: FastifyInstance): Promise<URL> {
  return new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
}

/** Headers of an MCP request over Streamable HTTP. */
export const mcpHeaders = {
  authorization: 'Bearer good',
  accept: 'application/json, text/event-stream',
  'content-type': 'application/json',
}

/** A JSON-RPC request. */
export function rpc(method: string, params: Record<string, unknown> = {}, id: number | string = 1) {
  return { jsonrpc: '2.0', id, method, params }
}

/** The addresses that an app is bound to. */
export function addressesOf(app: FastifyInstance): Set<string> {
  const addresses: readonly (AddressInfo | string)[] = app.addresses()
  return new Set(addresses.map((one) => (typeof one === 'string' ? one : one.address)))
}

/** The port that an app is bound to. */
export function portOf(app: FastifyInstance): number {
  const address = app.server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}
