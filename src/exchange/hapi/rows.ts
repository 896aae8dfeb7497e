import type { Bundle } from '../../fhir/types.ts'
import type { Asking } from '../asking.ts'
import { type AskedType, type Checked, matchesOf, type Rows, rejected, totalOf } from '../check.ts'
import type { Gap } from '../exchange.ts'
import { isPartial } from '../outcomes.ts'
import { searchedAnew } from '../page-expired.ts'
import { createReckoning } from '../reckoning.ts'
import { noteFilter } from '../row-filter.ts'
import type { SearchPairs } from '../search-pairs.ts'
import { spanOf } from './page-link.ts'

const mostPages = 10_000
/** Pages in a row that bring nothing new: resources may have gone since the search was made, but not for ever. */
export const mostIdlePages = 10

/** How a search is read. */
interface Reading {
  readonly post?: boolean
  /** The most rows that are wanted. */
  readonly limit?: number
  /** Whether an answer is taken of which the exchange says that it may be incomplete: then it has a gap. */
  readonly takesPartial?: boolean
}

/**
 * Reads a search to its end along its `next` links, each row once; where the server forgot its pages meanwhile, or rows
 * came again or went, once more. Throws EXCHANGE_REJECTED when the pages do not come to an end, or do not add up to the `total` that the server
 * gives: a roster with rows missing must not pass for a whole one. Who takes a part gets what came, and its gaps.
 */
export async function readRows<Type extends AskedType>(
  asking: Asking,
  type: Type,
  pairs: SearchPairs,
  reading: Reading = {},
): Promise<Rows<Type>> {
  const once = () => readOnce(asking, type, pairs, reading)
  const first = await searchedAnew(once)
  const isOff = first.gaps.includes('repeated') || (first.gaps.length > 0 && !reading.takesPartial)
  const read = isOff ? await once() : first
  if (reading.takesPartial || read.gaps.length === 0) return read
  const isFiltered = asking.rowFilter.isConfigured && read.gaps.every((gap) => gap === 'fewer')
  if (isFiltered) return { ...read, gaps: [] }
  throw rejected('The rows of its answer do not add up to its total.')
}

async function readOnce<Type extends AskedType>(
  asking: Asking,
  type: Type,
  pairs: SearchPairs,
  { post = false, limit = Number.POSITIVE_INFINITY, takesPartial = false }: Reading,
): Promise<Rows<Type>> {
  const { client, call } = asking
  const shape = { ...asking.shape, takesPartial }
  const gaps = new Set<Gap>()
  const rows = new Map<string, Checked<Type>>()
  const followed = new Set<string>()
  const reckoning = createReckoning(0)
  let page: Bundle = await client.search(call, type, pairs, { ...shape, post })
  let total = totalOf(page)
  let idle = 0
  for (;;) {
    const known = rows.size
    if (isPartial(page)) gaps.add('told')
    const matches = matchesOf(page, type)
    for (const row of matches) rows.set(row.id, row)
    const next = client.nextLink(page)
    reckoning.add({
      ids: matches.map(({ id }) => id),
      total,
      span: followed.size === 0 ? spanOf(undefined, next) : undefined,
    })
    if (followed.size === 0) noteFilter(asking.rowFilter, reckoning, next)
    idle = rows.size === known ? idle + 1 : 0
    if (Math.max(total ?? 0, rows.size) > limit) return { complete: false, rows: [], gaps: [] }
    if (next === undefined) break
    if (followed.has(next) || followed.size >= mostPages || idle > mostIdlePages)
      throw rejected('The pages of its answer do not come to an end.')
    followed.add(next)
    page = await client.page(call, next, shape)
    total = totalOf(page) ?? total
  }
  if (total !== undefined && rows.size > total) throw rejected('Its answer has more rows than its total.')
  for (const gap of reckoning.verdict(true).gaps) gaps.add(gap)
  return { complete: true, rows: [...rows.values()], gaps: [...gaps] }
}
