import { createSlices } from '../give-way.ts'

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const colon = 0x3a
const [openList, closeList] = [0x5b, 0x5d]
const [openObject, closeObject] = [0x7b, 0x7d]

/** Where something stands in a body: from, and the first byte behind it. */
type Range = readonly [from: number, end: number]

interface Found {
  /** What is between the brackets of the list of entries. */
  readonly list: Range
  readonly entries: readonly Range[]
}

/**
 * A Bundle of many bytes, read entry by entry, so that others get their turn in between: `JSON.parse` of 60 MB keeps a process to
 * itself for a second. What comes out is what `JSON.parse` would make of it. Undefined where the body is no object with one list
 * of entries, or no JSON: then that has to say so.
 */
export async function parseBundle(body: Buffer): Promise<object | undefined> {
  const sliceEnd = createSlices()
  const found = await findEntries(body, sliceEnd)
  if (found === undefined) return undefined
  const [from, end] = found.list
  try {
    const bundle: unknown = JSON.parse(Buffer.concat([body.subarray(0, from), body.subarray(end)]).toString())
    if (typeof bundle !== 'object' || bundle === null || !('entry' in bundle)) return undefined
    const entries: unknown[] = []
    for (const [start, stop] of found.entries) {
      entries.push(JSON.parse(body.toString('utf8', start, stop)))
      await sliceEnd()
    }
    bundle.entry = entries
    return bundle
  } catch {
    return undefined
  }
}

/** The list of the member `entry` of the outermost object; undefined where there is none, or two, or a name is written oddly. */
async function findEntries(
  body: Buffer,
  sliceEnd: () => Promise<void> | undefined,
): Promise<Found | undefined> {
  const entries: Range[] = []
  let list: Range | undefined
  let start = -1
  let element = -1
  let depth = 0
  let isName = false
  let isEntry = false
  for (let at = 0; at < body.length; at += 1) {
    const byte = body[at]
    if (byte === quote) {
      const end = endOfText(body, at)
      if (depth === 1 && isName) {
        const name = body.toString('latin1', at + 1, end)
        if (name.includes('\\')) return undefined
        isEntry = name === 'entry'
        if (isEntry && list !== undefined) return undefined
      }
      at = end
    } else if (byte === openObject || byte === openList) {
      depth += 1
      if (depth === 1) isName = true
      else if (depth === 2 && isEntry && byte === openList) {
        start = at + 1
        element = start
      }
    } else if (byte === closeObject || byte === closeList) {
      if (depth === 2 && element >= 0) {
        if (entries.length > 0 || !isBlank(body, element, at)) entries.push([element, at])
        list = [start, at]
        element = -1
      }
      depth -= 1
    } else if (byte === comma) {
      if (depth === 1) isName = true
      else if (depth === 2 && element >= 0) {
        entries.push([element, at])
        element = at + 1
        await sliceEnd()
      }
    } else if (byte === colon && depth === 1) isName = false
  }
  return list === undefined ? undefined : { list, entries }
}

function endOfText(body: Buffer, start: number): number {
  let at = start + 1
  while (at < body.length && body[at] !== quote) at += body[at] === backslash ? 2 : 1
  return at
}

function isBlank(body: Buffer, from: number, end: number): boolean {
  return body.toString('latin1', from, end).trim() === ''
}
