import { z } from 'zod'
import { fhirSchema } from '../../src/config/fhir.ts'
import { exchangeFacts, exchangeLog } from './exchange.ts'
import { originFacts } from './gateway.ts'
import { type Child, startChild } from './spawn.ts'

/** A Fastify of ours or of the reference, in a process of its own. */
export type HttpChild = Child<{ origin: string }>

/** The exchange behind, and what can be set and read of it. */
export interface SiteExchange {
  /** FHIR base URL. */
  readonly url: string
  /** Sets how long an answer takes, in milliseconds. */
  latency(milliseconds: number): Promise<void>
  /** Requests since the last reset; undefined of a live server. */
  log(): Promise<{ readonly count: number; readonly asked: readonly string[] } | undefined>
  reset(): Promise<void>
}

/** Whom and what the calls are about. */
export interface Subjects {
  /** In reach of the token. */
  readonly study: string
  readonly patient: string
  /** A study that is not. */
  readonly otherStudy: string
  /** A patient of no study of the token. */
  readonly otherPatient: string
}

/** One exchange with the gateways and the reference in front of it. */
export interface Site {
  readonly dialect: 'hapi' | 'jupyterhealth'
  readonly exchange: SiteExchange
  /** Connections of each gateway to the exchange. */
  readonly connections: number
  readonly subjects: Subjects
  /** What the exchange is asked with. */
  readonly authorization: string | undefined
  /** With the defaults, but that it keeps no record of calls: the reference keeps none either. */
  readonly gateway: HttpChild
  /** With the byte budget lifted. */
  lifted(): Promise<HttpChild>
  /** Another one like `gateway`; `flags` are Node's own. */
  another(flags?: readonly string[]): Promise<HttpChild>
  /** One that keeps a record of every call in this file, as is the default. */
  audited(path: string): Promise<HttpChild>
  readonly reference: HttpChild
}

/** What a site is made of. */
export interface SiteParts {
  readonly dialect: 'hapi' | 'jupyterhealth'
  readonly exchange: SiteExchange
  readonly subjects: Subjects
  readonly heldToken: string | undefined
  readonly auth: { readonly issuer: string; readonly jwksUri: string; readonly audience: string }
  /** Told of each process, so that it can be stopped. */
  readonly started: (child: { stop(): Promise<void> }) => void
}

const liftedBudget = 1_073_741_824

/** Starts the gateway and the reference in front of an exchange. */
export async function startSite(parts: SiteParts): Promise<Site> {
  const { dialect, exchange, subjects, heldToken, auth, started } = parts
  const { connections } = fhirSchema.parse({ baseUrl: exchange.url, credentials: 'none' })
  const credentials = heldToken === undefined ? 'none' : 'held'
  const options = {
    fhir: { baseUrl: exchange.url, dialect, credentials },
    auth: { ...auth, maxClaimsAge: 3600 },
    access: { rosterSeconds: 3600 },
    audit: { sink: 'off' },
  }
  const start = async (more: Record<string, unknown> = {}, flags: readonly string[] = []) => {
    const config = { options: { ...options, ...more }, heldToken }
    const child = await startChild('gateway', config, originFacts, flags)
    started(child)
    return child
  }
  const reference = await startChild('reference', { exchange: exchange.url, connections }, originFacts)
  started(reference)
  let lifted: Promise<HttpChild> | undefined
  return {
    dialect,
    exchange,
    connections,
    subjects,
    authorization: heldToken === undefined ? undefined : `Bearer ${heldToken}`,
    gateway: await start(),
    lifted() {
      lifted ??= start({ results: { byteBudget: liftedBudget } })
      return lifted
    },
    another: (flags) => start({}, flags),
    audited: (path) => start({ audit: { sink: 'file', path } }),
    reference,
  }
}

/** Starts the local exchange. */
export async function startLocalExchange(
  dialect: Site['dialect'],
  port: number,
  started: SiteParts['started'],
): Promise<SiteExchange> {
  const child = await startChild('exchange', { dialect, port }, exchangeFacts)
  started(child)
  const nothing = z.null()
  return {
    url: child.facts.url,
    latency: async (milliseconds) => void (await child.ask('latency', nothing, milliseconds)),
    log: () => child.ask('log', exchangeLog),
    reset: async () => void (await child.ask('reset', nothing)),
  }
}
