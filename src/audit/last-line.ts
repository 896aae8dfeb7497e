import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'

/** More than the longest line. */
const tail = 1_048_576
const [lineEnd, space] = [0x0a, 0x20]

/** The last line of a file, without its end; undefined where there is none. What a kill cut off is blank, and passed over. */
export function lastLineOf(path: string): Uint8Array | undefined {
  const fd = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0))
  try {
    const { size } = fstatSync(fd)
    const from = Math.max(0, size - tail)
    const buffer = Buffer.alloc(size - from)
    const read = buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, from))
    let end = read.lastIndexOf(lineEnd)
    while (end > 0) {
      const begin = read.lastIndexOf(lineEnd, end - 1) + 1
      // One that begins before what was read is no line of ours.
      if (begin === 0 && from > 0) return undefined
      const line = read.subarray(begin, end)
      if (line.some((byte) => byte !== space)) return line
      end = begin - 1
    }
    return undefined
  } finally {
    closeSync(fd)
  }
}
