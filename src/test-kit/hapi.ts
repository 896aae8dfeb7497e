import { randomUUID } from 'node:crypto'
import type { AnyResource, FhirVersion } from '../fhir/types.ts'
import { outcome, Refusal, refuse, type StandInAnswer } from './answer.ts'
import type { Asked } from './asked.ts'
import { isElement } from './elements.ts'
import { hapiMetadata } from './hapi-metadata.ts'
import { parametersOf, typesOf } from './hapi-parameters.ts'
import { EndlessSearch, find, referencesOf } from './hapi-search.ts'

/** The state of a HAPI stand-in. */
export interface HapiState {
  readonly version: FhirVersion
  /** What is served; may change at any time. */
  readonly cohort: AnyResource[]
  /** Result lists by their page token. */
  readonly pages: Map<string, Results>
  /** Searches that are answered from the cache: key of the search → its results and when they were made. */
  readonly cache: Map<string, { readonly results: Results; readonly madeAt: number }>
  readonly now: () => number
  /** The most rows of a page, whatever `_count` says. */
  readonly largestPage: number
}

/** A result list: a snapshot of ids; the content is read anew for every page. */
interface Results {
  readonly token: string
  readonly found: readonly string[]
  readonly pairs: readonly (readonly [string, string])[]
  readonly type: string
}

const subsetted = {
  system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue',
  code: 'SUBSETTED',
  display: 'Resource encoded in summary mode',
}
/** HAPI reads this many rows ahead: a total up to here is always known. */
const readAhead = 13
const cacheMilliseconds = 60_000
const longestUrl = 8_192

/** Answers a request below the FHIR base as HAPI does; undefined: never (an endless search). */
export function answerAsHapi(state: HapiState, asked: Asked): StandInAnswer | undefined {
  try {
    return route(state, asked)
  } catch (thrown) {
    if (thrown instanceof Refusal) return thrown.answer
    if (thrown instanceof EndlessSearch) return undefined
    throw thrown
  }
}

function route(state: HapiState, asked: Asked): StandInAnswer {
  if (asked.target.length > longestUrl) return { status: 400, headers: html, body: '<h1>Bad Request</h1>' }
  const [first, second, third, ...rest] = asked.segments
  if (first === undefined) return asked.method === 'POST' ? batch(state, asked) : page(state, asked)
  if (first === 'metadata') return hapiMetadata(state.version, asked)
  if (second === undefined) return search(state, asked, first)
  if (second === '_search' && asked.method === 'POST') return search(state, asked, first)
  if ((third === undefined || third === '_history') && rest.length <= 1) {
    return read(state, asked, first, second)
  }
  refuse(
    400,
    `Invalid request: The FHIR endpoint on this server does not know how to handle ${asked.method} operation[${asked.segments.join('/')}]`,
  )
}

const html = { 'content-type': 'text/html;charset=iso-8859-1' }

function read(state: HapiState, asked: Asked, type: string, id: string): StandInAnswer {
  knownType(state, type)
  const resource = state.cohort.find((one) => one.resourceType === type && one.id === id)
  if (resource === undefined) refuse(404, `HAPI-2001: Resource ${type}/${id} is not known`)
  const etag = 'W/"1"'
  if (asked.headers['if-none-match'] === etag) return { status: 304, headers: { etag } }
  return { status: 200, headers: { etag }, body: served(state, resource, asked.parameter('_elements')) }
}

function knownType(state: HapiState, type: string): void {
  if (parametersOf(state.version, type) !== undefined) return
  refuse(
    404,
    `HAPI-0302: Unknown resource type '${type}' - Server knows how to handle: [${typesOf(state.version).join(', ')}]`,
  )
}

