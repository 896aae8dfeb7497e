import { type Readable, Transform } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { tolerantMessage } from '../mcp/tolerant-message.ts'

/** What is kept of a line that does not end, in characters; the transport behind ends a connection that sends more. */
const longestLine = 16_777_216

/** Messages of a client, one a line, each as `tolerantMessage` reads it; a line that is no JSON goes on as it is. */
export interface TolerantLines {
  readonly lines: Readable
  /** Lets go of the input, which is not read any more. */
  release(): void
}

/** Reads the lines of an input. */
export function tolerantLines(input: Readable): TolerantLines {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  const lines = new Transform({
    transform(chunk: Buffer, _, done) {
      const [last = '', ...whole] = `${rest}${decoder.write(chunk)}`.split('\n').reverse()
      rest = last
      for (const line of whole.reverse()) this.push(`${read(line)}\n`)
      if (rest.length > longestLine) {
        this.push(rest)
        rest = ''
      }
      done()
    },
  })
  input.pipe(lines)
  return {
    lines,
    release() {
      input.unpipe(lines)
      input.pause()
    },
  }
}

function read(line: string): string {
  try {
    return JSON.stringify(tolerantMessage(JSON.parse(line)))
  } catch {
    return line
  }
}
