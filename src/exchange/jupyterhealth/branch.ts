import { z } from 'zod'
import { isFhirMcpError } from '../../errors.ts'
import { type Checked, rejected } from '../check.ts'
import { keptPosition } from '../kept-position.ts'
import type { Branch } from '../merge.ts'
import { PageExpired } from '../page-expired.ts'

/** An observation, and when it began: in milliseconds since the epoch, as `effectiveStart` says it. */
export interface Row {
  readonly observation: Checked<'Observation'>
  readonly start: number | undefined
}

/**
 * Where a branch stands: rows before `skip` on that page are done. `after` is the last one that is done; it is looked for
 * first, because new rows move the others.
 */
const positionSchema = z.strictObject({
  page: z.number().int().min(1).max(1_000_000),
  size: z.number().int().min(1).max(1000),
  skip: z.number().int().min(0).max(1000),
  after: z.string().optional(),
})
export type Position = z.output<typeof positionSchema>

/** One branch of a search, read page by page. */
export interface PagedBranch extends Branch<Row, Position> {
  /** Rows that match in all, as the page that was read last says; undefined before. */
  total(): number | undefined
  /** Every row of the branch where the first page has them all. */
  whole(): readonly Row[] | undefined
  /** Whether rows came again, and not because new ones moved them: then others are missing in their place. */
  repeats(): boolean
}

/** How a branch is read. */
export interface BranchReader {
  /** Reads a page (from 1) and holds each row against the grant and the filters. */
  readonly read: (page: number, size: number) => Promise<{ rows: readonly Row[]; total: number }>
  /** Whether a row belongs to another branch as well and is taken there. */
  readonly isElsewhere: (row: Row) => boolean
}

/**
 * A branch from its beginning (`from` undefined, pages of `size` rows) or from a position that it gave. Throws
 * INVALID_ARGUMENT for a position that is not one.
 */
export function createBranch(reader: BranchReader, from: string | undefined, size: number): PagedBranch {
  let at: Position | undefined =
    from === undefined ? { page: 1, size, skip: 0 } : keptPosition(positionSchema, from)
  let rows: readonly Row[] | undefined
  let total: number | undefined
  let whole: readonly Row[] | undefined
  /** Ids of the rows that were read, and how many matches there were when the first of them came. */
  const seen = new Set<string>()
  let fresh: ReadonlySet<Row> = new Set()
  let totalBefore: number | undefined
  let repeats = 0
  let grown = 0

  /** Goes on to the next row that is this branch's own, as far as the rows at hand go. */
  const settle = () => {
    while (at !== undefined && rows !== undefined) {
      const row = rows[at.skip]
      if (row === undefined) {
        const more = at.page * at.size < (total ?? 0)
        const last: string | undefined = rows.at(-1)?.observation.id ?? at.after
        at = more
          ? { page: at.page + 1, size: at.size, skip: 0, ...(last ? { after: last } : {}) }
          : undefined
        rows = undefined
      } else if (reader.isElsewhere(row) || !fresh.has(row)) {
        at = { ...at, skip: at.skip + 1, after: row.observation.id }
      } else {
        return
      }
    }
  }

  const load = async (position: Position) => {
    const page = await reader.read(position.page, position.size).catch((error: unknown) => {
      if (position.page === 1 || !isFhirMcpError(error, 'FORBIDDEN')) throw error
      throw new PageExpired()
    })
    const expected = Math.min(position.size, page.total - (position.page - 1) * position.size)
    if (page.rows.length !== Math.max(0, expected)) {
      throw rejected('The rows of its answer do not add up to its total.')
    }
    fresh = new Set(
      page.rows.filter(({ observation: { id } }) => {
        const isFresh = !seen.has(id)
        seen.add(id)
        return isFresh
      }),
    )
    // What comes before the others while pages are turned moves as many rows to the next page, where they come again.
    repeats += page.rows.length - fresh.size
    totalBefore ??= page.total
    grown = page.total - totalBefore
    total = page.total
    rows = page.rows
    if (position.page === 1 && page.rows.length === page.total) whole = page.rows
    const known =
      position.after === undefined
        ? -1
        : rows.findIndex(({ observation }) => observation.id === position.after)
    if (known !== -1) at = { ...position, skip: known + 1 }
  }

  return {
    async peek() {
      for (;;) {
        settle()
        if (at === undefined) return undefined
        if (rows !== undefined) return rows[at.skip]
        await load(at)
      }
    },
    take() {
      const row = at === undefined ? undefined : rows?.[at.skip]
      if (at === undefined || row === undefined) return
      at = { ...at, skip: at.skip + 1, after: row.observation.id }
      settle()
    },
    position: () => at ?? null,
    total: () => total,
    whole: () => whole,
    repeats: () => repeats > Math.max(0, grown),
  }
}

/** A branch of which it is known that nothing is left: it is not asked. */
export const endedBranch: PagedBranch = {
  peek: async () => undefined,
  take: () => undefined,
  position: () => null,
  total: () => undefined,
  whole: () => undefined,
  repeats: () => false,
}
