import { createHmac, hash, randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { Lines } from './journal.ts'

/** What a line says of its place: the how many-th it is of its chain, and the hash of the one before. */
export interface Link {
  readonly id: string
  readonly count: number
  /** Undefined for the first line of a chain that follows no other. */
  readonly previous?: string | undefined
}

/** The last line of a chain. Kept elsewhere, it shows later whether lines were taken from the end. */
export interface ChainHead {
  readonly chain: string
  readonly count: number
  readonly hash: string
}

/** The hash of a line, without its end. */
export type HashOf = (line: Uint8Array) => string

/** Lines that are chained as they are appended. */
export interface ChainedLines extends Lines {
  /** The last line that is durable. */
  head(): ChainHead | undefined
}

const lineEnd = 0x0a
const newline = Buffer.from('\n')
const line = z.object({
  chain: z.object({ id: z.string().min(1), count: z.int().positive(), previous: z.string().optional() }),
})

/** Hashes lines: SHA-256, or with a key HMAC-SHA-256 (RFC 2104), which nobody without the key can make anew. */
export function lineHash(key: Uint8Array | undefined): HashOf {
  if (key === undefined) return (bytes) => hash('sha256', bytes, 'base64url')
  return (bytes) => createHmac('sha256', key).update(bytes).digest('base64url')
}

/** The place of a line; undefined where it says none, or is no JSON. */
export function linkIn(bytes: Uint8Array): Link | undefined {
  try {
    return line.safeParse(JSON.parse(Buffer.from(bytes).toString())).data?.chain
  } catch {
    return undefined
  }
}

/**
 * Chains lines of JSON objects: each gets `chain`, with the hash of the line before it. A chain is one process's own, so that several
 * may append to one file; it goes on in the next file when that is rotated. After a write that failed nobody knows what of it
 * is there: a new chain begins, whose first line follows the last one that is durable. `before` is the line that was the last when
 * the process began.
 */
export function chainedLines(lines: Lines, hashOf: HashOf, before: Uint8Array | undefined): ChainedLines {
  const first = before === undefined ? undefined : hashOf(before)
  let head: ChainHead | undefined
  let last: Link = { id: randomUUID(), count: 0, previous: first }

  return {
    async append(bytes) {
      const { id } = last
      let { count, previous } = last
      const chained: Buffer[] = []
      for (const record of eachLine(bytes)) {
        count += 1
        const link = Buffer.from(`,"chain":${JSON.stringify({ id, count, previous })}}`)
        // In place of the brace that ends the object.
        const whole = Buffer.concat([record.subarray(0, -1), link])
        previous = hashOf(whole)
        chained.push(whole, newline)
      }
      try {
        await lines.append(Buffer.concat(chained))
      } catch (thrown) {
        last = { id: randomUUID(), count: 0, previous: head?.hash ?? first }
        throw thrown
      }
      last = { id, count, previous }
      if (previous !== undefined) head = { chain: id, count, hash: previous }
    },
    close: () => lines.close(),
    head: () => head,
  }
}

function* eachLine(bytes: Buffer): Generator<Buffer> {
  let from = 0
  for (let end = bytes.indexOf(lineEnd); end !== -1; end = bytes.indexOf(lineEnd, from)) {
    yield bytes.subarray(from, end)
    from = end + 1
  }
}
