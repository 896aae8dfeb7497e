import type { AnyResource } from '../fhir/types.ts'
import { entryBytes, type Row, type RowFormat, sizeOf } from './row.ts'
import { jsonBytes, resourceWithin, textWithin } from './within-bytes.ts'

/** Bytes that a row is given however small the budget is. */
export const leastRow = 768
/** Lengths of texts in cells, of which the longest that fits is kept. */
const cellLengths = [8192, 2048, 512, 128, 32] as const
/** A row that takes no more than so many bytes: where it fits, itself. */
export function rowWithin(row: Row, format: RowFormat, bytes: number): Row {
  if (sizeOf(row, format) <= bytes) return row
  const line = lineWithin(row.line, Math.floor(bytes / 4))
  const left = bytes - Buffer.byteLength(line) - 1
  if (format === 'table') return { ...row, line, cells: cellsWithin(row.cells, left - 1) }
  const { included = [] } = row
  const each = Math.floor(left / 2 / Math.max(1, included.length))
  const fitting = included.map((one) =>
    resourceWithin(one, Math.max(256, each - entryBytes({ ...bare(one) }))),
  )
  const others = fitting.reduce((sum, one) => sum + entryBytes(one), 0)
  const own = left - others - (entryBytes(row.resource) - jsonBytes(row.resource))
  return { ...row, line, included: fitting, resource: resourceWithin(row.resource, own) }
}

/** A line keeps its end, where the id is. */
function lineWithin(line: string, bytes: number): string {
  if (Buffer.byteLength(line) <= bytes) return line
  const end = line.slice(line.lastIndexOf(' | '))
  const tail = line.includes(' | ') && end.length <= 80 ? end : ''
  return `${textWithin(line.slice(0, line.length - tail.length), bytes - Buffer.byteLength(tail))}${tail}`
}

function cellsWithin(cells: Row['cells'], bytes: number): Row['cells'] {
  let cut = cells
  for (const longest of cellLengths) {
    cut = cells.map((cell) => (typeof cell === 'string' ? textWithin(cell, longest) : cell))
    if (jsonBytes(cut) <= bytes) return cut
  }
  return cut
}

function bare({ resourceType, id }: AnyResource): AnyResource {
  return id === undefined ? { resourceType } : { resourceType, id }
}
