import { type FhirMcpError, fhirMcpError } from '../errors.ts'
import { retryAfterOf } from '../retry-after.ts'
import { BadAnswer } from './bad-answer.ts'
import { UnusableAnswer } from './pool.ts'

/** Longest that a retry waits because the exchange says so, in seconds; beyond, the caller is told at once. */
const longestPause = 5
/** Pause before a retry where the exchange does not say how long, in milliseconds. */
const usualPause = 100

/** A failed request: what its caller is told, and after how many milliseconds one retry may help (undefined: never). */
export interface RequestFailure {
  readonly error: FhirMcpError
  readonly pause: number | undefined
}

/**
 * What a failure of the FHIR library or of fetch means. Nothing of it is kept: both put URLs, and with them patient data,
 * into their messages. `now` is in milliseconds since the epoch.
 */
export function failureOf(thrown: unknown, now: number): RequestFailure {
  const answer = answerOf(thrown)
  if (answer !== undefined) return failureOfStatus(answer.status, retryAfterOf(answer.retryAfter, now))
  const cause = thrown instanceof Error ? thrown.cause : undefined
  if (cause === undefined) return rejected('It answered with something that is not a resource.')
  if (cause instanceof UnusableAnswer) {
    return cause.tooLarge ? tooLarge() : rejected('Its answer could not be unpacked.')
  }
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return tooLarge()
  const closed = code === 'UND_ERR_CLOSED' || code === 'UND_ERR_DESTROYED'
  return { error: fhirMcpError('EXCHANGE_UNAVAILABLE'), pause: closed ? undefined : 0 }
}

/** The HTTP status of an answer that the FHIR library threw; undefined for other failures. */
export function statusOf(thrown: unknown): number | undefined {
  return answerOf(thrown)?.status
}

function failureOfStatus(status: number, retryAfter: number | undefined): RequestFailure {
  const waiting = retryAfter === undefined ? {} : { retryAfter }
  if (status === 401) return rejected('It did not accept the credential.')
  if (status === 403 || status === 404 || status === 410) {
    return { error: fhirMcpError('FORBIDDEN'), pause: undefined }
  }
  if (status === 429) {
    const error = fhirMcpError('RATE_LIMITED', {
      ...waiting,
      detail: 'The exchange says so, not this server.',
    })
    return { error, pause: pauseOf(retryAfter) }
  }
  if (status >= 500) {
    const passing = status === 502 || status === 503 || status === 504
    return {
      error: fhirMcpError('EXCHANGE_UNAVAILABLE', waiting),
      pause: passing ? pauseOf(retryAfter) : undefined,
    }
  }
  if (status >= 400) return refused(`It answered with HTTP status ${status}.`)
  if (status >= 300) return rejected('It answered with a redirect, which is never followed.')
  return rejected('Its answer is not JSON.')
}

function pauseOf(retryAfter: number | undefined): number | undefined {
  if (retryAfter === undefined) return usualPause
  return retryAfter <= longestPause ? retryAfter * 1000 : undefined
}

function refused(detail: string): RequestFailure {
  return { error: fhirMcpError('EXCHANGE_REJECTED', { detail }), pause: undefined }
}

function rejected(detail: string): RequestFailure {
  return { error: new BadAnswer(detail), pause: undefined }
}

function tooLarge(): RequestFailure {
  return rejected('Its answer is larger than fhir.maxResponseBytes.')
}

/** The FHIR library throws answers as `{ response: { status }, config: { headers } }`. */
function answerOf(thrown: unknown): { status: number; retryAfter: string | null } | undefined {
  if (!(thrown instanceof Error) || !('response' in thrown) || !('config' in thrown)) return undefined
  const { response, config } = thrown
  if (typeof response !== 'object' || response === null || !('status' in response)) return undefined
  if (typeof response.status !== 'number') return undefined
  const headers =
    typeof config === 'object' && config !== null && 'headers' in config ? config.headers : undefined
  return {
    status: response.status,
    retryAfter: headers instanceof Headers ? headers.get('retry-after') : null,
  }
}
