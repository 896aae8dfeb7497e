import type { ErrorCode } from '../errors.ts'
import type { Meter, RequestEnd } from './meter.ts'
import { inRequestSpan, markFailed, type OpenSpan } from './spans.ts'

/** One request as it may be told: never its URL, which holds ids and search terms. */
export interface RequestFacts {
  readonly method: 'GET' | 'POST'
  /** Path below the base without what varies: `/Patient/{id}`. */
  readonly template: string
  /** How often it was sent before. */
  readonly resend: number
}

/** Why a request brought nothing to use. */
export interface RequestFault {
  /** HTTP status of the answer, where there was one. */
  readonly status: number | undefined
  readonly code: ErrorCode | undefined
  /** Whose end it was, where there was no answer. */
  readonly end: 'timeout' | 'aborted' | 'failed'
}

/** How the outcome of a request is read. */
export interface RequestReading<T> {
  statusOf(answer: T): number
  faultOf(thrown: unknown): RequestFault
}

/** Sends requests of one exchange, each within a span by the semantic conventions for HTTP clients, and counts them. */
export type WatchedSend = <T>(
  facts: () => RequestFacts,
  reading: RequestReading<T>,
  send: () => Promise<T>,
) => Promise<T>

/** Makes `WatchedSend` for the origin of a base URL. */
export function watchRequests(base: string, meter: Meter | undefined): WatchedSend {
  const { hostname, port, protocol } = new URL(base)
  const server = {
    'server.address': hostname,
    'server.port': port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
  }

  function describe(span: OpenSpan, { method, template, resend }: RequestFacts): void {
    span.updateName(`${method} ${template}`)
    span.setAttributes({ 'http.request.method': method, 'url.template': template, ...server })
    if (resend > 0) span.setAttribute('http.request.resend_count', resend)
  }

  return (facts, reading, send) =>
    inRequestSpan(
      'exchange request',
      async (span) => {
        if (span !== undefined) describe(span, facts())
        const started = performance.now()
        try {
          const answer = await send()
          const status = reading.statusOf(answer)
          span?.setAttribute('http.response.status_code', status)
          if (status >= 400 && span !== undefined) markFailed(span, { type: String(status), code: undefined })
          meter?.exchangeRequest(classOf(status), secondsSince(started))
          return answer
        } catch (thrown) {
          const { status, end } = reading.faultOf(thrown)
          if (status !== undefined) span?.setAttribute('http.response.status_code', status)
          meter?.exchangeRequest(status === undefined ? end : classOf(status), secondsSince(started))
          throw thrown
        }
      },
      (thrown) => {
        const { status, code, end } = reading.faultOf(thrown)
        return { type: status === undefined || status < 400 ? end : String(status), code }
      },
    )
}

const classes: Readonly<Record<number, RequestEnd>> = { 1: '1xx', 2: '2xx', 3: '3xx', 4: '4xx', 5: '5xx' }

function classOf(status: number): RequestEnd {
  return classes[Math.floor(status / 100)] ?? 'failed'
}

function secondsSince(started: number): number {
  return (performance.now() - started) / 1000
}