function search(state: HapiState, asked: Asked, type: string): StandInAnswer {
  knownType(state, type)
  const key = `${type}?${JSON.stringify(asked.pairs.toSorted())}`
  const cached = asked.headers['cache-control']?.includes('no-cache') ? undefined : state.cache.get(key)
  const fresh = cached === undefined || state.now() - cached.madeAt > cacheMilliseconds
  const results = fresh ? searchAnew(state, asked, type) : cached.results
  if (fresh) state.cache.set(key, { results, madeAt: state.now() })
  state.pages.set(results.token, results)
  const count = countOf(asked)
  const body =
    count === 0 || asked.parameter('_summary') === 'count'
      ? countBundle(state, results)
      : pageBundle(state, asked, results, offsetOf(asked), Math.min(count, state.largestPage))
  return { status: 200, headers: fresh ? {} : { 'x-cache': `HIT from ${asked.base}` }, body }
}

function searchAnew(state: HapiState, asked: Asked, type: string): Results {
  const found = find({ version: state.version, resources: state.cohort }, type, asked.pairs)
  return { token: randomUUID(), found: found.map((one) => `${type}/${one.id}`), pairs: asked.pairs, type }
}

function countOf(asked: Asked): number {
  const text = asked.parameter('_count')
  if (text === undefined || text === '') return 20
  const count = Number(text)
  if (!Number.isInteger(count)) refuse(400, `HAPI-0375: Invalid _count value: ${text}`)
  return count
}

function offsetOf(asked: Asked): number {
  return Math.max(0, Number(asked.parameter('_offset') ?? 0) || 0)
}

function countBundle(state: HapiState, results: Results): AnyResource {
  const meta = { lastUpdated: new Date(state.now()).toISOString(), tag: [subsetted] }
  return {
    resourceType: 'Bundle',
    id: results.token,
    meta,
    type: 'searchset',
    total: results.found.length,
  }
}

function pageBundle(
  state: HapiState,
  asked: Asked,
  results: Results,
  offset: number,
  count: number,
): AnyResource {
  const parameter = (name: string) => results.pairs.find(([one]) => one === name)?.[1]
  const size = Math.max(0, count)
  const ids = results.found.slice(offset, offset + size)
  const matches = ids.flatMap((reference) => {
    const id = reference.slice(results.type.length + 1)
    return state.cohort.find((one) => one.id === id && one.resourceType === results.type) ?? []
  })
  const all = results.found.length
  const total = parameter('_total') === 'accurate' || (size > 0 && (all <= readAhead || offset + size >= all))
  const elements = parameter('_elements')
  const entry = [
    ...matches.map((resource) => entryOf(state, asked, resource, 'match', elements)),
    ...included(state, results, matches).map((resource) =>
      entryOf(state, asked, resource, 'include', undefined),
    ),
  ]
  return {
    resourceType: 'Bundle',
    id: results.token,
    meta: { lastUpdated: new Date(state.now()).toISOString() },
    type: 'searchset',
    ...(total ? { total: all } : {}),
    link: linksOf(state, asked, results, offset, size),
    ...(entry.length > 0 ? { entry } : {}),
  }
}

function entryOf(
  state: HapiState,
  asked: Asked,
  resource: AnyResource,
  mode: string,
  elements: string | undefined,
) {
  const fullUrl = `${asked.base}/${resource.resourceType}/${resource.id}`
  return { fullUrl, resource: served(state, resource, elements), search: { mode } }
}

/** A resource as it leaves: with its version, and cut to `_elements` where they were asked for. */
function served(state: HapiState, resource: AnyResource, elements: string | undefined): AnyResource {
  const meta = { versionId: '1', lastUpdated: new Date(state.now()).toISOString() }
  const { resourceType, id, meta: _, ...rest } = resource
  const whole = { resourceType, ...(id === undefined ? {} : { id }) }
  if (elements === undefined || elements === '') return { ...whole, meta, ...rest }
  const names = elements.split(',').map((name) => name.replace(`${resourceType}.`, ''))
  const kept = Object.entries(rest).filter(([element]) => names.some((name) => isElement(element, name)))
  return { ...whole, meta: { ...meta, tag: [subsetted] }, ...Object.fromEntries(kept) }
}

