import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import {
  permissionsClaim,
  startExchange,
  startIssuer,
  type TestExchange,
  type TestIssuer,
} from '../../src/test-kit/index.ts'
import { type Connection, connect } from './clients.ts'
import { startGateway } from './gateway.ts'
import type { TestClient } from './test-client.ts'
import { validClient } from './valid-client.ts'

const audience = 'https://mcp.test/mcp'

/** Bytes that are no text. */
export const bytes = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x00, 0xff]).toString('base64')

/** What a scenario plays on. */
export interface Setting {
  readonly connection: Connection
  /** Signed in, permitted two studies. */
  readonly client: TestClient
  readonly exchange: TestExchange<unknown>
  /** Connects another client of the same kind. `token` is asked for at each request, but over stdio once. */
  connectAs(token: () => string): Promise<TestClient>
  /** A token for the same two studies with these claims too. */
  token(claims?: Readonly<Record<string, unknown>>): Promise<string>
}

/** An exchange, an issuer and a gateway that has tools, resources and prompts of its own; one for all connections. */
export interface Matrix {
  settingOf(connection: Connection): Promise<Setting & { close(): Promise<void> }>
  close(): Promise<void>
}

/** Starts them. */
export async function startMatrix(): Promise<Matrix> {
  const issuer: TestIssuer = await startIssuer({ now: () => Date.now() })
  const exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4' })
  const gateway = await startGateway(
    { fhir: { baseUrl: exchange.url, credentials: 'none' }, auth: { issuer: issuer.url, audience } },
    addOwn,
  )
  const environment = {
    FHIR_MCP_FHIR_BASE_URL: exchange.url,
    FHIR_MCP_FHIR_CREDENTIALS: 'none',
    FHIR_MCP_AUTH_ISSUER: issuer.url,
    FHIR_MCP_AUTH_AUDIENCE: audience,
  }
  return {
    async settingOf(connection) {
      const permitted = permissionsClaim({ studies: ['study-a', 'study-b'] })
      const token: Setting['token'] = (claims = {}) =>
        issuer.token({ sub: connection.name, aud: audience, ...permitted, ...claims })
      const clients: TestClient[] = []
      const connectAs: Setting['connectAs'] = async (bearer) => {
        const reachable = { origin: gateway.origin, environment }
        const client = validClient(await connect(connection, reachable, bearer), 'R4')
        clients.push(client)
        return client
      }
      const first = await token()
      const client = await connectAs(() => first)
      const close = async () => {
        for (const one of clients) await one.close()
      }
      return { connection, client, exchange, connectAs, token, close }
    },
    async close() {
      await gateway.close()
      await issuer.close()
      await exchange.close()
    },
  }
}

/** What a gateway adds by the public API: every kind of content there is. */
function addOwn({ fhirMcp }: FastifyInstance): void {
  fhirMcp.tool({
    name: 'show_everything',
    title: 'Everything',
    description: 'Answers with every kind of content.',
    input: z.object({}),
    output: 'content',
    local: true,
    run: async () => ({
      text: 'Everything:',
      content: [
        { type: 'image', data: bytes, mimeType: 'image/png' },
        { type: 'audio', data: bytes, mimeType: 'audio/wav' },
        { type: 'resource_link', uri: 'own://bytes', name: 'bytes', mimeType: 'image/png' },
        { type: 'resource', resource: { uri: 'own://bytes', mimeType: 'image/png', blob: bytes } },
      ],
    }),
  })
  fhirMcp.tool({
    name: 'fail',
    title: 'Fail',
    description: 'Throws.',
    input: z.object({}),
    output: 'content',
    local: true,
    run: async () => {
      throw new TypeError('a secret of pat-1')
    },
  })
  fhirMcp.resource({
    uri: 'own://bytes',
    name: 'bytes',
    title: 'Bytes',
    description: 'A resource that is no text.',
    mimeType: 'image/png',
    local: true,
    read: async () => ({ blob: bytes }),
  })
  fhirMcp.prompt({
    name: 'explain',
    title: 'Explain',
    description: 'Asks for an explanation.',
    arguments: [
      { name: 'what', description: 'What to explain', required: true },
      { name: 'tone', description: 'How', required: false },
    ],
    get({ what, tone }) {
      if (tone === 'none') throw new TypeError('a secret of pat-1')
      return [
        { role: 'user', text: `Explain ${what}.` },
        { role: 'user', content: { type: 'image', data: bytes, mimeType: 'image/png' } },
        {
          role: 'assistant',
          content: { type: 'resource', resource: { uri: 'own://bytes', mimeType: 'image/png', blob: bytes } },
        },
      ]
    },
  })
}
