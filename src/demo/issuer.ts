import fastify from 'fastify'
import type { Person } from './cast.ts'
import { quietly } from './quiet.ts'

/** The embedded issuer. */
export interface DemoIssuer {
  readonly url: string
  close(): Promise<void>
}

/** What the issuer is for. */
export interface DemoIssuerOptions {
  /** Its loopback port. */
  readonly port: number
  /** The one resource that tokens are for: the URL of the MCP endpoint. */
  readonly resource: string
  /** Who can be chosen. */
  readonly people: readonly Person[]
  /** Whether the data is that of a server that was named, not the invented cohort. */
  readonly foreignData?: boolean
}

/**
 * An OIDC issuer (`oidc-provider`) on a loopback port. Clients register themselves (RFC 7591); there is no password:
 * whoever signs in chooses on a page whom to be. It forgets its clients and sign-ins when it ends.
 */
export async function startDemoIssuer(options: DemoIssuerOptions): Promise<DemoIssuer> {
  const url = `http://127.0.0.1:${options.port}`
  const { host } = new URL(url)
  const { createDemoProvider } = await quietly(() => import('./provider.ts'))
  const { issuerRoutes } = await quietly(() => import('./issuer-routes.ts'))
  const provider = await quietly(async () => createDemoProvider({ ...options, issuer: url }))
  const app = fastify({ forceCloseConnections: true })
  // A page of anybody's can be given a name that leads here; its scripts are kept from playing the person.
  app.addHook('onRequest', async (request, reply) => {
    if (request.headers.host !== host) return reply.code(421).send(`The demo's issuer is at ${url}`)
  })
  await app.register(issuerRoutes, { ...options, provider })
  await app.listen({ port: options.port, host: '127.0.0.1' })
  return { url, close: () => app.close() }
}
