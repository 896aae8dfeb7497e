import type { Bundle } from '../../fhir/types.ts'
import type { Asking } from '../asking.ts'
import { type AskedType, type Checked, matchesOf, type Rows, rejected, totalOf } from '../check.ts'
import type { Gap } from '../exchange.ts'
import { isPartial } from '../outcomes.ts'
import type { SearchPairs } from '../search-pairs.ts'

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
 * Reads a search to its end along its `next` links. Throws EXCHANGE_REJECTED when the pages do not come to an end, or do
 * not add up to the `total` that the server gives: a roster with rows missing must not pass for a whole one.
 */
export async function readRows<Type extends AskedType>(
  asking: Asking,
  type: Type,
  pairs: SearchPairs,
  { post = false, limit = Number.POSITIVE_INFINITY, takesPartial = false }: Reading = {},
): Promise<Rows<Type>> {
  const { client, call } = asking
  const shape = { ...asking.shape, takesPartial }
  const gaps = new Set<Gap>()
  const rows = new Map<string, Checked<Type>>()
  const followed = new Set<string>()
  let page: Bundle = await client.search(call, type, pairs, { ...shape, post })
  let total = totalOf(page)
  let idle = 0
  for (;;) {
    const known = rows.size
    if (isPartial(page)) gaps.add('told')
    for (const row of matchesOf(page, type)) rows.set(row.id, row)
    idle = rows.size === known ? idle + 1 : 0
    if (Math.max(total ?? 0, rows.size) > limit) return { complete: false, rows: [], gaps: [] }
    const next = client.nextLink(page)
    if (next === undefined) break
    if (followed.has(next) || followed.size >= mostPages || idle > mostIdlePages)
      throw rejected('The pages of its answer do not come to an end.')
    followed.add(next)
    page = await client.page(call, next, shape)
    total = totalOf(page) ?? total
  }
  if (total !== undefined && total !== rows.size) {
    throw rejected('The rows of its answer do not add up to its total.')
  }
  return { complete: true, rows: [...rows.values()], gaps: [...gaps] }
}
