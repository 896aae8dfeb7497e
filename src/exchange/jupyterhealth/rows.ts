import { setImmediate } from 'node:timers/promises'
import pMap from 'p-map'
import type { Bundle } from '../../fhir/types.ts'
import type { Asking } from '../asking.ts'
import { type AskedType, type Checked, gapsOf, matchesOf, type Rows, rejected, totalOf } from '../check.ts'
import type { Gap } from '../exchange.ts'
import { isPartial } from '../outcomes.ts'
import type { SearchPairs } from '../search-pairs.ts'

/** The most rows that the exchange gives on one page, whatever is asked for. */
export const largestPage = 1000
const mostPages = 10_000

/** How a search is read. */
interface Reading {
  readonly sort?: string
  /** The most rows that are wanted. */
  readonly limit?: number
  /** Whether an answer is taken of which the exchange says that it may be incomplete: then it has a gap. */
  readonly takesPartial?: boolean
}

/**
 * Reads a search to its end by `_page`, in the order `_sort`, without which its pages are not stable. Incomplete when
 * there are more than `limit` rows. What does not add up is read once more, since something may have come between its pages.
 * Throws EXCHANGE_REJECTED when the pages do not add up to the total then either.
 */
export async function readRows<Type extends AskedType>(
  asking: Asking,
  type: Type,
  pairs: SearchPairs,
  reading: Reading = {},
): Promise<Rows<Type>> {
  const once = () => readOnce(asking, type, pairs, reading)
  const read = (await once()) ?? (await once())
  if (read === undefined) throw rejected('The rows of its answer do not add up to its total.')
  return read
}

/** Undefined where the pages do not add up to the total. */
async function readOnce<Type extends AskedType>(
  asking: Asking,
  type: Type,
  pairs: SearchPairs,
  { sort = '_lastUpdated', limit = Number.POSITIVE_INFINITY, takesPartial = false }: Reading,
): Promise<Rows<Type> | undefined> {
  const page = async (number: number) =>
    readPage(asking, type, [...pairs, ['_sort', sort]], { number, size: largestPage, takesPartial })
  const first = await page(1)
  if (first.total > limit) return { complete: false, rows: [], gaps: [] }
  const others = Math.max(0, Math.ceil(first.total / largestPage) - 1)
  const short = first.rows.length !== Math.min(first.total, largestPage)
  if (short || others > mostPages) return undefined
  const rest = await pMap(Array.from({ length: others }), (_, index) => page(index + 2), {
    concurrency: asking.connections,
  })
  const pages = [first, ...rest]
  const rows = new Map(pages.flatMap((one) => one.rows).map((row) => [row.id, row]))
  if (rows.size !== first.total) return undefined
  return { complete: true, rows: [...rows.values()], gaps: gapsOf(pages) }
}

/** Which page, counted from 1, of how many rows; `takesPartial` as in `Reading`. */
interface WhichPage {
  readonly number: number
  readonly size: number
  readonly takesPartial?: boolean
}

/** One page of a search. */
export async function readPage<Type extends AskedType>(
  asking: Asking,
  type: Type,
  pairs: SearchPairs,
  { number, size, takesPartial = false }: WhichPage,
): Promise<{ rows: Checked<Type>[]; total: number; gaps: readonly Gap[] }> {
  const paged = [...pairs, ['_count', String(size)], ['_page', String(number)]] as const
  const asked = asking.client.search(asking.call, type, paged, { ...asking.shape, takesPartial })
  const forget = type === 'Observation' ? keepUnderWay(asking, pairs, asked) : undefined
  try {
    const bundle = await asked
    return {
      rows: matchesOf(bundle, type),
      total: totalThere(bundle),
      gaps: isPartial(bundle) ? ['told'] : [],
    }
  } finally {
    forget?.()
  }
}

/** Pages of Observations that a call has asked for and has not got yet, by what they search for. */
const underWay = new WeakMap<Asking, Map<string, Promise<Bundle>>>()

/** What it returns is to be called once the page has come. */
function keepUnderWay(asking: Asking, pairs: SearchPairs, page: Promise<Bundle>): () => void {
  const pages = underWay.get(asking) ?? new Map<string, Promise<Bundle>>()
  underWay.set(asking, pages)
  const name = unsorted(pairs)
  pages.set(name, page)
  return () => {
    if (pages.get(name) === page) pages.delete(name)
  }
}

function unsorted(pairs: SearchPairs): string {
  return JSON.stringify(pairs.filter(([name]) => name !== '_sort'))
}

/**
 * The number of matches of a search. Where a page of the same search is on its way to this call, it says the number as well,
 * unless it may be incomplete or does not come.
 */
export async function countRows(asking: Asking, pairs: SearchPairs): Promise<number> {
  // Questions that begin together have sent their first requests by then.
  await setImmediate()
  const page = await underWay
    .get(asking)
    ?.get(unsorted(pairs))
    ?.catch(() => undefined)
  if (page !== undefined && !isPartial(page)) return totalThere(page)
  const counted = [...pairs, ['_summary', 'count']] as const
  return totalThere(await asking.client.search(asking.call, 'Observation', counted, asking.shape))
}

function totalThere(bundle: Bundle): number {
  const total = totalOf(bundle)
  if (total === undefined) throw rejected('Its answer has no total.')
  return total
}
