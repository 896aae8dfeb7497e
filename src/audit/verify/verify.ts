import type { ChainHead, HashOf, Link } from '../chain.ts'
import { linkIn } from '../chain.ts'
import { linesIn } from './lines-in.ts'

/** A line that is not as it was written, or does not stand where it was written. */
export interface Finding {
  /** Undefined for what is not in the files at all. */
  readonly at: Place | undefined
  readonly problem: string
}

export interface Place {
  readonly file: string
  readonly line: number
}

/** What was found out about files of records. */
export interface Verified {
  readonly lines: number
  readonly findings: readonly Finding[]
  /** Lines that a kill or a failed write cut off: nobody was answered for them. */
  readonly torn: readonly Place[]
  /** The last line of each chain, in the order in which the chains begin. */
  readonly heads: readonly ChainHead[]
}

export interface VerifyOptions {
  readonly hashOf: HashOf
  /** Heads of the files before these: their chains go on here. */
  readonly after?: readonly ChainHead[]
  /** Heads that these files have to reach. */
  readonly heads?: readonly ChainHead[]
}

/** The last line of a chain so far. */
interface Reached {
  readonly count: number
  readonly hash: string
  readonly place: Place
}

/**
 * Checks files of records, the oldest first: whether each line follows the one that its chain had before it. Throws what reading
 * throws.
 */
export async function verifyFiles(files: readonly string[], options: VerifyOptions): Promise<Verified> {
  const { hashOf, after = [], heads = [] } = options
  const before = await referredTo(files)
  const seen = new Set(after.map(({ hash }) => hash))
  const reached = new Map<string, Reached>()
  const findings: Finding[] = []
  const torn: Place[] = []
  let lines = 0

  function take(link: Link, hash: string, place: Place): void {
    const known = reached.get(link.id)
    const problem = known === undefined ? wrongBeginning(link) : wrongNext(link, known)
    if (problem !== undefined) findings.push({ at: place, problem })
    const head = heads.find(({ chain, count }) => chain === link.id && count === link.count)
    if (head !== undefined && head.hash !== hash) {
      findings.push({
        at: place,
        problem: 'it is not the line of which the head was taken, or the key is another',
      })
    }
    if (known === undefined || link.count > known.count) {
      reached.set(link.id, { count: link.count, hash, place })
    }
    if (before.has(hash)) seen.add(hash)
  }

  function wrongBeginning({ id, count, previous }: Link): string | undefined {
    const earlier = after.findLast((head) => head.chain === id && head.count < count)
    if (earlier !== undefined) {
      if (count > earlier.count + 1) return missing(earlier.count + 1, count - 1)
      return previous === earlier.hash
        ? undefined
        : 'it does not follow the head before these files, or the key is another'
    }
    if (count > 1) return `${missing(1, count - 1)}, and no head of them was given`
    if (previous === undefined || seen.has(previous)) return undefined
    return 'its chain follows a line that is not in these files before it, and no head of it was given'
  }

  for (const file of files) {
    for await (const { bytes, number } of linesIn(file)) {
      const place = { file, line: number }
      const link = linkIn(bytes)
      if (link !== undefined) {
        lines += 1
        take(link, hashOf(bytes), place)
      } else if (isJson(bytes)) findings.push({ at: place, problem: 'it is in no chain' })
      else torn.push(place)
    }
  }
  for (const head of heads) {
    const problem = wrongEnd(head, reached.get(head.chain), after)
    if (problem !== undefined) findings.push({ at: undefined, problem })
  }
  const ends = [...reached].map(([chain, { count, hash }]) => ({ chain, count, hash }))
  return { lines, findings, torn, heads: ends }
}

function wrongNext({ count, previous }: Link, known: Reached): string | undefined {
  if (count <= known.count) {
    return `it is line ${count} of its chain and comes after line ${known.count}: moved or repeated`
  }
  if (count > known.count + 1) return missing(known.count + 1, count - 1)
  if (previous === known.hash) return undefined
  return `the line before it in its chain (line ${known.place.line} of ${known.place.file}) was changed, or the key is another`
}

function wrongEnd(
  { chain, count }: ChainHead,
  end: Reached | undefined,
  after: readonly ChainHead[],
): string | undefined {
  if (end !== undefined && end.count >= count) return undefined
  if (after.some((head) => head.chain === chain && head.count >= count)) return undefined
  const has = end === undefined ? 'none is there' : `it ends with ${end.count}`
  return `chain ${chain} has had ${count} lines, and ${has}: lines are missing at its end`
}

function missing(from: number, to: number): string {
  return from === to
    ? `line ${from} of its chain is missing before it`
    : `lines ${from} to ${to} of its chain are missing before it`
}

/** Hashes of the lines that chains begin after. They alone have to be remembered, of however many lines. */
async function referredTo(files: readonly string[]): Promise<ReadonlySet<string>> {
  const hashes = new Set<string>()
  for (const file of files) {
    for await (const { bytes } of linesIn(file)) {
      const link = linkIn(bytes)
      if (link?.count === 1 && link.previous !== undefined) hashes.add(link.previous)
    }
  }
  return hashes
}

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString())
    return true
  } catch {
    return false
  }
}
