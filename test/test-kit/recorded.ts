import { readdirSync, readFileSync } from 'node:fs'

/** One recorded situation. `as` names the caller (JupyterHealth). */
export interface Situation {
  readonly name: string
  readonly request: {
    readonly method: string
    readonly path: string
    readonly headers: Readonly<Record<string, string>>
    readonly as?: string | null
    readonly body?: unknown
  }
  readonly response: {
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly body: unknown
  }
}

/** The recorded situations of a server. */
export function situationsOf(server: string): Situation[] {
  const folder = new URL(`../../fixtures/${server}/`, import.meta.url)
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => {
      const situation = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Omit<Situation, 'name'>
      return { ...situation, name: file.replace('.json', '') }
    })
}

interface Entry {
  readonly resource: { readonly id?: string; readonly resourceType: string; readonly total?: number }
  readonly search?: { readonly mode: string }
}

/**
 * What of a FHIR answer says whether a search did what it was asked: what kind, how many, and which. Without `_sort` a
 * server has no order, so that only whole lists can be compared, as sets.
 */
export function gist(path: string, status: number, body: unknown) {
  if (typeof body !== 'object' || body === null) return { status }
  const { resourceType, total, entry, link } = body as {
    resourceType?: string
    total?: number
    entry?: Entry[]
    link?: { relation: string }[]
  }
  const links = link?.map(({ relation }) => relation).toSorted()
  const ids = entry?.map(({ resource, search }) =>
    resource.resourceType === 'Bundle' ? resource.total : `${search?.mode ?? ''} ${resource.id}`,
  )
  const isWhole = !links?.some((relation) => relation !== 'self')
  const which = path.includes('_sort=') ? ids : isWhole ? ids?.toSorted() : ids?.length
  return { status, resourceType, total, which, links }
}
