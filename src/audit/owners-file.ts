import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  type Stats,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { fhirMcpError } from '../errors.ts'

/** A file that is open for appending. */
export interface OwnersFile {
  readonly fd: number
  readonly dev: number
  readonly ino: number
}

/** A link is not followed; a pipe does not block. Neither exists where the flags do not. */
const guarded = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
/** More than the longest line. */
const tail = 1_048_576
const lineEnd = 0x0a

/**
 * Opens a file of its owner alone (0600), or makes it, with its folder (0700). What a kill cut off at its end is taken out of the
 * way. Throws CONFIG for a link, anything but a file, and a file that others may read or that is somebody else's.
 */
export function openOwnersFile(path: string): OwnersFile {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | guarded
  const fd = openSync(path, flags, 0o600)
  try {
    const stats = fstatSync(fd)
    assertOwnersAlone(stats)
    if (stats.size === 0) syncFolder(dirname(path))
    else closeTornLine(path, fd, stats.size)
    return { fd, dev: stats.dev, ino: stats.ino }
  } catch (thrown) {
    closeSync(fd)
    throw thrown
  }
}

/** Throws CONFIG for what is not a file of this user's that nobody else may read. */
export function assertOwnersAlone(stats: Stats): void {
  const user = process.getuid?.()
  const alone = user === undefined || (stats.uid === user && (stats.mode & 0o077) === 0)
  if (stats.isFile() && alone) return
  throw fhirMcpError('CONFIG', {
    detail: 'audit.path must be a file of its owner alone (mode 0600).',
  })
}

/** The name of a new file has to survive as well. Where folders cannot be synced (Windows) there is nothing to be done. */
function syncFolder(folder: string): void {
  try {
    const fd = openSync(folder, constants.O_RDONLY)
    try {
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  } catch {
    return
  }
}

/**
 * Ends a line that a kill cut off, and blanks it. The line end comes first: by then whatever another process was about to append
 * has its own place, and nobody writes before that line end any more. No answer ever waited for a torn line, so nothing that was
 * answered is blanked.
 */
function closeTornLine(path: string, fd: number, size: number): void {
  const reader = openSync(path, constants.O_RDONLY | guarded)
  try {
    if (readAt(reader, size - 1, 1)[0] === lineEnd) return
    writeSync(fd, '\n')
    const from = Math.max(0, size - tail)
    const read = readAt(reader, from, tail)
    const begin = read.lastIndexOf(lineEnd, size - 1 - from) + 1
    const end = read.indexOf(lineEnd, size - 1 - from)
    if (end > begin && !isJson(read.subarray(begin, end))) blank(path, from + begin, end - begin)
  } finally {
    closeSync(reader)
  }
}

function readAt(fd: number, position: number, length: number): Buffer {
  const buffer = Buffer.alloc(length)
  return buffer.subarray(0, readSync(fd, buffer, 0, length, position))
}

/** A file that can only be appended to (`chattr +a`) keeps the torn line, ended. */
function blank(path: string, position: number, length: number): void {
  try {
    const fd = openSync(path, constants.O_WRONLY | guarded)
    try {
      writeSync(fd, Buffer.alloc(length, ' '), 0, length, position)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  } catch {
    return
  }
}

function isJson(line: Buffer): boolean {
  try {
    JSON.parse(line.toString())
    return true
  } catch {
    return false
  }
}
