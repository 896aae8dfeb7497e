import { leftOutOfAll } from '../fhir/people/left-out.ts'
import type { AnyResource } from '../fhir/types.ts'
import type { Answer, Table } from './answer.ts'
import { leftOutNotes } from './left-out.ts'
import { type Note, outcomeOf } from './outcome.ts'
import { inert, meaningBytes } from './quoted.ts'
import { fullUrlOf, type Row, sizeOf } from './row.ts'
import { leastRow, rowWithin } from './row-within.ts'
import { seenText, withSeenTexts } from './seen.ts'
import { jsonBytes, textWithin } from './within-bytes.ts'

/** A page before it is laid out. */
export interface Page {
  /** What was asked, in one line of text: filters, codes, time zone, order. */
  readonly asked: string
  /** The same as a relative FHIR search, for the `self` link. */
  readonly self: string
  readonly columns: readonly string[]
  readonly rows: readonly Row[]
  /** How many rows the caller asked for, and how many were looked for, since no more could fit. */
  readonly limit: number
  readonly most: number
  /** Exact number of matches; left out where it is not known. */
  readonly total: number | undefined
  readonly notes: readonly Note[]
  /** The cursor of the page that begins after the first n rows of this one; undefined when nothing is left. */
  readonly cursorAfter: (n: number) => Promise<string | undefined>
  readonly format: 'fhir' | 'fhir_full' | 'table'
  /** Bytes for structured answer and text together. */
  readonly byteBudget: number
  /** ISO instant of the answer. */
  readonly asOf: string
}

/** Bytes set aside for links, notes and the first lines. */
const frame = 3072

/** The largest share of the budget that notes may take, and the longest search that a link repeats. */
const noteShare = 0.25
const longestLink = 2048
const longestAsked = 2048

/**
 * Lays a page out as a searchset Bundle (R5 §3.2.1.3) or a table, with its text, all within the byte budget. Rows that do not fit
 * are left for the next page, never cut; of one that alone is larger the rest is given, and a note says so.
 */
export async function pageAnswer(given: Page): Promise<Answer> {
  const page = headWithin(given)
  const forRows = { ...page, byteBudget: page.byteBudget - headBytes(page) }
  const shown = rowsThatFit(forRows)
  const cursor = await page.cursorAfter(shown)
  const notes = [
    ...page.notes,
    ...leftOutNotes(leftOutOfAll(page.rows.slice(0, shown).map((row) => row.leftOut))),
    ...(cursor === undefined ? [] : fewerNotes(page, shown)),
    ...sizeNotes(forRows, shown),
  ]
  const room = Math.max(leastRow, forRows.byteBudget - frame)
  const rows = page.rows.slice(0, shown).map((row) => (shown === 1 ? rowWithin(row, page.format, room) : row))
  const structured =
    page.format === 'table' ? tableOf(page, rows, cursor, notes) : bundleOf(page, rows, cursor, notes)
  return { structured, text: textOf(page, rows, cursor, notes) }
}

/** What stands before the rows, no longer than an answer can bear. */
function headWithin(page: Page): Page {
  const { self, notes } = page
  let left = page.byteBudget * noteShare
  const fitting = notes.filter(({ text }) => {
    left -= 2 * Buffer.byteLength(text)
    return left >= 0
  })
  const more = `${notes.length - fitting.length} more notes are left out for size.`
  return {
    ...page,
    asked: textWithin(page.asked, longestAsked),
    // A search that was cut would be another one.
    self: Buffer.byteLength(self) <= longestLink ? self : self.slice(0, self.indexOf('?')),
    notes:
      fitting.length === notes.length
        ? notes
        : [...fitting, { severity: 'warning', code: 'incomplete', text: more }],
  }
}

/** How many of the first rows fit the byte budget: at least one. */
export function rowsThatFit(page: Pick<Page, 'rows' | 'format' | 'byteBudget'>): number {
  let left = page.byteBudget - frame
  for (const [index, row] of page.rows.entries()) {
    left -= sizeOf(row, page.format)
    if (left < 0) return Math.max(1, index)
  }
  return page.rows.length
}

