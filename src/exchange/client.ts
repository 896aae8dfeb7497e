import { setTimeout as pause } from 'node:timers/promises'
import { Client, type FhirResource, type RequestOptions } from 'fhir-kit-client'
import type { FhirOptions } from '../config/fhir.ts'
import { fhirMcpError } from '../errors.ts'
import { isFhirId, isResourceType } from '../fhir/grammar.ts'
import type { AnyResource, Bundle } from '../fhir/types.ts'
import { giveWay } from '../give-way.ts'
import { type RequestFault, watchRequests } from '../telemetry/exchange-request.ts'
import type { Meter } from '../telemetry/meter.ts'
import { inSyncSpan } from '../telemetry/spans.ts'
import { resourceNamed, resourceOf, searchsetOf } from './answer-shape.ts'
import { BadAnswer } from './bad-answer.ts'
import { type AnswerBytes, waitedForBytes } from './bytes-in-flight.ts'
import { startDeadline } from './deadline.ts'
import { restoreNumbers } from './decimal-literals.ts'
import type { ExchangeCall } from './exchange.ts'
import type { FhirClient, RequestShape } from './fhir-client.ts'
import { freeAnswer } from './free-answer.ts'
import { nextLinkOf, pageUrl } from './links.ts'
import { isPartial } from './outcomes.ts'
import { PageExpired } from './page-expired.ts'
import { createExchangePool } from './pool.ts'
import { failureOf, statusOf } from './request-errors.ts'
import { encodePairs } from './search-pairs.ts'

/** HAPI answers a URL past 8 KB with an error in HTML; what a proxy adds needs room too. In bytes. */
const longestUrl = 7500
/** A servlet container reads a form without a charset as ISO-8859-1, and so finds nothing that has letters beyond ASCII. */
const formType = 'application/x-www-form-urlencoded; charset=utf-8'

/** What a question gets that is asked at the very end of a call, in milliseconds. */
const leastWait = 5000

interface ExchangeRequest {
  readonly url: string
  /** The path below the base without what varies. */
  readonly template: () => string
  /** A form to POST; undefined for a GET. */
  readonly form?: string
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** A page of an earlier search, which the exchange forgets after a while. */
  readonly page?: boolean
}

/** How a request is sent, this time. */
interface Sending {
  readonly authorization: string | undefined
  readonly signal: AbortSignal
  /** How often it was sent before. */
  readonly resend: number
  readonly bytes: AnswerBytes | undefined
}

/**
 * The FHIR client of one exchange. `fhir.timeout`, and what is left of the call, bound a whole question, its wait for a connection
 * and its retry included;
 * after 429, 502, 503, 504 or a broken connection a request is sent once more, after Retry-After where that is short; after a
 * 401 with another credential, where there is one. What getting the credential throws is passed on.
 *
 * Besides what FhirClient names: INVALID_ARGUMENT, with nothing sent, for what would not be a safe request, and PageExpired for a
 * page that the exchange has forgotten. An abort of `call.signal` throws its reason. Throws CONFIG for a base URL with credentials,
 * query or fragment.
 */
