import type { Asking } from '../asking.ts'
import { rejected, totalOf } from '../check.ts'
import type { SearchPairs } from '../search-pairs.ts'

/** How many observations a search finds, by the server's own count. Throws EXCHANGE_REJECTED where it gives none. */
export async function totalWhere(asking: Asking, pairs: SearchPairs): Promise<number> {
  const { client, call, shape } = asking
  const counted = [...pairs, ['_summary', 'count'], ['_pretty', 'false']] as const
  const total = totalOf(await client.search(call, 'Observation', counted, { ...shape, post: true }))
  if (total === undefined) throw rejected('Its count has no total.')
  return total
}
