import { assertGrant } from '../access/grant.ts'
import type { DialectTraits } from '../access/narrowing.ts'
import type { AccessOptions, FhirOptions } from '../config.ts'
import type { Asking } from './asking.ts'
import { boundedClient } from './bounded.ts'
import { createCapabilitiesCache } from './capabilities-cache.ts'
import { createFhirClient } from './client.ts'
import { detectDialect, readCapabilities } from './detect.ts'
import type { Capabilities, Exchange, ExchangeCall, ExchangeOpener } from './exchange.ts'
import type { FhirClient } from './fhir-client.ts'
import { createHapiExchange } from './hapi/exchange.ts'
import { type ApiReader, createApiReader } from './jupyterhealth/api.ts'
import { createJupyterHealthExchange, withOwnSearches } from './jupyterhealth/exchange.ts'
import { preflighted } from './preflight.ts'
import { createProofs } from './proofs.ts'

/** What an opener is made of. */
export interface OpenerOptions {
  readonly fhir: FhirOptions
  readonly access: AccessOptions
  /** The clock, in milliseconds since the epoch. */
  readonly now: () => number
  /** By default one that `fhir` describes; the opener closes it. */
  readonly client?: FhirClient
}

type Dialect = Capabilities['dialect']

const traitsOf: Readonly<Record<Dialect, DialectTraits>> = {
  hapi: { categories: true, groups: false },
  jupyterhealth: { categories: false, groups: true },
}

/**
 * Makes the opener of one exchange. A dialect that `fhir.dialect` names is used without looking; `auto` looks at the
 * server's metadata with the first question (kept 5 minutes, one flight). Throws CONFIG for an unusable base URL.
 */
export function createExchangeOpener(options: OpenerOptions): ExchangeOpener {
  const { fhir, access, now } = options
  const client = options.client ?? createFhirClient(fhir)
  const configured = fhir.dialect === 'auto' ? undefined : fhir.dialect
  const server = createCapabilitiesCache((call) => detectDialect(client, call), { now })
  const pulse = createCapabilitiesCache((call) => detectDialect(client, call), { now, ttl: 10_000 })
  const statement = createCapabilitiesCache((call) => readCapabilities(client, call, now), { now })
  const proofs = createProofs(now)
  let api: ApiReader | undefined

  const capabilitiesOf = (read: Capabilities): Capabilities => {
    const capabilities = { ...read, dialect: configured ?? read.dialect }
    return capabilities.dialect === 'jupyterhealth' ? withOwnSearches(capabilities) : capabilities
  }
  const knownSearches = () => {
    const known = statement.known()
    return known === undefined ? undefined : capabilitiesOf(known).searches
  }
  const asking = (call: ExchangeCall, shape: Asking['shape']): Asking => ({
    client: boundedClient(preflighted(client, knownSearches), fhir.connections),
    call,
    access,
    now,
    connections: fhir.connections,
    proofs,
    version: async () => (await server.get(call)).fhirVersion,
    capabilities: async () => capabilitiesOf(await statement.get(call)),
    shape,
    api: (path) => {
      api ??= createApiReader(fhir)
      return api.get(call, path)
    },
  })
  const exchangeOf = (dialect: Dialect, call: ExchangeCall): Exchange =>
    dialect === 'jupyterhealth'
      ? createJupyterHealthExchange(asking(call, {}))
      : createHapiExchange(asking(call, { headers: fhir.cachedAnswers ? {} : fresh }))

  return {
    baseUrl: client.baseUrl,
    knownTraits() {
      const dialect = configured ?? server.known()?.dialect
      return dialect === undefined ? undefined : traitsOf[dialect]
    },
    async traits(call) {
      return traitsOf[configured ?? (await server.get(call)).dialect]
    },
    async ready(signal) {
      await pulse.get({ credential: { authorization: undefined, identity: 'ready' }, signal })
    },
    open(call) {
      let exchange: Exchange | undefined
      return onceKnown(async () => {
        exchange ??= exchangeOf(configured ?? (await server.get(call)).dialect, call)
        return exchange
      })
    },
    async close() {
      await Promise.all([client.close(), api?.close()])
    },
  }
}

/** HAPI answers searches from a cache of 60 seconds unless it is told not to. */
const fresh = { 'cache-control': 'no-cache' }

/** An exchange whose dialect is looked up with the first question. The grant comes before that too. */
function onceKnown(find: () => Promise<Exchange>): Exchange {
  return {
    async capabilities(grant) {
      assertGrant(grant)
      return (await find()).capabilities(grant)
    },
    async studies(grant) {
      assertGrant(grant)
      return (await find()).studies(grant)
    },
    async study(grant, id) {
      assertGrant(grant)
      return (await find()).study(grant, id)
    },
    async roster(grant, limit) {
      assertGrant(grant)
      return (await find()).roster(grant, limit)
    },
    async enrolments(grant, patient) {
      assertGrant(grant)
      return (await find()).enrolments(grant, patient)
    },
    async patients(grant, filter, ids) {
      assertGrant(grant)
      return (await find()).patients(grant, filter, ids)
    },
    async patient(grant) {
      assertGrant(grant)
      return (await find()).patient(grant)
    },
    async observations(grant, query) {
      assertGrant(grant)
      return (await find()).observations(grant, query)
    },
    async countPatientObservations(grant, patient, filter) {
      assertGrant(grant)
      return (await find()).countPatientObservations(grant, patient, filter)
    },
    async countObservations(grant, filter) {
      assertGrant(grant)
      return (await find()).countObservations(grant, filter)
    },
  }
}