/** `_include=ResearchSubject:patient` and `_revinclude=ResearchSubject:patient` come on top of `_count`. */
function included(state: HapiState, results: Results, matches: readonly AnyResource[]): AnyResource[] {
  const wanted = new Set<string>()
  const extra = new Set<AnyResource>()
  for (const [name, value] of results.pairs) {
    const [type = '', link = ''] = value.split(':')
    const parameter =
      name === '_include' || name === '_revinclude' ? parametersOf(state.version, type)?.[link] : undefined
    if (parameter === undefined) continue
    if (name === '_include') {
      for (const match of matches)
        for (const reference of referencesOf(parameter, match)) wanted.add(reference)
      continue
    }
    const named = new Set(matches.map((match) => `${match.resourceType}/${match.id}`))
    for (const one of state.cohort) {
      if (
        one.resourceType === type &&
        referencesOf(parameter, one).some((reference) => named.has(reference))
      ) {
        extra.add(one)
      }
    }
  }
  if (wanted.size === 0) return [...extra]
  for (const one of state.cohort) if (wanted.has(`${one.resourceType}/${one.id}`)) extra.add(one)
  return [...extra]
}

/** Links are made from the Host header, as HAPI makes them; `self` echoes whatever was asked. */
function linksOf(state: HapiState, asked: Asked, results: Results, offset: number, size: number) {
  const turn = (to: number) => {
    const query = [`_getpages=${results.token}`, `_getpagesoffset=${to}`, `_count=${size}`]
    const asks = (name: string) => results.pairs.find(([one]) => one === name)?.[1]
    if (asks('_pretty') !== 'false') query.push('_pretty=true')
    query.push('_bundletype=searchset')
    const elements = asks('_elements')
    if (elements !== undefined) query.push(`_elements=${elements.split(',').toSorted().join(',')}`)
    return `${asked.base}?${query.join('&')}`
  }
  const echo = asked.pairs
    .toSorted()
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
  const path = asked.segments[0] === undefined ? '' : `/${asked.segments[0]}`
  const link = [
    { relation: 'self', url: `${asked.base}${path}${echo.length > 0 ? '?' : ''}${echo.join('&')}` },
  ]
  const back = state.version === 'R4' ? 'previous' : 'prev'
  if (size > 0 && offset + size < results.found.length)
    link.push({ relation: 'next', url: turn(offset + size) })
  if (offset > 0) link.push({ relation: back, url: turn(Math.max(0, offset - size)) })
  return link
}

/** A further page: any page of a result list can be read, again and in another size. */
function page(state: HapiState, asked: Asked): StandInAnswer {
  const token = asked.parameter('_getpages')
  if (token === undefined) refuse(400, 'HAPI-0445: Invalid request')
  const results = state.pages.get(token)
  if (results === undefined) {
    refuse(410, `HAPI-0417: Search ID "${token}" does not exist and may have expired`)
  }
  const offset = Number(asked.parameter('_getpagesoffset') ?? 0)
  return {
    status: 200,
    body: pageBundle(state, asked, results, offset, Math.min(countOf(asked), state.largestPage)),
  }
}

function batch(state: HapiState, asked: Asked): StandInAnswer {
  const bundle: unknown = JSON.parse(asked.body)
  const entries =
    typeof bundle === 'object' && bundle !== null && 'entry' in bundle && Array.isArray(bundle.entry)
      ? bundle.entry
      : []
  const entry = entries.map((one: { request: { url: string } }) => {
    const answer = answerAsHapi(state, asked.within(one.request.url)) ?? {
      status: 500,
      body: outcome('timeout'),
    }
    return {
      resource: answer.body,
      response: { status: `${answer.status} ${answer.status === 200 ? 'OK' : ''}` },
    }
  })
  const link = [{ relation: 'self', url: asked.base }]
  return {
    status: 200,
    body: { resourceType: 'Bundle', id: randomUUID(), type: 'batch-response', link, entry },
  }
}
