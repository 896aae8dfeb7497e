import type { Audit } from '../audit/record.ts'
import type { HeldToken } from '../config/fhir.ts'
import { reachedInTheClear } from '../config/fhir.ts'
import type { Options } from '../config/options.ts'
import { fhirMcpError } from '../errors.ts'
import { createCredentials } from '../exchange/credentials/credentials.ts'
import { createExchangeOpener } from '../exchange/opener.ts'
import { assertQuietClient } from '../exchange/quiet-client.ts'
import { createIdentify, type IdentifyDependencies } from '../identity/create-identify.ts'
import { exchangeApiUrl } from '../identity/exchange-api.ts'
import { createIssuerReady } from '../identity/issuer-ready.ts'
import { createStdioIdentify, type Tokens } from '../identity/stdio.ts'
import type { Meter } from '../telemetry/meter.ts'
import { meteredAudit } from '../telemetry/metered-audit.ts'
import { watchedIdentify, watchedPrincipals } from '../telemetry/watched-identity.ts'
import type { TokenRefused } from '../token-refusal.ts'
import { audienceOf } from './audience.ts'
import { builtIn } from './built-in.ts'
import { createService, type NamingService } from './create-service.ts'
import type { McpService } from './service.ts'
import { authOverSse } from './sse-resource.ts'
import { createStdioBearer, type StdioBearer } from './stdio-bearer.ts'

/** What a service takes from the process that it runs in. */
export interface ServiceSurroundings {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly audit: Audit
  /** Only `DEBUG` is read. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** With the credentials `held`: what the broker holds for a person, where there is a broker. */
  readonly heldToken?: HeldToken | undefined
  /** Hears of what a token endpoint refused. */
  readonly tokenRefused?: TokenRefused | undefined
  /** Counts what happens. */
  readonly meter?: Meter | undefined
}

/**
 * The service for HTTP: built-in tools and resources, bearer tokens, one exchange. Sends nothing before the first call.
 * Throws CONFIG for options that contradict each other.
 */
export function createMcpService(options: Options, surroundings: ServiceSurroundings): NamingService {
  assertForwardable(options)
  const auth = { ...options.auth, ...audienceOf(options) }
  const identify = watchedIdentify(
    createIdentify(auth, identityOf(options, surroundings)),
    surroundings.meter,
  )
  // A further issuer that is away must not take the service from everybody else.
  const issuerReady = createIssuerReady(auth, surroundings.now)
  const overSse = options.sse ? authOverSse(auth, options.path) : undefined
  const identifyOverSse =
    overSse && watchedIdentify(createIdentify(overSse, identityOf(options, surroundings)), surroundings.meter)
  const service = createService({ ...partsOf(options, surroundings), identify })
  return {
    ...service,
    identifyOverSse,
    async ready(signal) {
      await Promise.all([service.ready(signal), issuerReady()])
    },
  }
}

/** The service for stdio, and who asks it. */
export interface StdioService extends McpService {
  readonly bearer: StdioBearer
}

/** The same for stdio, where all requests are one user's. `tokens` is asked for that user's tokens at each request. */
export function createStdioService(
  options: Options,
  tokens: Tokens,
  surroundings: ServiceSurroundings,
): StdioService {
  const auth = { ...options.auth, ...audienceOf(options) }
  const identifyPair = createStdioIdentify(auth, identityOf(options, surroundings))
  const bearer = createStdioBearer(tokens, watchedIdentify(identifyPair, surroundings.meter))
  const identify = async (_: string, signal: AbortSignal) => (await bearer(signal)).principal
  return { ...createService({ ...partsOf(options, surroundings), identify }), bearer }
}

/** What an operator should know that was chosen, in words for the log at start. */
export function startNotes({ fhir, auth }: Options): string[] {
  const notes: string[] = []
  if (fhir.credentials === 'none') {
    notes.push('fhir.credentials is none: the exchange is asked without a token, the claims alone protect it')
  }
  if (fhir.credentials === 'backend-services') {
    notes.push(
      "fhir.credentials is backend-services: the exchange is asked with the plugin's own token, the claims alone protect it",
    )
  }
  if (reachedInTheClear(fhir)) {
    notes.push(
      'fhir.allowHttp is set: tokens and records travel to and from the exchange in the clear, which only a private network may see',
    )
  }
  if (auth.allowTokensWithoutAudience) {
    notes.push('auth.allowTokensWithoutAudience is set: opaque tokens of other servers may be accepted')
  }
  return notes
}

function partsOf(options: Options, surroundings: ServiceSurroundings) {
  const { now, environment, heldToken, tokenRefused, meter } = surroundings
  assertQuietClient(environment.DEBUG)
  const credentialOf = createCredentials(options.fhir, { now, heldToken, tokenRefused })
  const opener = createExchangeOpener({ fhir: options.fhir, access: options.access, now, meter })
  const audit = meteredAudit(surroundings.audit, meter)
  return { options, registry: builtIn(options.fhir.types), opener, credentialOf, audit, now, meter }
}

/** Over HTTP anybody may bring a token; only one that is meant for the exchange as well may be sent there. */
function assertForwardable({ fhir }: Options): void {
  if (fhir.credentials === 'forward' && fhir.audience === undefined) {
    throw fhirMcpError('CONFIG', {
      detail: 'fhir.audience is required over HTTP with fhir.credentials forward.',
    })
  }
}

function identityOf({ fhir, auth }: Options, { now, meter }: ServiceSurroundings): IdentifyDependencies {
  return {
    now,
    exchangeAudience: fhir.credentials === 'forward' ? fhir.audience : undefined,
    apiUrl: auth.sources.includes('exchange') ? exchangeApiUrl(fhir) : undefined,
    watchCache: watchedPrincipals(meter),
  }
}
