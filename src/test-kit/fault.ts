import type { ServerResponse } from 'node:http'
import type { StandInAnswer } from './answer.ts'
import type { Asked } from './asked.ts'

/** How a test makes the exchange misbehave for one request. */
export type Fault =
  /** Leaves search parameters out without a word, as a server does that does not know them. */
  | { readonly kind: 'ignore'; readonly parameters: readonly string[] }
  /** Answers as if another patient had been asked for. */
  | { readonly kind: 'another-patient'; readonly patient: string }
  /** Points `next` at this URL, whether there is more or not. */
  | { readonly kind: 'next'; readonly url: string }
  /** Says this in `Bundle.total`. */
  | { readonly kind: 'total'; readonly total: number }
  /** Changes the body of the answer in any other way. */
  | { readonly kind: 'rewrite'; readonly change: (body: unknown) => unknown }
  | { readonly kind: 'redirect'; readonly location: string; readonly status?: 301 | 302 | 307 | 308 }
  /** Answers with a status, and `Retry-After` (seconds or an HTTP date) where it is given. */
  | {
      readonly kind: 'status'
      readonly status: number
      readonly retryAfter?: string
      readonly body?: unknown
    }
  /** Breaks the connection without an answer. */
  | { readonly kind: 'reset' }
  /** Breaks the connection in the middle of the body. */
  | { readonly kind: 'cut' }
  /** Answers only when the promise has settled; one that never does is a server that hangs. */
  | { readonly kind: 'hold'; readonly until: Promise<unknown> }
  /** Answers 200 with a page of HTML. */
  | { readonly kind: 'html' }
  /** Answers with a body of at least so many bytes. */
  | { readonly kind: 'huge'; readonly bytes: number }

/** The request that is evaluated in place of the one that came. */
export function faultyRequest(asked: Asked, fault: Fault | undefined): Asked {
  if (fault?.kind === 'ignore') {
    const pairs = asked.pairs.filter(([name]) => !fault.parameters.includes(name))
    return withPairs(asked, pairs)
  }
  if (fault?.kind !== 'another-patient') return asked
  const [type, id, ...rest] = asked.segments
  const about = type === 'Patient' ? ['patient', '_id'] : ['patient', 'subject', 'individual']
  const pairs = asked.pairs.map(
    ([name, value]) => [name, about.includes(name) ? fault.patient : value] as const,
  )
  const segments =
    type === 'Patient' && id !== undefined && id !== '_search'
      ? [type, fault.patient, ...rest]
      : asked.segments
  return { ...withPairs(asked, pairs), segments }
}

function withPairs(asked: Asked, pairs: Asked['pairs']): Asked {
  return { ...asked, pairs, parameter: (name) => pairs.findLast(([one]) => one === name)?.[1] }
}

/** The answer that is given in place of the right one; undefined where the right one has to be worked out first. */
export function faultyAnswer(fault: Fault | undefined): StandInAnswer | undefined {
  switch (fault?.kind) {
    case 'redirect':
      return { status: fault.status ?? 302, headers: { location: fault.location } }
    case 'status': {
      const headers = fault.retryAfter === undefined ? {} : { 'retry-after': fault.retryAfter }
      return { status: fault.status, headers, body: fault.body ?? '' }
    }
    case 'html': {
      const headers = { 'content-type': 'text/html; charset=utf-8' }
      return { status: 200, headers, body: '<!doctype html><title>Welcome</title>' }
    }
    case 'huge':
      return {
        status: 200,
        body: { resourceType: 'Bundle', type: 'searchset', note: 'x'.repeat(fault.bytes) },
      }
    default:
      return undefined
  }
}

/** The right answer, with what the fault changes in it. */
export function spoiled(answer: StandInAnswer, fault: Fault | undefined): StandInAnswer {
  const { body } = answer
  if (fault?.kind === 'rewrite') return { ...answer, body: fault.change(body) }
  if (typeof body !== 'object' || body === null || !('resourceType' in body)) return answer
  if (body.resourceType !== 'Bundle') return answer
  if (fault?.kind === 'total') return { ...answer, body: { ...body, total: fault.total } }
  if (fault?.kind === 'next') {
    const links = 'link' in body && Array.isArray(body.link) ? body.link : []
    const others = links.filter((link: { relation: string }) => link.relation !== 'next')
    return { ...answer, body: { ...body, link: [...others, { relation: 'next', url: fault.url }] } }
  }
  return answer
}

/** Ends the connection in the middle of an answer. */
export function cutOff(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/fhir+json', 'content-length': '1000' })
  response.write('{"resourceType":"Bundle",')
  response.socket?.end(() => response.destroy())
}
