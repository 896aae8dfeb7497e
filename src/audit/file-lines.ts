import { close, fdatasync, type Stats, stat, write } from 'node:fs'
import { promisify } from 'node:util'
import { fhirMcpError, isFhirMcpError } from '../errors.ts'
import type { Lines } from './journal.ts'
import { assertOwnersAlone, type OwnersFile, openOwnersFile } from './owners-file.ts'

const asked = {
  close: promisify(close),
  fdatasync: promisify(fdatasync),
  stat: promisify(stat),
  write: promisify(write),
}

/**
 * Lines at the end of an owner-only file. Several processes may append to the same file: each write is whole lines and one call.
 * When the file was renamed or removed from outside, the next write makes a new one. Throws CONFIG, now and when it appends,
 * where the file cannot be used.
 */
export function openFileLines(path: string): Lines {
  let file: OwnersFile | undefined = opened(path)

  async function drop(): Promise<void> {
    const dropped = file
    file = undefined
    if (dropped !== undefined) await asked.close(dropped.fd).catch(() => undefined)
  }

  async function current(): Promise<OwnersFile> {
    if (file !== undefined) {
      const there = await statsOf(path)
      if (there?.dev === file.dev && there.ino === file.ino) {
        assertOwnersAlone(there)
        return file
      }
      await drop()
    }
    file = opened(path)
    return file
  }

  return {
    async append(lines) {
      try {
        const { fd } = await current()
        const { bytesWritten } = await asked.write(fd, lines, 0, lines.length, null)
        if (bytesWritten < lines.length) throw Object.assign(new Error('short write'), { code: 'ENOSPC' })
        await asked.fdatasync(fd)
      } catch (thrown) {
        // Opening it again ends a line that was written in part.
        await drop()
        throw thrown
      }
    },
    close: drop,
  }
}

async function statsOf(path: string): Promise<Stats | undefined> {
  return asked.stat(path).catch(() => undefined)
}

/** Errors of the file system name paths; what they mean here is the same. */
function opened(path: string): OwnersFile {
  try {
    return openOwnersFile(path)
  } catch (thrown) {
    if (isFhirMcpError(thrown)) throw thrown
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown'
    throw fhirMcpError('CONFIG', {
      detail: `audit.path cannot be written (${code}); audit.sink says where records go.`,
    })
  }
}