/** What was asked and what has to be said besides: in the text and in the structured answer. */
function headBytes({ asked, self, notes, columns, format }: Page): number {
  const issueFrame = 80
  const columnBytes = format === 'table' ? jsonBytes(columns) : 0
  const noteBytes = notes.reduce((sum, note) => sum + 2 * Buffer.byteLength(note.text) + issueFrame, 0)
  return Buffer.byteLength(asked) + 2 * Buffer.byteLength(self) + noteBytes + columnBytes
}

/** Why there are fewer rows than the caller asked for, and how to get the others. */
function fewerNotes({ rows, limit, most, format, byteBudget }: Page, shown: number): Note[] {
  if (shown === rows.length && (rows.length < most || most >= limit)) return []
  const shorter = format === 'table' ? '' : ' Format table fits more rows into one.'
  const text = `${shown} rows, not ${limit} (limit): an answer holds ${Math.floor((byteBudget + meaningBytes) / 1024)} KB. The cursor gives the next ones.${shorter}`
  return [{ severity: 'information', code: 'incomplete', text }]
}

function sizeNotes(page: Page, shown: number): Note[] {
  const [only] = page.rows
  if (shown !== 1 || only === undefined || sizeOf(only, page.format) <= page.byteBudget - frame) return []
  const text = 'This one row is larger than the size limit of an answer: what is too large of it is left out.'
  return [{ severity: 'information', code: 'informational', text }]
}

function bundleOf(
  page: Page,
  rows: readonly Row[],
  cursor: string | undefined,
  notes: readonly Note[],
): AnyResource {
  const link = [{ relation: 'self', url: page.self }]
  if (cursor !== undefined) {
    link.push({ relation: 'next', url: `${page.self}${page.self.includes('?') ? '&' : '?'}cursor=${cursor}` })
  }
  const included = [...new Set(rows.flatMap((row) => row.included ?? []))]
  const entry = [
    ...rows.map((row) => entryOf(row.resource, 'match')),
    ...included.map((resource) =>
      entryOf(page.format === 'fhir_full' ? resource : withSeenTexts(resource), 'include'),
    ),
    ...(notes.length > 0 ? [outcomeEntry(notes, 'notes')] : []),
  ]
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    timestamp: page.asOf,
    ...(page.total === undefined ? {} : { total: page.total }),
    link,
    ...(entry.length > 0 ? { entry } : {}),
  }
}

/** Notes as an entry of a searchset. */
export function outcomeEntry(notes: readonly Note[], id: string) {
  return entryOf({ ...outcomeOf(notes), id }, 'outcome')
}

function entryOf(resource: AnyResource, mode: 'match' | 'include' | 'outcome') {
  return { fullUrl: fullUrlOf(resource), resource, search: { mode } }
}

function tableOf(
  page: Page,
  rows: readonly Row[],
  cursor: string | undefined,
  notes: readonly Note[],
): Table {
  return {
    columns: page.columns.map((column) => inert(seenText(column))),
    rows: rows.map((row) =>
      row.cells.map((cell, at) => (typeof cell === 'string' ? cellText(cell, page.columns[at]) : cell)),
    ),
    ...(page.total === undefined ? {} : { total: page.total }),
    ...(cursor === undefined ? {} : { cursor }),
    notes: notes.map((note) => note.text),
  }
}

/** Columns of codes and addresses, which a program takes as they are. */
const exact: readonly (string | undefined)[] = ['code', 'imported_from']

/** A cell without what nobody sees, and without a link that works; an address where one belongs stays as it is. */
function cellText(cell: string, column: string | undefined): string {
  const seen = seenText(cell)
  return exact.includes(column) && /^[^\s<>"()[\]!\\]*$/.test(seen) ? seen : inert(seen)
}

function textOf(
  page: Page,
  rows: readonly Row[],
  cursor: string | undefined,
  notes: readonly Note[],
): string {
  const total = page.total === undefined ? 'total not known' : `${page.total} in total`
  return [
    page.asked,
    `${total}, ${rows.length} shown, as of ${page.asOf}`,
    ...rows.map((row) => row.line),
    ...notes.map((note) => `${note.severity === 'warning' ? 'Warning' : 'Note'}: ${note.text}`),
    ...(cursor === undefined ? [] : [`More: call again with the same arguments and cursor: ${cursor}`]),
  ].join('\n')
}
