import { Agent, request } from 'undici'
import { type FhirMcpError, fhirMcpError, isFhirMcpError } from '../errors.ts'
import { retryAfterOf } from '../retry-after.ts'

/** Who is to blame where an endpoint cannot be read. */
export type Whose = 'issuer' | 'exchange'

/** One question to an endpoint that answers with JSON. */
export interface JsonQuestion {
  readonly url: string
  /** What is asked for, for the error: "The issuer's keys". Never a URL. */
  readonly what: string
  /** Whose endpoint it is; by default an issuer's. */
  readonly whose?: Whose
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
 * (no connection, `timeout` milliseconds gone, another status, not JSON) throws ISSUER_UNAVAILABLE or EXCHANGE_UNAVAILABLE.
 */
export function createAskJson(timeout = 5000): AskJson {
  // Without kept connections none can go stale between two questions, which are minutes apart.
  const dispatcher = new Agent({ maxResponseSize: maxBytes, pipelining: 0 })
  return async ({ url, what, whose, headers, form }) => {
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
        const retryAfter = retryAfterOf(one(response.headers['retry-after']), Date.now())
        throw unavailable(what, whose, { said: saidBy(status), retryAfter })
      }
      return { status, body: JSON.parse(await response.body.text()) }
    } catch (thrown) {
      throw isFhirMcpError(thrown) ? thrown : unavailable(what, whose)
    }
  }
}

/** The refusal for something that could not be read; `said`: what its answer was, in words of ours. */
export function unavailable(
  what: string,
  whose: Whose = 'issuer',
  { said, retryAfter }: { readonly said?: string; readonly retryAfter?: number | undefined } = {},
): FhirMcpError {
  return fhirMcpError(whose === 'issuer' ? 'ISSUER_UNAVAILABLE' : 'EXCHANGE_UNAVAILABLE', {
    detail: `${what} could not be read.${said === undefined ? '' : ` ${said}`}`,
    ...(retryAfter === undefined ? {} : { retryAfter }),
  })
}

function saidBy(status: number): string {
  if (status === 429) return 'It says that there are too many requests.'
  return status === 200 ? 'Its answer is not JSON.' : `It answered with HTTP status ${status}.`
}

function one(header: string | string[] | undefined): string | null {
  return [header].flat()[0] ?? null
}
