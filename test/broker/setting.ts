import { randomBytes } from 'node:crypto'
import Fastify, { type FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { exportJWK, generateKeyPair } from 'jose'
import { type FhirMcpOptions, fhirMcp } from '../../plugins/index.ts'
import { type DocumentAccess, publicDocuments } from '../../src/broker/guarded-fetch.ts'
import type { BrokerOptions } from '../../src/broker/options.ts'
import { type Broker, createBroker } from '../../src/broker/plugin.ts'
import { freePort } from '../../src/demo/gateway.ts'
import { startExchange, type TestExchange } from '../../src/test-kit/exchange.ts'
import { type JupyterHealthCohort, jupyterHealthCohort } from '../../src/test-kit/jupyterhealth-cohort.ts'
import { startUpstream, type TestUpstream, upstreamClient } from './upstream.ts'

/** The permissions of the cohort's users, as their exchange would claim them. */
export const manager = {
  id: '10012',
  claim: {
    studies: [
      { id: '30006', organization: '20009' },
      { id: '30007', organization: '20009' },
    ],
    organizations: [{ id: '20009', name: 'Northlake Clinic', role: 'manager' }],
  },
}

/** Everything that a sign-in takes, on loopback ports: exchange, upstream, gateway with broker and plugin. */
export interface Setting {
  readonly origin: string
  readonly issuer: string
  readonly mcpUrl: string
  readonly upstream: TestUpstream
  readonly exchange: TestExchange<JupyterHealthCohort>
  readonly app: FastifyInstance
  readonly broker: Broker
  /** Lines of the gateway's log. */
  readonly log: readonly string[]
  /** Milliseconds since the epoch; may be set. */
  readonly clock: { now: number }
  close(): Promise<void>
}

export interface SettingOptions {
  readonly broker?: Partial<BrokerOptions>
  readonly claims?: (
    upstream: TestUpstream,
    exchange: TestExchange<JupyterHealthCohort>,
  ) => BrokerOptions['claims']
  readonly documents?: DocumentAccess
}

/** A private key to sign with. */
export async function signingKey(
  alg: 'RS256' | 'ES256',
  kid: string,
): Promise<BrokerOptions['keys'][number]> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  const { d = '', ...rest } = await exportJWK(privateKey)
  return { ...rest, kty: alg === 'RS256' ? 'RSA' : 'EC', d, alg, kid }
}

/** Options of a broker, all that are required. */
export async function brokerOptions(origin: string, upstreamIssuer: string): Promise<BrokerOptions> {
  return {
    publicUrl: origin,
    upstream: { issuer: upstreamIssuer, ...upstreamClient },
    keys: [await signingKey('ES256', 'first')],
    cookieSecrets: ['a-secret-for-the-cookies-of-the-broker'],
    encryptionKey: randomBytes(32).toString('base64url'),
  }
}

/** A gateway with broker and plugin on a port of its own. */
export async function startGateway(
  options: BrokerOptions,
  fhirUrl: string,
  parts: {
    readonly now: () => number
    readonly documents: DocumentAccess
    readonly log?: string[]
    /** Where it listens, when a proxy is at its public address. */
    readonly port?: number
    /** How long the consent page waits for names, in milliseconds. */
    readonly patience?: number
    /** What the plugin is told of the exchange and of tokens, in place of what is usual here. */
    readonly fhir?: Partial<FhirMcpOptions['fhir']>
    readonly auth?: Partial<FhirMcpOptions['auth']>
    readonly audit?: FhirMcpOptions['audit']
  },
): Promise<FastifyInstance> {
  const stream = { write: (line: string) => void parts.log?.push(line) }
  const app = Fastify({ logger: { level: 'info', stream } })
  await app.register(fp(createBroker(parts), { name: 'broker' }), options)
  await app.register(fhirMcp, {
    publicUrl: options.publicUrl,
    fhir: { baseUrl: fhirUrl, credentials: 'held', dialect: 'jupyterhealth', ...parts.fhir },
    auth: { issuer: `${options.publicUrl}/oauth`, audience: `${options.publicUrl}/mcp`, ...parts.auth },
    audit: parts.audit ?? { sink: 'off' },
  })
  await app.listen({ port: parts.port ?? Number(new URL(options.publicUrl).port), host: '127.0.0.1' })
  return app
}

/** Starts a setting. Its port was free a moment ago: where another process has taken it since, another one is tried. */
export async function startSetting(options: SettingOptions = {}): Promise<Setting> {
  for (let left = 5; ; left -= 1) {
    try {
      return await startOnce(options)
    } catch (thrown) {
      const isTaken = thrown instanceof Error && 'code' in thrown && thrown.code === 'EADDRINUSE'
      if (!isTaken || left === 0) throw thrown
    }
  }
}

async function startOnce(options: SettingOptions): Promise<Setting> {
  const origin = `http://127.0.0.1:${await freePort()}`
  const issuer = `${origin}/oauth`
  const upstream = await startUpstream(`${issuer}/callback`)
  upstream.claims.set(manager.id, manager.claim)
  upstream.person = manager.id
  const cohort = jupyterHealthCohort()
  const exchange = await startExchange({
    dialect: 'jupyterhealth',
    cohort,
    authorize: (token) => {
      const id = upstream.accessTokens.get(token)
      return cohort.users.find((user) => String(user.id) === id)?.name
    },
  })
  const clock = { now: Date.now() }
  const started = clock.now
  const log: string[] = []
  const claims = options.claims?.(upstream, exchange)
  const app = await startGateway(
    {
      ...(await brokerOptions(origin, upstream.issuer)),
      ...(claims === undefined ? {} : { claims }),
      ...options.broker,
    },
    exchange.url,
    {
      now: () => Date.now() + clock.now - started,
      documents: options.documents ?? publicDocuments,
      log,
    },
  ).catch(async (thrown: unknown) => {
    await upstream.close()
    await exchange.close()
    throw thrown
  })
  return {
    origin,
    issuer,
    mcpUrl: `${origin}/mcp`,
    upstream,
    exchange,
    app,
    broker: app.getDecorator<Broker>('fhirMcpBroker'),
    log,
    clock,
    async close() {
      await app.close()
      await upstream.close()
      await exchange.close()
    },
  }
}
