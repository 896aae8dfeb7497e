import type { AnyResource } from '../fhir/types.ts'
import { Refusal, refuse, type StandInAnswer } from './answer.ts'
import { type Asked, askedBelow, type Incoming } from './asked.ts'
import { answerApi } from './jupyterhealth-api.ts'
import type { JupyterHealthCohort, JupyterHealthUser } from './jupyterhealth-cohort.ts'
import { importSearches, importsOf, sortedImports, storeOf } from './jupyterhealth-imports.ts'
import { jupyterHealthMetadata, jupyterHealthTypes } from './jupyterhealth-metadata.ts'
import { type Listed, listed, type Reach, resourcesOf } from './jupyterhealth-resources.ts'
import { narrowed, reachOf } from './jupyterhealth-search.ts'

const notSigned = 'Authentication credentials were not provided.'

/** Answers a request as a JupyterHealth Exchange does: FHIR at `/FHIR/R5`, its own API, and `userinfo`. */
export function answerAsJupyterHealth(
  cohort: JupyterHealthCohort,
  userOf: (token: string) => JupyterHealthUser | undefined,
  incoming: Incoming,
  spoil: (asked: Asked) => Asked,
): StandInAnswer {
  try {
    const token = /^Bearer (.+)$/i.exec(incoming.headers.authorization ?? '')?.[1]
    const user = token === undefined ? undefined : userOf(token)
    const fhir = askedBelow(incoming, '/FHIR/R5')
    if (fhir !== undefined) return answerFhir(cohort, user, spoil(fhir))
    const api = askedBelow(incoming, '/api/v1')
    if (api !== undefined) return answerApi(cohort, user, api)
    const oauth = askedBelow(incoming, '/o')
    if (oauth?.segments[0] === 'userinfo') return userinfo(user, oauth)
    return notFoundPage()
  } catch (thrown) {
    if (thrown instanceof Refusal) return thrown.answer
    throw thrown
  }
}

function notFoundPage(): StandInAnswer {
  const headers = { 'content-type': 'text/html; charset=utf-8' }
  return { status: 404, headers, body: '<!doctype html>\n<title>Not Found</title>\n<h1>Not Found</h1>' }
}

function userinfo(user: JupyterHealthUser | undefined, asked: Asked): StandInAnswer {
  if (!asked.target.endsWith('/')) return { status: 301, headers: { location: '/o/userinfo/' } }
  if (user !== undefined) {
    return { status: 200, body: { sub: String(user.id), email: `${user.name}@example.com` } }
  }
  const headers = { 'www-authenticate': 'Bearer error="invalid_token"' }
  return { status: 401, headers, body: { error: 'invalid_token' } }
}

function answerFhir(
  cohort: JupyterHealthCohort,
  user: JupyterHealthUser | undefined,
  asked: Asked,
): StandInAnswer {
  const [type, id, ...rest] = asked.segments
  const path = asked.target.split('?')[0] ?? ''
  if (type === undefined) return { status: 405, body: { detail: 'Method "GET" not allowed.' } }
  if (type === 'metadata') return { status: 200, body: jupyterHealthMetadata(asked.base) }
  if (rest.length > 0 || path.endsWith('/')) return notFoundPage()
  if (user === undefined) refuse(401, notSigned)
  if (importSearches[type] === undefined) refuse(404, `Unsupported FHIR resource type: ${type}.`)
  const caller = { cohort, reach: reachOf(cohort, user) }
  if (id === '_search') return { status: 200, body: bundle(asked, searched(caller, type, asked, [])) }
  if (id === undefined) {
    return { status: 200, body: bundle(asked, searched(caller, type, asked, asked.pairs)) }
  }
  return read(caller, type, id)
}

/** Whose view of what. */
interface Caller {
  readonly cohort: JupyterHealthCohort
  readonly reach: Reach
}

function read({ cohort, reach }: Caller, type: string, id: string): StandInAnswer {
  const imported = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)
  if (!imported && !/^\d+$/.test(id)) refuse(422, `Field 'id' expected a number but got '${id}'.`)
  const all = imported ? importsOf(cohort, reach, type) : resourcesOf(cohort, reach, type)
  const found = all.find((one) => String(one.id) === id)
  if (found === undefined) refuse(404, `${type}/${id} not found.`)
  return { status: 200, body: found.resource() }
}

/** `POST _search` ignores its body: it is a search without a condition. */
function searched(caller: Caller, type: string, asked: Asked, pairs: Asked['pairs']) {
  const asks = (name: string) => pairs.findLast(([one]) => one === name)?.[1]
  const matches = matchesOf(caller, type, pairs)
  const size = Math.min(Number.parseInt(asks('_count') ?? '', 10) || 20, 1000)
  const page = asks('_page') ?? '1'
  const last = Math.max(1, Math.ceil(matches.length / size))
  if (!/^[1-9]\d*$/.test(page) || Number(page) > last) refuse(404, 'Invalid page.')
  const countOnly = asks('_summary') === 'count'
  const shown = countOnly ? [] : matches.slice((Number(page) - 1) * size, Number(page) * size)
  return { total: matches.length, shown, page: Number(page), last: countOnly ? 1 : last, asked }
}

/** One search looks at one store: what the exchange has itself, or what was imported. */
function matchesOf({ cohort, reach }: Caller, type: string, pairs: Asked['pairs']): readonly Listed[] {
  const store = storeOf(type, pairs, jupyterHealthTypes)
  const sort = pairs.findLast(([one]) => one === '_sort')?.[1]
  if (store === undefined) return []
  if (!store.imported) {
    return listed(narrowed(reach, resourcesOf(cohort, reach, type), type, pairs, false), sort)
  }
  const all = importsOf(cohort, reach, type)
  const { source } = store
  const ofSource = source === undefined ? all : all.filter(({ imported }) => isFrom(imported, source))
  return sortedImports(type, narrowed(reach, ofSource, type, pairs, true), sort)
}

function isFrom(imported: Listed['imported'], source: string): boolean {
  const meta = imported?.meta
  return typeof meta === 'object' && meta !== null && 'source' in meta && meta.source === source
}

/** Neither `fullUrl` nor `search.mode`; `total` is always there. Links carry the host that was asked. */
function bundle(asked: Asked, found: ReturnType<typeof searched>): AnyResource {
  const turn = (page: number) => {
    const others = asked.pairs.filter(([name]) => name !== '_page')
    const query = new URLSearchParams()
    for (const [name, value] of others) query.append(name, value)
    if (page > 1) query.append('_page', String(page))
    query.sort()
    return `${asked.base}/${asked.segments.join('/')}${query.size > 0 ? '?' : ''}${query}`
  }
  const link = [{ relation: 'self', url: new URL(asked.target, asked.base).href }]
  if (found.page > 1) link.push({ relation: 'previous', url: turn(found.page - 1) })
  if (found.page < found.last) link.push({ relation: 'next', url: turn(found.page + 1) })
  const entry = found.shown.map((one) => ({ resource: one.resource() }))
  return { resourceType: 'Bundle', type: 'searchset', total: found.total, entry, link, meta: {} }
}
