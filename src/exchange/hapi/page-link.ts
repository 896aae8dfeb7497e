/**
 * HAPI's page links (`?_getpages=…&_getpagesoffset=20&_count=20`) name a kept list of results: any stretch of it can be
 * read again by changing offset and count. Links of other servers are left as they are.
 */

/** Where a page link begins in the list of results; undefined for a link of another kind. */
export function offsetOf(link: string): number | undefined {
  const query = queryOf(link)
  const offset = Number(query?.get('_getpagesoffset'))
  return query?.has('_getpages') && Number.isSafeInteger(offset) && offset >= 0 ? offset : undefined
}

/** The link to `count` results from `offset` on in the same list; undefined for a link of another kind. */
export function linkAt(link: string, offset: number, count: number): string | undefined {
  const query = queryOf(link)
  if (query === undefined || offsetOf(link) === undefined) return undefined
  query.set('_getpagesoffset', String(offset))
  query.set('_count', String(count))
  return `?${query}`
}

/** How many rows a page stands for, where its link and the next one say where they are. */
export function spanOf(link: string | undefined, next: string | undefined): number | undefined {
  const [from, to] = [
    link === undefined ? 0 : offsetOf(link),
    next === undefined ? undefined : offsetOf(next),
  ]
  return from === undefined || to === undefined || to <= from ? undefined : to - from
}

function queryOf(link: string): URLSearchParams | undefined {
  const start = link.indexOf('?')
  return start === -1 ? undefined : new URLSearchParams(link.slice(start + 1))
}
