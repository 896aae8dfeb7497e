import { z } from 'zod'
import type { FhirOptions } from '../config/fhir.ts'
import { fhirMcpError } from '../errors.ts'
import { type AskJson, unavailable } from './json-endpoint.ts'

const what = "The exchange's permissions"
const maxPages = 50

/** Where a JupyterHealth Exchange has its API: as configured, else `/api/v1` beside the FHIR base. No slash at its end. */
export function exchangeApiUrl(fhir: Pick<FhirOptions, 'baseUrl' | 'apiUrl'>): string {
  const beside = fhir.baseUrl.replace(/(\/FHIR(\/R5)?)?\/*$/i, '')
  return (fhir.apiUrl ?? `${beside}/api/v1`).replace(/\/+$/, '')
}

const id = z.union([z.string(), z.number()])
const organizationSchema = z.object({
  id,
  name: z.string().nullish(),
  currentUserRole: z.string().nullable(),
})
const studySchema = z.object({ id, name: z.string().nullish(), organization: z.object({ id }).nullish() })
const profileSchema = z.object({
  id: z.union([z.string().min(1), z.number().int().nonnegative()]).transform(String),
  patient: z.object({ id }).nullish(),
  userType: z.string().nullish(),
  isSuperuser: z.boolean().nullish(),
})
const pageSchema = z.object({
  count: z.number().int().nonnegative(),
  next: z.string().nullable(),
  results: z.array(z.unknown()),
})

export type ListedOrganization = z.output<typeof organizationSchema>
export type ListedStudy = z.output<typeof studySchema>
export type Profile = z.output<typeof profileSchema>

/**
 * What a JupyterHealth Exchange says of the caller, asked with the caller's token. Throws TOKEN_INVALID, NO_PERMISSIONS
 * (an answer that is malformed or not whole) or EXCHANGE_UNAVAILABLE.
 */
export interface ExchangeApi {
  /** All organizations of the exchange, each with the caller's role in it. */
  organizations(token: string): Promise<readonly ListedOrganization[]>
  /** The caller's studies; undefined for a patient user, who has none. */
  studies(token: string): Promise<readonly ListedStudy[] | undefined>
  profile(token: string): Promise<Profile>
}

/** `url` is that of `exchangeApiUrl`. The token goes nowhere else, whatever a `next` link says. */
export function createExchangeApi(url: string, ask: AskJson): ExchangeApi {
  async function get(token: string, target: string): Promise<unknown> {
    const answer = await ask({
      url: target,
      what,
      whose: 'exchange',
      headers: { authorization: `Bearer ${token}` },
    })
    if (answer.status === 200) return answer.body
    if (answer.status === 401) throw fhirMcpError('TOKEN_INVALID')
    if (answer.status === 403) throw fhirMcpError('NO_PERMISSIONS')
    return undefined
  }
  async function list<T extends z.ZodType<{ id: string | number }>>(
    token: string,
    name: string,
    entry: T,
  ): Promise<z.output<T>[] | undefined> {
    const first = await get(token, `${url}/${name}?page_size=1000`)
    if (first === undefined) return undefined
    let page = parse(pageSchema, first)
    const { count } = page
    const rows = parse(z.array(entry), page.results)
    for (let pages = 1; page.next !== null; pages++) {
      if (pages === maxPages) throw fhirMcpError('NO_PERMISSIONS')
      // Behind a proxy the link names another host: only its query counts, on the configured address.
      page = parse(pageSchema, await get(token, `${url}/${name}${queryOf(page.next)}`))
      rows.push(...parse(z.array(entry), page.results))
      if (page.count !== count || rows.length > count) throw fhirMcpError('NO_PERMISSIONS')
    }
    const distinct = new Set(rows.map((row) => String(row.id))).size
    if (rows.length !== count || distinct !== count) throw fhirMcpError('NO_PERMISSIONS')
    return rows
  }
  return {
    async organizations(token) {
      return found(await list(token, 'organizations', organizationSchema))
    },
    studies: (token) => list(token, 'studies', studySchema),
    async profile(token) {
      return parse(profileSchema, found(await get(token, `${url}/users/profile`)))
    },
  }
}

function found<T>(answer: T | undefined): T {
  if (answer === undefined) throw unavailable(what, 'exchange')
  return answer
}

function parse<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw fhirMcpError('NO_PERMISSIONS')
  return parsed.data
}

function queryOf(link: string): string {
  const query = link.indexOf('?')
  if (query === -1) throw fhirMcpError('NO_PERMISSIONS')
  return `?${new URLSearchParams(link.slice(query + 1))}`
}
