import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AnyResource, FhirVersion } from '../fhir/types.ts'
import type { StandInAnswer } from './answer.ts'
import { type Asked, askedBelow, type Incoming } from './asked.ts'
import { syntheticCohort } from './cohort.ts'
import { cutOff, type Fault, faultyAnswer, faultyRequest, spoiled } from './fault.ts'
import { answerAsHapi, type HapiState } from './hapi.ts'
import { answerAsJupyterHealth } from './jupyterhealth.ts'
import { type JupyterHealthCohort, jupyterHealthCohort } from './jupyterhealth-cohort.ts'
import { asR5 } from './r5.ts'
import { bodyOf, headersOf, listen, send } from './server.ts'

/** A request that reached the exchange. */
export interface ExchangeRequest {
  readonly method: string
  /** Path and query, as they came. */
  readonly path: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
  /** Whether an Authorization header came along. */
  readonly authorized: boolean
  /** Whether the client went away before it had its answer. */
  readonly aborted: boolean
}

/** Decides on a fault for a request; undefined: answer it honestly. */
export type Faults = (request: ExchangeRequest) => Fault | undefined

interface CommonOptions {
  /** Port on 127.0.0.1; by default a free one. */
  readonly port?: number
  readonly faults?: Faults
  /** The clock, in milliseconds since the epoch; HAPI's search cache of 60 s goes by it. */
  readonly now?: () => number
}

/** A HAPI server. Its cohort is FHIR R4 resources, by default `syntheticCohort()`; for R5 they are turned into R5. */
export interface HapiExchangeOptions extends CommonOptions {
  readonly dialect: 'hapi'
  readonly fhirVersion: FhirVersion
  readonly cohort?: readonly AnyResource[]
  /** The most rows of a page, whatever `_count` says; HAPI by itself has no such limit. */
  readonly largestPage?: number
  /** Whether a request is let in, by its Authorization header. HAPI by itself lets everybody in. */
  readonly authorize?: (authorization: string | undefined) => boolean
}

/** A JupyterHealth Exchange. Its callers are the users of its cohort, by default `jupyterHealthCohort()`. */
export interface JupyterHealthExchangeOptions extends CommonOptions {
  readonly dialect: 'jupyterhealth'
  readonly fhirVersion?: 'R5'
  readonly cohort?: JupyterHealthCohort
  /** The user whose bearer token this is, by name; by default each user's own `token`. */
  readonly authorize?: (token: string) => string | undefined
}

/** An exchange that runs. `cohort` is what it serves; change it at any time. */
export interface TestExchange<Cohort> {
  /** Base URL of its FHIR API. */
  readonly url: string
  /** `http://127.0.0.1:<port>` */
  readonly origin: string
  readonly cohort: Cohort
  /** What arrived since the start or the last `reset()`, in order. */
  readonly requests: readonly ExchangeRequest[]
  /** How many requests arrived. */
  readonly count: number
  /** Replaces the faults; undefined: none. */
  misbehave(faults: Faults | undefined): void
  /** Forgets the requests and faults. */
  reset(): void
  close(): Promise<void>
}

/**
 * Starts a small honest FHIR server on a loopback port, for the tests of tools and gateways. It answers what the tools
 * ask as the recorded servers do, with their quirks, and counts and keeps what arrives.
 *
 * @example
 * const exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4' })
 * // … call a tool of a gateway that was configured with exchange.url …
 * expect(exchange.count).toBe(1)
 * await exchange.close()
 */
export async function startExchange(options: HapiExchangeOptions): Promise<TestExchange<AnyResource[]>>
export async function startExchange(
  options: JupyterHealthExchangeOptions,
): Promise<TestExchange<JupyterHealthCohort>>
export async function startExchange(
  options: HapiExchangeOptions | JupyterHealthExchangeOptions,
): Promise<TestExchange<AnyResource[]> | TestExchange<JupyterHealthCohort>> {
  return options.dialect === 'hapi' ? startHapi(options) : startJupyterHealth(options)
}

async function startHapi(options: HapiExchangeOptions): Promise<TestExchange<AnyResource[]>> {
  const given = [...(options.cohort ?? syntheticCohort())]
  const cohort = options.fhirVersion === 'R5' ? given.map(asR5) : given
  const state: HapiState = {
    version: options.fhirVersion,
    cohort,
    pages: new Map(),
    cache: new Map(),
    now: options.now ?? Date.now,
    largestPage: options.largestPage ?? Number.POSITIVE_INFINITY,
  }
  const answer = (incoming: Incoming, spoil: (asked: Asked) => Asked) => {
    const asked = askedBelow(incoming, '/fhir')
    if (asked === undefined) return { status: 404 }
    if (options.authorize !== undefined && !options.authorize(asked.authorization)) return { status: 401 }
    const answered = answerAsHapi(state, spoil(asked))
    const headers = { 'content-type': 'application/fhir+json;charset=UTF-8', ...answered?.headers }
    return answered === undefined ? undefined : { ...answered, headers }
  }
  return serve(options, cohort, '/fhir', answer)
}

async function startJupyterHealth(
  options: JupyterHealthExchangeOptions,
): Promise<TestExchange<JupyterHealthCohort>> {
  const cohort = options.cohort ?? jupyterHealthCohort()
  const byToken = (token: string) => cohort.users.find((user) => user.token === token)?.name
  const userOf = (token: string) => {
    const name = (options.authorize ?? byToken)(token)
    return cohort.users.find((user) => user.name === name)
  }
  const answer = (incoming: Incoming, spoil: (asked: Asked) => Asked) =>
    answerAsJupyterHealth(cohort, userOf, incoming, spoil)
  return serve(options, cohort, '/FHIR/R5', answer)
}

type Answering = (incoming: Incoming, spoil: (asked: Asked) => Asked) => StandInAnswer | undefined

async function serve<Cohort>(
  options: CommonOptions,
  cohort: Cohort,
  basePath: string,
  answering: Answering,
): Promise<TestExchange<Cohort>> {
  let requests: ExchangeRequest[] = []
  let faults = options.faults
  const server = await listen(async (request, response) => {
    const arrived = await record(request, response)
    requests.push(arrived)
    const fault = faults?.(arrived)
    if (fault?.kind === 'reset') return void request.socket.destroy()
    if (fault?.kind === 'cut') return cutOff(response)
    if (fault?.kind === 'hold') await fault.until
    const incoming = { ...arrived, target: arrived.path }
    const answer = faultyAnswer(fault) ?? answering(incoming, (asked) => faultyRequest(asked, fault))
    if (answer !== undefined && !response.destroyed) send(request, response, spoiled(answer, fault))
  }, options.port ?? 0)
  return {
    url: `${server.origin}${basePath}`,
    origin: server.origin,
    cohort,
    get requests() {
      return requests
    },
    get count() {
      return requests.length
    },
    misbehave(next) {
      faults = next
    },
    reset() {
      requests = []
      faults = undefined
    },
    close: server.close,
  }
}

async function record(request: IncomingMessage, response: ServerResponse): Promise<ExchangeRequest> {
  const body = await bodyOf(request)
  let aborted = false
  response.on('close', () => {
    aborted = !response.writableFinished
  })
  return {
    method: request.method ?? 'GET',
    path: request.url ?? '/',
    headers: headersOf(request),
    body,
    authorized: request.headers.authorization !== undefined,
    get aborted() {
      return aborted
    },
  }
}
