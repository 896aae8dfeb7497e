import { Agent, request } from 'undici'
import { z } from 'zod'
import { startDeadline } from '../../exchange/deadline.ts'

/** An AuditEvent on its way. */
export interface Posted {
  readonly resourceType: 'AuditEvent'
  readonly id?: string | undefined
}

/**
 * What became of one event: `taken`; `unwanted`, this one in particular; `failed`, the server answered that it could not;
 * `unreached`, nothing can be said of it.
 */
export type Verdict = 'taken' | 'unwanted' | 'failed' | 'unreached'

/** A FHIR server that keeps AuditEvents. */
export interface Repository {
  /** Puts events in one Bundle of type batch. A verdict for each, in their order; `whole` where the server answered all in one. */
  put(events: readonly Posted[], signal: AbortSignal): Promise<Judged>
  close(): Promise<void>
}

export interface Judged {
  readonly verdicts: readonly Verdict[]
  readonly whole: boolean
}

export interface RepositoryOptions {
  readonly baseUrl: string
  /** Milliseconds. */
  readonly timeout: number
  /** The Authorization header; `refused` is one that the server answered with 401. */
  readonly authorization: (signal: AbortSignal, refused?: string) => Promise<string | undefined>
}

const maxBytes = 16_777_216
const responseSchema = z.object({
  resourceType: z.literal('Bundle'),
  entry: z.array(z.object({ response: z.object({ status: z.string() }) })),
})

/** Statuses that say something of what was sent, and not of the server, the credential or the address. */
const unwanted = new Set([400, 409, 410, 412, 413, 422])

/**
 * Opens a repository. Each event is a PUT under its own id, so that sending one again makes no second one. No redirect is followed,
 * nothing of an answer is repeated.
 */
export function openRepository({ baseUrl, timeout, authorization }: RepositoryOptions): Repository {
  const dispatcher = new Agent({
    connections: 2,
    maxResponseSize: maxBytes,
    headersTimeout: timeout,
    bodyTimeout: timeout,
    connect: { timeout },
  })
  const url = baseUrl.replace(/\/+$/, '')

  async function send(body: string, signal: AbortSignal, header: string | undefined) {
    const answer = await request(url, {
      dispatcher,
      signal,
      method: 'POST',
      headers: {
        accept: 'application/fhir+json',
        'content-type': 'application/fhir+json',
        ...(header === undefined ? {} : { authorization: header }),
      },
      body,
    })
    return { status: answer.statusCode, text: await answer.body.text() }
  }

  return {
    async put(events, signal) {
      const body = JSON.stringify(bundleOf(events))
      const all = (verdict: Verdict): Judged => ({ verdicts: events.map(() => verdict), whole: true })
      const deadline = startDeadline(signal, timeout * 2)
      const within = deadline.signal
      try {
        const header = await authorization(within)
        let { status, text } = await send(body, within, header)
        if (status === 401) {
          const next = await authorization(within, header)
          if (next !== header) ({ status, text } = await send(body, within, next))
        }
        if (status === 200) return { verdicts: verdictsIn(text, events.length), whole: false }
        return all(verdictOf(status))
      } catch {
        return all('unreached')
      } finally {
        deadline.stop()
      }
    },
    close: () => dispatcher.close(),
  }
}

function bundleOf(events: readonly Posted[]) {
  return {
    resourceType: 'Bundle',
    type: 'batch',
    entry: events.map((resource) => ({
      resource,
      request: { method: 'PUT', url: `AuditEvent/${resource.id}` },
    })),
  }
}

/** An answer that is no batch-response with a status for each event says nothing of any. */
function verdictsIn(text: string, count: number): Verdict[] {
  const { entry } = responseSchema.parse(JSON.parse(text))
  if (entry.length !== count) throw new TypeError('Another number of answers than of events')
  return entry.map(({ response }) => verdictOf(Number.parseInt(response.status, 10)))
}

function verdictOf(status: number): Verdict {
  if (status >= 200 && status < 300) return 'taken'
  return unwanted.has(status) ? 'unwanted' : 'failed'
}
