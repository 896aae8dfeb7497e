import type { DialectTraits } from '../access/narrowing.ts'
import type { AccessOptions } from '../config/access.ts'
import type { FhirOptions } from '../config/fhir.ts'
import type { Meter } from '../telemetry/meter.ts'
import type { Asking } from './asking.ts'
import { boundedClient } from './bounded.ts'
import { createCapabilitiesCache } from './capabilities-cache.ts'
import { createFhirClient } from './client.ts'
import { detectDialect, readCapabilities } from './detect.ts'
import { createExchange, type Spoken } from './dialect.ts'
import type { Capabilities, Credential, ExchangeCall, ExchangeOpener } from './exchange.ts'
import type { FhirClient } from './fhir-client.ts'
import { hapi } from './hapi/dialect.ts'
import { type ApiReader, createApiReader } from './jupyterhealth/api.ts'
import { jupyterHealth } from './jupyterhealth/dialect.ts'
import { createListedCodes } from './jupyterhealth/listed-codes.ts'
import { withOwnSearches } from './jupyterhealth/searches.ts'
import { createPaces } from './paces.ts'
import { preflighted } from './preflight.ts'
import { createProofs } from './proofs.ts'
import { createRowFilter } from './row-filter.ts'

/** What an opener is made of. */
export interface OpenerOptions {
  readonly fhir: FhirOptions
  readonly access: AccessOptions
  /** The clock, in milliseconds since the epoch. */
  readonly now: () => number
  /** Counts requests. */
  readonly meter?: Meter | undefined
  /** By default one that `fhir` describes; the opener closes it. */
  readonly client?: FhirClient
}

/** What anybody may ask is asked without a credential. */
const nobodys: Credential = { authorization: async () => undefined, identity: 'ready' }

type Kind = Capabilities['dialect']

const traitsOf: Readonly<Record<Kind, DialectTraits>> = {
  hapi: { categories: true, groups: false, requestedTypes: false },
  jupyterhealth: { categories: false, groups: true, requestedTypes: true },
}

/**
 * Makes the opener of one exchange. A dialect that `fhir.dialect` names is used without looking; `auto` looks at the
 * server's metadata with the first question (kept 5 minutes, one flight). Throws CONFIG for an unusable base URL.
 */
export function createExchangeOpener(options: OpenerOptions): ExchangeOpener {
  const { fhir, access, now, meter } = options
  const client = options.client ?? createFhirClient(fhir, meter)
  const configured = fhir.dialect === 'auto' ? undefined : fhir.dialect
  const server = createCapabilitiesCache((call) => detectDialect(client, call), { now })
  const pulse = createCapabilitiesCache((call) => detectDialect(client, call), { now, ttl: 10_000 })
  const statement = createCapabilitiesCache((call) => readCapabilities(client, call, now), { now })
  const proofs = createProofs(now)
  const paces = createPaces(now)
  const rowFilter = createRowFilter(fhir.filtersRows)
  const codes = createListedCodes(now)
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
    types: fhir.types,
    proofs,
    paces,
    rowFilter,
    version: async () => (await server.get(call)).fhirVersion,
    capabilities: async () => capabilitiesOf(await statement.get(call)),
    shape,
    codes,
    api: (path) => {
      api ??= createApiReader(fhir, meter)
      return api.get(call, path)
    },
  })
  const spokenBy = (kind: Kind, call: ExchangeCall): Spoken =>
    kind === 'jupyterhealth'
      ? { dialect: jupyterHealth, asking: asking(call, {}) }
      : { dialect: hapi, asking: asking(call, { headers: fhir.cachedAnswers ? {} : fresh }) }

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
      await pulse.get({ credential: nobodys, signal })
    },
    open(call) {
      // Questions that begin together are one call: they share its connections, and what it has read.
      let spoken: Promise<Spoken> | undefined
      const find = async () => spokenBy(configured ?? (await server.get(call)).dialect, call)
      return createExchange(() => {
        if (spoken !== undefined) return spoken
        const found = find()
        spoken = found
        // Who asks again after a failure looks again.
        found.catch(() => {
          spoken = undefined
        })
        return found
      })
    },
    async close() {
      await Promise.all([client.close(), api?.close()])
    },
  }
}

/** HAPI answers searches from a cache of 60 seconds unless it is told not to. */
const fresh = { 'cache-control': 'no-cache' }
