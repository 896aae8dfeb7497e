import { fhirMcpError } from '../errors.ts'
import type { CursorBinding, Cursors } from './cursor.ts'

/** A call whose answer comes in pages, in the order of ids. */
export interface PagedCall extends CursorBinding {
  readonly cursors: Cursors
  readonly limit: number
  readonly cursor: string | undefined
  readonly byteBudget: number
}

/** A page of what was sorted by id. */
export interface IdPage<T> {
  readonly items: readonly T[]
  /** As `Page.most` of a searchset. */
  readonly most: number
  /** As `Page.cursorAfter` of a searchset. */
  readonly cursorAfter: (n: number) => Promise<string | undefined>
}

/** What of a call's context its pages need. */
export type PagingContext = Pick<PagedCall, 'cursors' | 'principal' | 'byteBudget'>

/** The paged call of a tool with these arguments. */
export function pagedCall(
  tool: string,
  input: Readonly<Record<string, unknown>> & { limit: number; cursor?: string | undefined },
  { cursors, principal, byteBudget }: PagingContext,
): PagedCall {
  return { cursors, principal, byteBudget, tool, arguments: input, limit: input.limit, cursor: input.cursor }
}

/** Bytes below which no row of an answer comes, structured and text together: more rows than that cannot fit. */
const smallestRow = 128

/** The id after which the page begins; undefined for the first page. Throws INVALID_ARGUMENT for a cursor not of this call. */
export async function openPosition(call: PagedCall): Promise<string | undefined> {
  if (call.cursor === undefined) return undefined
  const position = await call.cursors.open(call, call.cursor)
  if (typeof position === 'string') return position
  throw fhirMcpError('INVALID_ARGUMENT', { detail: 'cursor is not one of this tool: leave it out.' })
}

/**
 * The page of `all` after an id. A keyset rather than an offset: what comes or goes between two pages neither repeats nor
 * hides a row.
 */
export function pageById<T>(
  call: PagedCall,
  all: readonly T[],
  idOf: (one: T) => string,
  after: string | undefined,
): IdPage<T> {
  const sorted = all.toSorted((a, b) => compareIds(idOf(a), idOf(b)))
  const left = after === undefined ? sorted : sorted.filter((one) => compareIds(idOf(one), after) > 0)
  const most = Math.max(1, Math.min(call.limit, Math.floor(call.byteBudget / smallestRow)))
  const items = left.slice(0, most)
  return {
    items,
    most,
    async cursorAfter(n) {
      const last = items[n - 1]
      return last === undefined || n >= left.length ? undefined : call.cursors.seal(call, idOf(last))
    },
  }
}

const whole = /^\d+$/

/** The order of ids in answers: whole numbers first and by size, then all others by their characters. */
export function compareIds(a: string, b: string): number {
  const numbers = Number(whole.test(b)) - Number(whole.test(a))
  if (numbers !== 0) return numbers
  if (whole.test(a) && a.length !== b.length) return a.length - b.length
  if (a === b) return 0
  return a < b ? -1 : 1
}
