import type { Gap } from './exchange.ts'

/** A page of a search, as it came. */
export interface PageOfRows {
  readonly ids: readonly string[]
  /** How many matches there are, as the page says. */
  readonly total: number | undefined
  /** How many rows the page stands for by its links; undefined where they do not say. */
  readonly span?: number | undefined
}

/** What holds the rows of a search, page by page, against the number that the exchange names. A resource counts once. */
export interface Reckoning {
  /** Takes the next page; true for each row that did not come before. */
  add(page: PageOfRows): boolean[]
  /** Says that a page began with what came before. */
  repeats(): void
  /** Whether as many rows came as the exchange names: if there is another page, one of the two is wrong. */
  isReached(): boolean
  /** The total, where nothing speaks against it, and why rows may be missing; `isEnd`: the last page has come. */
  verdict(isEnd: boolean): { total: number | undefined; gaps: Gap[] }
}

/** Begins where `before` rows came on earlier pages; undefined: it is not known how many. */
export function createReckoning(before: number | undefined): Reckoning {
  const seen = new Set<string>()
  let passed = 0
  let total: number | undefined
  let repeated = false
  let short = false

  return {
    add({ ids, total: said, span }) {
      const fresh = ids.map((id) => {
        const isFresh = !seen.has(id)
        seen.add(id)
        return isFresh
      })
      if (fresh.includes(false)) repeated = true
      if (span !== undefined && ids.length < span) short = true
      passed += Math.max(ids.length, span ?? 0)
      total = said ?? total
      return fresh
    },
    repeats() {
      repeated = true
    },
    isReached: () => before !== undefined && total !== undefined && before + passed >= total,
    verdict(isEnd) {
      const came = before === undefined ? undefined : before + seen.size
      if (isEnd && came !== undefined && came === total) return { total, gaps: [] }
      const lacks = isEnd && came !== undefined && total !== undefined && came < total
      const gaps: Gap[] = [
        ...(repeated ? ['repeated' as const] : []),
        ...(short || (lacks && !repeated) ? ['fewer' as const] : []),
      ]
      const isWrong = gaps.length > 0 || (came !== undefined && total !== undefined && came > total)
      return { total: isWrong ? undefined : total, gaps }
    },
  }
}
