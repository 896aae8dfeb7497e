import { formPairs } from './form.ts'

/** A request as the answering side of a stand-in sees it. */
export interface Asked {
  readonly method: string
  /** Path and query as they came. */
  readonly target: string
  /** Base URL as the Host header names it, without a slash at its end. */
  readonly base: string
  /** Decoded segments of the path below the base. */
  readonly segments: readonly string[]
  /** Search parameters of the query, then those of a form body, in order. */
  readonly pairs: readonly (readonly [name: string, value: string])[]
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
  /** Value of the Authorization header. */
  readonly authorization: string | undefined
  /** The last value of a parameter. */
  parameter(name: string): string | undefined
  /** A GET on another path and query below the same base, as an entry of a batch asks for. */
  within(relative: string): Asked
}

/** What came over the wire. */
export interface Incoming {
  readonly method: string
  readonly target: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
}

/** Reads a request below a base path (`/fhir`); undefined when it is somewhere else. */
export function askedBelow(incoming: Incoming, basePath: string): Asked | undefined {
  const url = new URL(incoming.target, `http://${incoming.headers.host ?? 'localhost'}`)
  if (url.pathname !== basePath && !url.pathname.startsWith(`${basePath}/`)) return undefined
  const form = formPairs(incoming.headers['content-type'], incoming.body) ?? []
  const pairs: [string, string][] = [...url.searchParams, ...form]
  const base = `${url.origin}${basePath}`
  return {
    ...incoming,
    base,
    segments: url.pathname
      .slice(basePath.length + 1)
      .split('/')
      .filter((segment) => segment !== '')
      .map(decodeURIComponent),
    pairs,
    authorization: incoming.headers.authorization,
    parameter: (name) => pairs.findLast(([one]) => one === name)?.[1],
    within: (relative) => {
      const target = `${basePath}/${relative}`
      const inner = askedBelow({ ...incoming, method: 'GET', target, body: '' }, basePath)
      if (inner === undefined) throw new TypeError('an entry of a batch lies outside the base')
      return inner
    },
  }
}