export function createFhirClient(fhir: FhirOptions, meter?: Meter): FhirClient {
  const baseUrl = normalBase(fhir.baseUrl)
  const pool = createExchangePool(new URL(baseUrl).origin, fhir)
  const client = new Client({ baseUrl })
  const watched = watchRequests(baseUrl, meter)

  async function send(
    call: ExchangeCall,
    request: ExchangeRequest,
    { authorization, signal, resend, bytes }: Sending,
  ) {
    let counted = false
    const onSent = () => {
      counted = true
      call.onRequest?.()
    }
    // A redirect comes back as the answer that it is, and is refused as such.
    const settings: RequestOptions = {
      headers: headersOf(request, authorization),
      signal,
      redirect: 'manual',
    }
    let isMarked = false
    const onMarked = () => {
      isMarked = true
    }
    let hasControls = false
    const onControls = () => {
      hasControls = true
    }
    let parsed: object | undefined
    const onParsed = (answer: object) => {
      parsed = answer
    }
    const { onReceived } = call
    const options = Object.assign(settings, {
      dispatcher: pool.dispatcherFor({
        signal,
        onSent,
        onReceived,
        onMarked,
        onControls,
        onParsed,
        bytes,
      }),
    })
    const { url, form: body } = request
    const leave = await call.turn?.(signal)
    try {
      const answer = await watched(
        () => ({ method: body === undefined ? 'GET' : 'POST', template: request.template(), resend }),
        { statusOf: statusOfAnswer, faultOf: (thrown) => faultOf(thrown, call.signal, signal) },
        () => client.request(url, body === undefined ? { options } : { method: 'POST', options, body }),
      )
      if (!counted) onSent()
      return { answer: parsed ?? answer, isMarked, hasControls }
    } catch (thrown) {
      // Where fetch was replaced (nock, a recorder) an answer comes without our dispatcher: it counts as well.
      if (!counted && statusOf(thrown) !== undefined) onSent()
      throw thrown
    } finally {
      leave?.()
    }
  }

  async function ask(call: ExchangeCall, request: ExchangeRequest): Promise<AnyResource> {
    const deadline = startDeadline(call.signal, waitOf(call, fhir.timeout))
    const authorize = (refused?: string) =>
      call.credential.authorization(deadline.signal, refused).catch((thrown: unknown) => {
        deadline.throwIfOver()
        throw thrown
      })
    try {
      let authorization = await authorize()
      for (let resend = 0; ; resend++) {
        const retried = resend > 0
        const bytes = call.bytes?.answer()
        const { signal } = deadline
        const outcome = await send(call, request, { authorization, signal, resend, bytes }).then(
          async (sent) => ({ answer: await readWith(bytes, sent) }),
          (thrown: unknown) => {
            const waited = bytes?.isWaiting() ?? false
            bytes?.drop()
            if (waited && !call.signal.aborted && signal.aborted) throw waitedForBytes()
            deadline.throwIfOver()
            if (request.page && statusOf(thrown) === 410) throw new PageExpired()
            return { ...failureOf(thrown, Date.now()), unauthorized: statusOf(thrown) === 401 }
          },
        )
        if ('answer' in outcome) return outcome.answer
        if (outcome.unauthorized && !retried) {
          const next = await authorize(authorization)
          if (next === authorization) throw outcome.error
          authorization = next
          continue
        }
        if (retried || outcome.pause === undefined || outcome.pause >= deadline.left()) throw outcome.error
        await pause(outcome.pause, undefined, { signal: deadline.signal }).catch(deadline.throwIfOver)
      }
    } finally {
      deadline.stop()
    }
  }

  return {
    baseUrl,
    async read(call, type, id, shape) {
      checkType(type)
      if (!isFhirId(id)) throw fhirMcpError('INVALID_ARGUMENT', { detail: 'This is not a FHIR id.' })
      const url = `${baseUrl}/${type}/${id}`
      const answer = await ask(call, { url, template: () => `/${type}/{id}`, headers: shape?.headers })
      return resourceNamed(answer, type, id)
    },
    async search(call, type, pairs, shape) {
      checkType(type)
      const query = encodePairs(pairs)
      const request = shape?.post
        ? { url: `${baseUrl}/${type}/_search`, template: () => `/${type}/_search`, form: query }
        : { url: withQuery(`${baseUrl}/${type}`, query), template: () => `/${type}` }
      return wholeUnless(shape, searchsetOf(await ask(call, { ...request, headers: shape?.headers })))
    },
    async metadata(call, pairs) {
      const url = withQuery(`${baseUrl}/metadata`, encodePairs(pairs))
      const answer = await ask(call, { url, template: () => '/metadata' })
      return resourceNamed(answer, 'CapabilityStatement')
    },
    nextLink: (bundle) => nextLinkOf(baseUrl, bundle),
    async page(call, link, shape) {
      const url = pageUrl(baseUrl, link)
      const template = () => '/{page}'
      const answer = await ask(call, { url, template, headers: shape?.headers, page: true })
      return wholeUnless(shape, searchsetOf(answer))
    },
    close: () => pool.close(),
  }
}

