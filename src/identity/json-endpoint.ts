import { Agent, request } from 'undici'
import { fhirMcpError } from '../errors.ts'

/** One question to an endpoint that answers with JSON. */
export interface JsonQuestion {
  readonly url: string
  /** What is asked for, for the error: "The issuer's keys". Never a URL. */
  readonly what: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as a form by POST; without it the question is a GET. */
  readonly form?: URLSearchParams
}

/** The answer: its body with status 200, otherwise the status alone. */
export type JsonAnswer =
  | { readonly status: 200; readonly body: unknown }
  | { readonly status: 401 | 403 | 404 }

export type AskJson = (question: JsonQuestion) => Promise<JsonAnswer>

const maxBytes = 1_048_576
const jsonType = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i

/**
 * Asks endpoints of issuers and exchanges: JSON only, at most 1 MB, no redirect is followed. Whatever is not an answer
 * (no connection, `timeout` milliseconds gone, another status, not JSON) throws EXCHANGE_UNAVAILABLE.
 */
export function createAskJson(timeout = 5000): AskJson {
  // Without kept connections none can go stale between two questions, which are minutes apart.
  const dispatcher = new Agent({ maxResponseSize: maxBytes, pipelining: 0 })
  return async ({ url, what, headers, form }) => {
    try {
      const response = await request(url, {
        dispatcher,
        signal: AbortSignal.timeout(timeout),
        method: form === undefined ? 'GET' : 'POST',
        headers: {
          accept: 'application/json',
          ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
          ...headers,
        },
        body: form === undefined ? null : form.toString(),
      })
      const status = response.statusCode
      if (status === 401 || status === 403 || status === 404) {
        await response.body.dump()
        return { status }
      }
      const type = response.headers['content-type']
      if (status !== 200 || typeof type !== 'string' || !jsonType.test(type)) {
        await response.body.dump()
        throw unavailable(what)
      }
      return { status, body: JSON.parse(await response.body.text()) }
    } catch {
      throw unavailable(what)
    }
  }
}

/** The refusal for something that could not be read. */
export function unavailable(what: string) {
  return fhirMcpError('EXCHANGE_UNAVAILABLE', { detail: `${what} could not be read.` })
}
