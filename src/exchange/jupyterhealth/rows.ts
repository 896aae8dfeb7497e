import pMap from 'p-map'
import type { Bundle } from '../../fhir/types.ts'
import type { Asking } from '../asking.ts'
import { type AskedType, type Checked, matchesOf, type Rows, rejected, totalOf } from '../check.ts'
import type { SearchPairs } from '../search-pairs.ts'

/** The most rows that the exchange gives on one page, whatever is asked for. */
export const largestPage = 1000
const mostPages = 10_000

/**
 * Reads a search to its end by `_page`, in the order `_sort`, without which its pages are not stable. Incomplete when
 * there are more than `limit` rows. Throws EXCHANGE_REJECTED when the pages do not add up to the total.
 */
export async function readRows<Type extends AskedType>(
  asking: Asking,
  type: Type,
  pairs: SearchPairs,
  { sort = '_lastUpdated', limit = Number.POSITIVE_INFINITY }: { sort?: string; limit?: number } = {},
): Promise<Rows<Type>> {
  const page = async (number: number) =>
    readPage(asking, type, [...pairs, ['_sort', sort]], number, largestPage)
  const first = await page(1)
  if (first.total > limit) return { complete: false, rows: [] }
  const others = Math.max(0, Math.ceil(first.total / largestPage) - 1)
  const short = first.rows.length !== Math.min(first.total, largestPage)
  if (short || others > mostPages) throw rejected('The rows of its answer do not add up to its total.')
  const rest = await pMap(Array.from({ length: others }), (_, index) => page(index + 2), {
    concurrency: asking.connections,
  })
  const rows = new Map([first, ...rest].flatMap((one) => one.rows).map((row) => [row.id, row]))
  if (rows.size !== first.total) throw rejected('The rows of its answer do not add up to its total.')
  return { complete: true, rows: [...rows.values()] }
}

/** One page of a search, pages counted from 1. */
export async function readPage<Type extends AskedType>(
  asking: Asking,
  type: Type,
  pairs: SearchPairs,
  number: number,
  size: number,
): Promise<{ rows: Checked<Type>[]; total: number }> {
  const paged = [...pairs, ['_count', String(size)], ['_page', String(number)]] as const
  const bundle = await asking.client.search(asking.call, type, paged, asking.shape)
  return { rows: matchesOf(bundle, type), total: totalThere(bundle) }
}

/** The number of matches of a search. */
export async function countRows(asking: Asking, pairs: SearchPairs): Promise<number> {
  const counted = [...pairs, ['_summary', 'count']] as const
  return totalThere(await asking.client.search(asking.call, 'Observation', counted, asking.shape))
}

function totalThere(bundle: Bundle): number {
  const total = totalOf(bundle)
  if (total === undefined) throw rejected('Its answer has no total.')
  return total
}
