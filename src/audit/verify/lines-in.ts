import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'

/** A line of a file of records, without its end, and the how many-th it is. */
export interface LineIn {
  readonly bytes: Buffer
  readonly number: number
}

const lineEnd = 0x0a

/** The lines of a file, one by one; of a packed one (`.gz`) what is in it. Throws what reading throws. */
export async function* linesIn(path: string): AsyncGenerator<LineIn> {
  let rest = Buffer.alloc(0)
  let number = 0
  for await (const chunk of contentOf(path)) {
    rest = Buffer.concat([rest, chunk])
    let from = 0
    for (let end = rest.indexOf(lineEnd); end !== -1; end = rest.indexOf(lineEnd, from)) {
      number += 1
      yield { bytes: rest.subarray(from, end), number }
      from = end + 1
    }
    rest = rest.subarray(from)
  }
  if (rest.length > 0) yield { bytes: rest, number: number + 1 }
}

function contentOf(path: string): AsyncIterable<Buffer> {
  const file = createReadStream(path)
  // What goes wrong reaches whoever reads, through the stream itself.
  return path.endsWith('.gz') ? pipeline(file, createGunzip(), () => undefined) : file
}
