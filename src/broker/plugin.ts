import type { FastifyInstance } from 'fastify'
import { type BrokerBeside, brokerDecorator } from '../../plugins/broker.ts'
import type { Principal } from '../access/principal.ts'
import { fhirMcpError } from '../errors.ts'
import { createAskJson } from '../identity/json-endpoint.ts'
import { createSeal } from '../seal.ts'
import { tokenRefusedText } from '../token-refusal.ts'
import { addressOf } from './address.ts'
import { createComputeClaims } from './claims.ts'
import { createConsents } from './consents.ts'
import type { DocumentAccess } from './guarded-fetch.ts'
import { createHoldings, type HoldingParts, signInEnded } from './holdings.ts'
import { createInteractions } from './interactions.ts'
import { createBrokerLimits } from './limits.ts'
import { createNaming } from './names.ts'
import { type BrokerOptions, type BrokerSettings, parseBrokerOptions } from './options.ts'
import { createProvider } from './provider.ts'
import { brokerRoutes } from './routes.ts'
import { offeredScopes } from './scopes.ts'
import { createSignIns } from './sign-ins.ts'
import { readSigningKeys } from './signing-keys.ts'
import type { Storage } from './storage.ts'
import { createMemoryStorage } from './storage-memory.ts'
import { connectRedis, createRedisStorage, type RedisClient } from './storage-redis.ts'
import { createUpstream } from './upstream.ts'

/** What the broker leans on. */
export interface BrokerParts {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** How documents of clients are reached. */
  readonly documents: DocumentAccess
  /** How long a consent page waits for names of studies, in milliseconds; 3000 by default. */
  readonly patience?: number | undefined
  /** Where the start page of `serve` is answered, which is then a client here; undefined without one. */
  readonly pageCallback?: string | undefined
}

/** The broker of a gateway, as the decorator `fhirMcpBroker` has it. */
export interface Broker extends BrokerBeside {
  /** Issuer of its tokens: `auth.issuer` of the plugin. */
  readonly issuer: string
  /** The MCP endpoint that its tokens are for. */
  readonly resource: string
  /** Where its keys are: `auth.jwksUri`, where the plugin cannot reach its own public address. */
  readonly jwksUri: string
  /**
   * The upstream's access token of the person whose principal this is, refreshed when it is about to expire. It is for the
   * exchange and for nobody else. Throws TOKEN_INVALID when the sign-in has ended or is not the principal's own, and
   * ISSUER_UNAVAILABLE or EXCHANGE_UNAVAILABLE.
   */
  heldToken(principal: HolderPrincipal, signal?: AbortSignal): Promise<string>
}

/** What of a principal says whose sign-in is meant. */
export type HolderPrincipal = Pick<Principal, 'issuer' | 'subject' | 'client' | 'grant'>

/** Fastify's own register options. */
const ofFastify = new Set(['logLevel', 'logSerializers'])
const memorySizes = { passing: 10_000, lasting: 100_000 }

/** The broker before it is wrapped: decorates, and puts its routes into an encapsulated child. Throws CONFIG at register. */
export function createBroker(parts: BrokerParts) {
  return async (fastify: FastifyInstance, input: BrokerOptions): Promise<void> => {
    const settings = parseBrokerOptions(
      Object.fromEntries(Object.entries(input).filter(([name]) => !ofFastify.has(name))),
    )
    if (fastify.prefix !== '') {
      throw fhirMcpError('CONFIG', { detail: 'The broker is registered at the root, outside of any prefix.' })
    }
    if (fastify.hasDecorator(brokerDecorator)) {
      throw fhirMcpError('CONFIG', { detail: 'A broker is registered already.' })
    }
    const { now } = parts
    const address = addressOf(settings)
    const keys = await readSigningKeys(settings.keys)
    const seal = createSeal([settings.encryptionKey].flat())
    const { storage, redis, prefix } = await openStorage(settings, now)
    const limits = await createBrokerLimits(settings.limits, address, {
      redis,
      prefix,
      now,
      log: (level, message) => fastify.log[level](message),
    })
    const ask = createAskJson()
    const upstream = createUpstream(settings.upstream, address.callbackUrl, now, (refusal) =>
      fastify.log.warn(refusal, tokenRefusedText),
    )
    const computeClaims = createComputeClaims(settings, ask, now)
    const idToken = placeOfIdToken(settings.claims.sources)
    const holdings = createHoldings({ storage, seal, upstream, computeClaims, idToken, now })
    const failed = (code: string) => fastify.log.warn({ code }, 'sign-in failed')
    const { documents, pageCallback } = parts
    const provider = createProvider({
      ...{ address, settings, keys, storage, holdings, documents, pageCallback, failed },
    })
    const signIns = createSignIns({ settings, storage, seal, upstream, computeClaims, holdings, failed, now })
    const { patience = 3000 } = parts
    const naming = createNaming({ address, keys, now, patience })
    const consents = createConsents({ address, storage, namesOf: naming.namesOf }, settings)
    const { accessTokenLifetime } = settings
    const interactions = createInteractions({
      ...{ provider, address, signIns, consents, holdings, upstream, accessTokenLifetime, now },
    })
    const broker: Broker = {
      issuer: address.issuer,
      resource: address.resource,
      jwksUri: `${address.issuer}/jwks`,
      nameBy: naming.nameBy,
      async heldToken(principal, signal) {
        signal?.throwIfAborted()
        const early = naming.heldFor(principal)
        if (early !== undefined) return early
        const { issuer, subject, client, grant } = principal
        const holding = grant === undefined ? undefined : await holdings.find(grant)
        const own = issuer === address.issuer && holding?.subject === subject && holding.clientId === client
        const token = own && grant !== undefined ? await holdings.accessToken(grant) : undefined
        if (token === undefined) throw signInEnded()
        return token
      },
    }
    fastify.decorate(brokerDecorator, broker)
    fastify.addHook('onClose', async () => {
      limits.close()
      await storage.close()
    })
    // Requests are not logged one by one: see the routes.
    await fastify.register(
      async (scope) =>
        brokerRoutes(scope, {
          address,
          provider,
          interactions,
          signIns,
          limits,
          offered: offeredScopes(settings.fhirTypes),
        }),
      {
        logLevel: 'warn',
      },
    )
  }
}

function placeOfIdToken(sources: BrokerSettings['claims']['sources']): HoldingParts['idToken'] {
  if (sources[0] === 'id_token') return 'first'
  return sources.includes('id_token') ? 'later' : 'never'
}

interface OpenStorage {
  readonly storage: Storage
  /** The Redis that it is in; undefined in memory. */
  readonly redis: RedisClient | undefined
  readonly prefix: string
}

async function openStorage({ storage }: BrokerSettings, now: () => number): Promise<OpenStorage> {
  if (storage === 'memory') {
    return { storage: createMemoryStorage(memorySizes, now), redis: undefined, prefix: '' }
  }
  const { redis, prefix } = storage
  const { client, close } =
    typeof redis === 'string' ? await connectRedis(redis) : { client: redis, close: async () => undefined }
  return { storage: createRedisStorage(client, prefix, close), redis: client, prefix }
}
