import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import fastify from 'fastify'
import fhirMcp from '../../plugins/index.ts'
import { parseOptions } from '../config/parse.ts'
import { registerPage } from '../page/plugin.ts'
import { pageClientOfDemo, tokenSeconds } from './own-client.ts'

/** Where the gateway will listen: its URL is the audience of the tokens, so it is needed before the gateway is there. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** A Fastify gateway with the plugin, as anybody would register it, and the start page of `serve`. */
export async function startGateway(options: {
  readonly port: number
  readonly fhirUrl: string
  readonly issuer: string
  readonly audience: string
}): Promise<{ close(): Promise<void> }> {
  const app = fastify()
  const given = {
    fhir: { baseUrl: options.fhirUrl, credentials: 'none' },
    // The demo's tokens are not renewed while `--serve` runs, so their claims may grow as old as the tokens.
    auth: { issuer: options.issuer, audience: options.audience, maxClaimsAge: tokenSeconds },
  } as const
  await app.register(fhirMcp, given)
  const signIn = pageClientOfDemo(options.issuer, options.audience)
  await registerPage(app, { now: () => Date.now(), options: parseOptions(given), settings: { signIn } })
  await app.listen({ port: options.port, host: '127.0.0.1' })
  return { close: () => app.close() }
}
