import { constants } from 'node:fs'
import { type FileHandle, open, readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import { z } from 'zod'
import { type CallRecord, mostPatients } from '../record.ts'
import { recordIn } from './stored-record.ts'

/** Records that are read from the file and not done yet. */
export interface Spooled {
  readonly records: readonly CallRecord[]
  /** Lines that are no records. */
  readonly unreadable: number
}

/** Reads the file of records from where it was left, also after a restart and through rotations. */
export interface Spool {
  /** The next records, about `most`; undefined when there are none for now. */
  next(most: number): Promise<Spooled | undefined>
  /** Remembers that everything that `next` gave is done. */
  commit(): Promise<void>
  close(): Promise<void>
}

interface Place {
  readonly dev: string
  readonly ino: string
  readonly offset: number
}
interface OpenFile {
  readonly handle: FileHandle
  readonly dev: string
  readonly ino: string
  /** Behind the last line that was given out. */
  offset: number
  /** It was at its end after it had been renamed: whoever was still writing to it has had time to finish. */
  drained: boolean
}

const placeSchema = z.object({ dev: z.string(), ino: z.string(), offset: z.number().int().nonnegative() })
const chunk = 262_144
/** More than the longest line. */
const longest = mostPatients * 80 + chunk
const packed = /\.(gz|zst|xz|bz2|zip)$/
const lineEnd = 0x0a
const reading = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/** The files beside the file of records that are the poster's own. */
export const postedSuffix = '.posted'
export const lockSuffix = '.posting'

/**
 * Opens the spool over the file of records. `onMissing` is told when the file that it had not finished is not there any more, or is
 * packed.
 */
export function openSpool(path: string, onMissing: () => void): Spool {
  const statePath = `${path}${postedSuffix}`
  let file: OpenFile | undefined

  async function openAt(name: string, offset: number): Promise<OpenFile | undefined> {
    const handle = await open(name, reading).catch(() => undefined)
    if (handle === undefined) return undefined
    const { dev, ino, size } = await handle.stat({ bigint: true })
    const opened = { handle, dev: String(dev), ino: String(ino), offset, drained: false }
    // Emptied from outside, or another file with the number of an old one.
    const fits = offset === 0 || (offset <= size && (await endsLine(handle, offset)))
    return fits ? opened : { ...opened, offset: 0 }
  }

  async function begin(): Promise<OpenFile | undefined> {
    const place = await placeIn(statePath)
    if (place === undefined) return openAt(path, 0)
    const left = (await filesBeside(path)).find(({ dev, ino }) => dev === place.dev && ino === place.ino)
    if (left !== undefined) return openAt(left.name, place.offset)
    onMissing()
    return openAt(path, 0)
  }

  async function remember({ dev, ino, offset }: OpenFile): Promise<void> {
    const place: Place = { dev, ino, offset }
    await writeFileAtomic(statePath, JSON.stringify(place), { mode: 0o600 })
  }

  /** The file that follows one which was renamed, by when each was last written to. */
  async function successor({ handle, dev, ino }: OpenFile): Promise<string | undefined> {
    const others = (await filesBeside(path)).filter((one) => one.dev !== dev || one.ino !== ino)
    const current = others.find(({ name }) => name === path)
    if (current === undefined) return undefined
    const { mtimeNs } = await handle.stat({ bigint: true })
    const between = others.filter((one) => one !== current && one.mtimeNs > mtimeNs)
    return between.toSorted((a, b) => (a.mtimeNs < b.mtimeNs ? -1 : 1))[0]?.name ?? path
  }

  /** Lines from where the file was left. */
  async function linesOf(from: OpenFile, most: number): Promise<string[]> {
    const { size } = await from.handle.stat()
    if (size < from.offset) from.offset = 0
    for (let bytes = chunk; ; bytes *= 2) {
      const { buffer, bytesRead } = await from.handle.read(Buffer.alloc(bytes), 0, bytes, from.offset)
      const read = buffer.subarray(0, bytesRead)
      let end = 0
      const lines: string[] = []
      for (
        let at = read.indexOf(lineEnd);
        at !== -1 && lines.length < most;
        at = read.indexOf(lineEnd, end)
      ) {
        lines.push(read.toString('utf8', end, at))
        end = at + 1
      }
      from.offset += end
      if (lines.length > 0 || bytesRead < bytes || bytes > longest) return lines
    }
  }

  return {
    async next(most) {
      for (;;) {
        file ??= await begin()
        if (file === undefined) return undefined
        const lines = await linesOf(file, most)
        if (lines.length > 0) {
          file.drained = false
          const written = lines.filter((line) => line.trim() !== '')
          const records = written.flatMap((line) => recordIn(line) ?? [])
          return { records, unreadable: written.length - records.length }
        }
        const following = await successor(file)
        if (following === undefined) return undefined
        if (!file.drained) {
          file.drained = true
          return undefined
        }
        const next = await openAt(following, 0)
        if (next === undefined) return undefined
        await file.handle.close()
        file = next
        await remember(file)
      }
    },
    async commit() {
      if (file !== undefined) await remember(file)
    },
    async close() {
      await file?.handle.close()
      file = undefined
    },
  }
}

async function endsLine(handle: FileHandle, offset: number): Promise<boolean> {
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, offset - 1)
  return buffer[0] === lineEnd
}

async function placeIn(path: string): Promise<Place | undefined> {
  try {
    return placeSchema.safeParse(JSON.parse(await readFile(path, 'utf8'))).data
  } catch {
    return undefined
  }
}

/** The file of records and what it was renamed to: what begins with its name, in its folder. */
async function filesBeside(path: string) {
  const folder = dirname(path)
  const names = await readdir(folder).catch(() => [])
  const candidates = names.filter(
    (name) => name.startsWith(basename(path)) && !isOwn(name) && !packed.test(name),
  )
  const found = await Promise.all(
    candidates.map(async (name) => {
      const whole = join(folder, name)
      const stats = await stat(whole, { bigint: true }).catch(() => undefined)
      if (stats === undefined || !stats.isFile()) return []
      return [{ name: whole, dev: String(stats.dev), ino: String(stats.ino), mtimeNs: stats.mtimeNs }]
    }),
  )
  return found.flat()

  function isOwn(name: string): boolean {
    const rest = name.slice(basename(path).length)
    return rest.startsWith(postedSuffix) || rest.startsWith(lockSuffix)
  }
}