/** How long an answer is waited for, in milliseconds. */
function waitOf({ left }: ExchangeCall, timeout: number): number {
  return Math.min(timeout, Math.max(left?.() ?? timeout, leastWait))
}

/** What the exchange says of its own answer comes before anything in it; only who can pass it on takes a part of one. */
function wholeUnless(shape: RequestShape | undefined, bundle: Bundle): Bundle {
  if (!isPartial(bundle) || shape?.takesPartial) return bundle
  throw new BadAnswer('It says itself that its answer may be incomplete.')
}

/** An answer as it came. */
interface Arrived {
  readonly answer: object
  /** Whether numbers in it are marked. */
  readonly isMarked: boolean
  /** Whether it may have control characters that FHIR forbids. */
  readonly hasControls: boolean
}

/** Decodes an answer; the work on a large one gives way to others before and after. */
async function readWith(bytes: AnswerBytes | undefined, arrived: Arrived): Promise<AnyResource> {
  try {
    if (!bytes?.isLarge()) return decoded(arrived)
    await giveWay()
    const resource = decoded(arrived)
    await giveWay()
    return resource
  } finally {
    bytes?.keep()
  }
}

/** The answer as a resource that is safe to read, with the digits of its numbers, without characters that FHIR forbids. */
function decoded({ answer, isMarked, hasControls }: Arrived): AnyResource {
  return inSyncSpan('decode page', (span) => {
    if (isMarked) restoreNumbers(answer)
    const resource = hasControls ? freeAnswer(resourceOf(answer)) : resourceOf(answer)
    const resources = 'entry' in resource && Array.isArray(resource.entry) ? resource.entry.length : 1
    span?.setAttribute('fhir_mcp.resources', resources)
    return resource
  })
}

/** Status of an answer that came whole; where fetch was replaced it may not be known, but an error it was not. */
function statusOfAnswer(answer: FhirResource): number {
  return Client.httpFor(answer).response?.status ?? 200
}

function faultOf(thrown: unknown, caller: AbortSignal, deadline: AbortSignal): RequestFault {
  if (caller.aborted) return { status: undefined, code: undefined, end: 'aborted' }
  if (deadline.aborted) return { status: undefined, code: 'FHIR_MCP_EXCHANGE_TIMEOUT', end: 'timeout' }
  const { error } = failureOf(thrown, Date.now())
  return { status: statusOf(thrown), code: error.code, end: 'failed' }
}

function normalBase(text: string): string {
  const url = new URL(text)
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw fhirMcpError('CONFIG', { detail: 'fhir.baseUrl takes no credentials, query or fragment.' })
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '')
}

function checkType(type: string): void {
  if (!isResourceType(type)) {
    throw fhirMcpError('INVALID_ARGUMENT', { detail: 'This is not a FHIR resource type.' })
  }
}

function withQuery(url: string, query: string): string {
  const whole = query === '' ? url : `${url}?${query}`
  if (whole.length <= longestUrl) return whole
  throw fhirMcpError('INVALID_ARGUMENT', { detail: 'The search is too long for one request: ask for less.' })
}

/** The credential of one call and no other; the FHIR library's own bearer token would be shared by all calls. */
function headersOf(request: ExchangeRequest, authorization: string | undefined): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.headers ?? {})) headers[name.toLowerCase()] = value
  delete headers.authorization
  headers['accept-encoding'] = 'gzip'
  if (request.form !== undefined) headers['content-type'] = formType
  if (authorization !== undefined) headers.authorization = authorization
  return headers
}
