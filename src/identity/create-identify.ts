import type { AuthOptions } from '../config/auth.ts'
import { fhirMcpError } from '../errors.ts'
import { ownAudiences } from './audience.ts'
import { createPrincipalCache, type PrincipalCache } from './cache.ts'
import { createDerivation } from './derivation.ts'
import { createDiscovery } from './discovery.ts'
import { createExchangeApi } from './exchange-api.ts'
import type { Identify } from './identify.ts'
import { createIntrospect, type Introspect } from './introspection.ts'
import { furtherIssuers, issuerNamedBy } from './issuers.ts'
import { createAskJson } from './json-endpoint.ts'
import { createIssuerKeys } from './jwks.ts'
import { createVerifyJwt, signedBy, type VerifyJwt } from './jwt.ts'
import { createReadPermissions, type ReadPermissions, type Source } from './sources.ts'
import { createEstablish, type Establish, type Place } from './standing.ts'
import { checkForm } from './token-form.ts'
import { type AskUserinfo, createAskUserinfo } from './userinfo.ts'

/** What identification needs beside its options. */
export interface IdentifyDependencies {
  /** The clock, in milliseconds since the epoch. */
  readonly now: () => number
  /** API of the JupyterHealth Exchange (`exchangeApiUrl`); required with the source `exchange`. */
  readonly apiUrl?: string | undefined
  /** `fhir.audience`, where tokens are forwarded: `aud` of a JWT must hold it too, the client of an opaque token be allowed. */
  readonly exchangeAudience?: string | undefined
  /** Wraps the cache of principals in one that looks on. */
  readonly watchCache?: (cache: PrincipalCache) => PrincipalCache
}

/** The parts of identification, shared by HTTP and stdio. */
export interface IdentifyParts {
  readonly cache: PrincipalCache
  readonly establish: Establish
  readonly readPermissions: ReadPermissions
  readonly verifyJwt: VerifyJwt
  /** Userinfo, whether or not it is among the sources. */
  readonly askUserinfo: AskUserinfo
}

/**
 * Makes `Identify` for bearer tokens. Nothing is asked before the first token. Throws CONFIG when no audience is
 * configured or a source lacks its settings.
 */
export function createIdentify(options: AuthOptions, dependencies: IdentifyDependencies): Identify {
  return identifyWith(createIdentifyParts(options, dependencies), options, dependencies)
}

/** `Identify` from the parts of auth.issuer; those of further issuers are made beside them. Throws CONFIG as `createIdentify` does. */
export function identifyWith(
  parts: IdentifyParts,
  options: AuthOptions,
  dependencies: IdentifyDependencies,
): Identify {
  const first = identifyByOne(parts)
  const further = new Map<unknown, Identify>(
    furtherIssuers(options).map((own) => [own.issuer, identifyByOne(createIdentifyParts(own, dependencies))]),
  )
  if (further.size === 0) return first
  // An opaque token goes to the first and nowhere else: who holds it could be somebody at each.
  return async (token, signal) => (further.get(issuerNamedBy(token)) ?? first)(token, signal)
}

function identifyByOne({ cache, establish, readPermissions }: IdentifyParts): Identify {
  return async (token, signal) => {
    checkForm(token)
    return cache([token], signal, async () => readPermissions(await establish.bearer(token), token))
  }
}

/** The parts of identification. Throws CONFIG as `createIdentify` does. */
export function createIdentifyParts(options: AuthOptions, dependencies: IdentifyDependencies): IdentifyParts {
  const { now, apiUrl, exchangeAudience, watchCache = unwatched } = dependencies
  const audiences = ownAudiences(options)
  const ask = createAskJson()
  const discovery = createDiscovery(options.issuer, ask, now)
  const keys = createIssuerKeys(options.jwksUri, discovery, ask, now)
  const verifyJwt = createVerifyJwt(options, signedBy(keys.key), now)
  const askUserinfo = createAskUserinfo(options.userinfoUrl, discovery, ask, now)
  const sources = new Map<Place, Source>()
  let introspect: Introspect | undefined
  if (options.sources.includes('introspection')) {
    if (options.introspection === undefined) throw missing('auth.introspection', 'introspection')
    introspect = createIntrospect(options.introspection, options, ask, now)
    sources.set('introspection', { read: introspect })
  }
  if (options.sources.includes('userinfo')) {
    sources.set('userinfo', {
      read: askUserinfo,
      subject: async (token) => (await askUserinfo(token)).subject,
    })
  }
  if (options.sources.includes('exchange')) {
    if (apiUrl === undefined) throw missing('The API of a JupyterHealth Exchange', 'exchange')
    const { read, subject } = createDerivation(createExchangeApi(apiUrl, ask), now)
    const always = options.superuser !== undefined
    sources.set('exchange', {
      read: (token, subjectKnown) => read(token, always || !subjectKnown),
      subject,
    })
  }
  return {
    cache: watchCache(createPrincipalCache(options.cacheSize, keys, now)),
    establish: createEstablish({ options, audiences, exchangeAudience, verifyJwt, introspect, now }),
    readPermissions: createReadPermissions(options, sources, now),
    verifyJwt,
    askUserinfo,
  }
}

const unwatched = (cache: PrincipalCache): PrincipalCache => cache

function missing(setting: string, source: AuthOptions['sources'][number]) {
  return fhirMcpError('CONFIG', {
    detail: `${setting} is required with the source ${source} of auth.sources.`,
  })
}
