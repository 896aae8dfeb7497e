import type { ExchangeRequest } from '../../src/test-kit/index.ts'

/** What a principal may have named on the wire. */
export interface Reach {
  readonly studies: ReadonlySet<string>
  readonly organizations: ReadonlySet<string>
  /** Enrolled ones. */
  readonly patients: ReadonlySet<string>
  /** Those whose imported records may be asked for, where the exchange has such; nobody's where there is none. */
  readonly records?: ReadonlySet<string>
  /** Page tokens that the exchange gave in answers to this principal. */
  readonly pages: ReadonlySet<string>
  /** The token that was sent on; undefined: none is. */
  readonly authorization: string | undefined
}

/** What may stand in the value of a search parameter. */
export type ValueRule = (value: string, reach: Reach) => boolean

/** What may be asked of one kind of exchange. */
export interface WireRules {
  readonly base: string
  /** Paths beside searches and reads of types, such as `metadata`, whole and without a query, by pattern. */
  readonly plain: (path: string, reach: Reach) => boolean
  readonly types: Readonly<Record<string, TypeRules>>
}

interface TypeRules {
  /** Whether one resource of the type may be read by this id. */
  readonly read: (id: string, reach: Reach) => boolean
  /** One of these has to be in every search of the type, else it would be one for everything. */
  readonly within: Readonly<Record<string, ValueRule>>
  readonly filters: Readonly<Record<string, ValueRule>>
  /** What the conditions of a search have to be together. */
  readonly together?: (pairs: readonly (readonly [string, string])[], reach: Reach) => boolean
  /** Whole searches that name nobody, such as the controls of a count. */
  readonly controls?: (pairs: readonly (readonly [string, string])[]) => boolean
}

/** The alternatives of a value, cut at commas that are not escaped (R5 §3.2.1.5.5.2). */
export function alternatives(value: string): string[] {
  return value.split(/(?<!(?<!\\)(?:\\\\)*\\),/)
}

/** How many bars or dollars of a value are not escaped. */
export function separators(value: string, separator: '|' | '$'): number {
  return value.replace(/\\./gs, '').split(separator).length - 1
}

const headers = [
  'accept',
  'accept-encoding',
  'accept-language',
  'authorization',
  'cache-control',
  'connection',
  'content-length',
  'content-type',
  'host',
  'prefer',
  'sec-fetch-mode',
  'transfer-encoding',
  'user-agent',
]

/** What in a request is outside of what its principal may see, in words; empty where nothing is. */
export function outside(request: ExchangeRequest, reach: Reach, rules: WireRules): string[] {
  const found: string[] = []
  const strange = Object.keys(request.headers).filter((name) => !headers.includes(name))
  if (strange.length > 0) found.push(`headers ${strange.join()}`)
  if (request.headers.authorization !== reach.authorization) found.push('another credential')
  if (request.method !== 'GET' && request.method !== 'POST') found.push(`method ${request.method}`)
  const [path = '', query = '', ...more] = request.path.split('?')
  if (more.length > 0 || !/^[\w\-./]+$/.test(path) || /\/\/|\/\.\.?(\/|$)/.test(path)) {
    return [...found, `the path ${request.path}`]
  }
  if (rules.plain(request.path, reach)) return found
  const [type = '', id, ...rest] = path.startsWith(`${rules.base}/`)
    ? path.slice(rules.base.length + 1).split('/')
    : []
  const pairs = [...new URLSearchParams(query), ...new URLSearchParams(request.body)]
  const known = rules.types[type]
  if (known === undefined || rest.length > 0) return [...found, `the path ${request.path}`]
  if (id !== undefined && id !== '_search') {
    const isRead = request.method === 'GET' && pairs.length === 0 && request.body === ''
    return isRead && known.read(id, reach) ? found : [...found, `a read of ${type}/${id}`]
  }
  return [...found, ...outsideOfSearch(type, pairs, reach, known)]
}

const paging: Readonly<Record<string, ValueRule>> = {
  _count: (value) => /^\d{1,4}$/.test(value),
  _page: (value) => /^\d{1,7}$/.test(value),
  _pretty: (value) => value === 'false',
  _summary: (value) => value === 'count',
  _total: (value) => value === 'accurate',
  _sort: (value) => /^-?[\w-]+(,_id)?$/.test(value),
  _elements: (value) => /^\w+(,\w+)*$/.test(value),
}

function outsideOfSearch(
  type: string,
  pairs: readonly (readonly [string, string])[],
  reach: Reach,
  { within, filters, together, controls }: TypeRules,
): string[] {
  const asked = pairs.filter(([name]) => !Object.hasOwn(paging, name))
  const pages = pairs.filter(([name, value]) => paging[name]?.(value, reach) === false)
  const found = pages.map(([name, value]) => `${type}?${name}=${value}`)
  if (controls?.(asked) === true) return found
  const rules = { ...filters, ...within }
  for (const [name, value] of asked) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined
    if (rule?.(value, reach) !== true) found.push(`${type}?${name}=${value}`)
  }
  if (together?.(asked, reach) === false) found.push(`a search of ${type} for somebody's records`)
  const bound = asked.some(([name]) => Object.hasOwn(within, name))
  return bound || Object.keys(within).length === 0 ? found : [...found, `a search of every ${type}`]
}

/** Keeps the page tokens of an answer of HAPI in `pages`; the answer stays as it is. */
export function notePages(body: unknown, pages: Set<string>): unknown {
  for (const [, token = ''] of JSON.stringify(body ?? null).matchAll(/[?&]_getpages=([\w-]+)/g))
    pages.add(token)
  return body
}
