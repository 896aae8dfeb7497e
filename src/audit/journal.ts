/** Where lines go. */
export interface Lines {
  /** Appends whole lines and makes them durable. Throws where that was not done for all of them. */
  append(lines: Buffer): Promise<void>
  /** Lets go of what it holds; the next `append` takes it again. */
  close(): Promise<void>
}

/** Lines in the order in which they were given, made durable together. */
export interface Journal {
  /** Resolves once the line is durable; rejects where it could not be made so. */
  append(line: string): Promise<void>
  status(): { readonly failing: boolean }
  close(): Promise<void>
}

export interface JournalOptions {
  /** The longest that anybody waits for the disk, in milliseconds. */
  readonly patience: number
  /** Told when writing begins to fail, with the code of the system, and when it works again. */
  readonly onChange: (failure: string | undefined) => void
  /** Told after each write. */
  readonly onWritten?: () => void
}

interface Entry {
  readonly bytes: Buffer
  readonly done: { resolve(): void; reject(reason: unknown): void }
}

/** Bytes of one write, about. */
const mostBytes = 1_048_576

/** Nobody was told that it is durable in time. */
class Stalled extends Error {
  readonly code = 'STALLED'
}

/**
 * Opens a journal. What is given while a write is under way goes with the next one, so that any number of calls share one sync.
 */
export function createJournal(lines: Lines, { patience, onChange, onWritten }: JournalOptions): Journal {
  let waiting: Entry[] = []
  let draining: Promise<void> | undefined
  let stalled = false
  let failing = false

  function push(entry: Entry): void {
    if (!stalled) {
      waiting.push(entry)
      draining ??= drain()
    } else entry.done.reject(new Stalled())
  }

  function settle(batch: readonly Entry[], failure: unknown): void {
    for (const entry of batch) {
      if (failure === undefined) entry.done.resolve()
      else entry.done.reject(failure)
    }
    if (failing !== (failure !== undefined)) {
      failing = failure !== undefined
      onChange(failing ? codeOf(failure) : undefined)
    }
  }

  /** Appends a batch. Whoever waits is told after `patience` that it took too long; the write itself goes on to its end. */
  async function write(batch: readonly Entry[]): Promise<void> {
    const timer = setTimeout(() => {
      stalled = true
      const waited = [...batch, ...waiting]
      waiting = []
      settle(waited, new Stalled())
    }, patience)
    timer.unref()
    try {
      await lines.append(Buffer.concat(batch.map(({ bytes }) => bytes)))
      settle(batch, undefined)
    } catch (thrown) {
      settle(batch, thrown)
    } finally {
      clearTimeout(timer)
      stalled = false
    }
  }

  async function drain(): Promise<void> {
    // Calls that end in the same turn go together.
    await Promise.resolve()
    while (waiting.length > 0) {
      const batch = waiting.splice(0, countWithin(waiting))
      await write(batch)
      if (!failing) onWritten?.()
    }
    draining = undefined
  }

  return {
    append: (line) =>
      new Promise((resolve, reject) => {
        push({ bytes: Buffer.from(line), done: { resolve, reject } })
      }),
    status: () => ({ failing }),
    async close() {
      await within(patience, draining)
      if (draining === undefined) await lines.close()
    },
  }
}

/** How many of the first entries make one write: at least one. */
function countWithin(entries: readonly Entry[]): number {
  let bytes = 0
  const over = entries.findIndex((entry, index) => {
    bytes += entry.bytes.length
    return bytes > mostBytes && index > 0
  })
  return over === -1 ? entries.length : over
}

/** Waits for work, but not longer than that. */
async function within(milliseconds: number, work: Promise<void> | undefined): Promise<void> {
  const { promise, resolve } = withResolvers()
  const timer = setTimeout(resolve, milliseconds)
  await Promise.race([work, promise])
  clearTimeout(timer)
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

/** Codes of the system say what is wrong (ENOSPC) and name nobody; messages name paths. */
function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown'
}
