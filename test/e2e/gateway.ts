import Fastify, { type FastifyInstance } from 'fastify'
import fhirMcp, { type FhirMcpOptions } from '../../plugins/index.ts'
import type { FhirVersion } from '../../src/fhir/types.ts'
import { connectHttp, connectModern, connectSse, type TestClient } from './clients.ts'
import { validClient } from './valid-client.ts'

/** A gateway that listens, with the plugin registered in it. */
export interface Gateway {
  readonly app: FastifyInstance
  readonly origin: string
  connect(by: 'http' | 'http-2026' | 'sse', token: string): Promise<TestClient>
  close(): Promise<void>
}

/**
 * Starts a Fastify with the plugin on a free port, and connects real clients to it, whose every answer has to be valid FHIR of
 * the exchange's version.
 */
export async function startGateway(
  options: FhirMcpOptions,
  extend: (app: FastifyInstance) => void = () => undefined,
  fhirVersion: FhirVersion = 'R4',
): Promise<Gateway> {
  const app = Fastify()
  await app.register(fhirMcp, options)
  extend(app)
  const origin = await app.listen({ port: 0, host: '127.0.0.1' })
  const clients: TestClient[] = []
  return {
    app,
    origin,
    async connect(by, token) {
      const connecting = {
        http: () => connectHttp(`${origin}/mcp`, token),
        'http-2026': () => connectModern(`${origin}/mcp`, token),
        sse: () => connectSse(`${origin}/sse`, token),
      }
      const client = validClient(await connecting[by](), fhirVersion)
      clients.push(client)
      return client
    },
    async close() {
      for (const client of clients) await client.close()
      await app.close()
    },
  }
}
