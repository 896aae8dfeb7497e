import { fdatasync, fstatSync, write } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { fhirMcpError } from '../errors.ts'
import type { Lines } from './journal.ts'

const asked = { fdatasync: promisify(fdatasync), write: promisify(write) }
/** Pipes and terminals cannot be synced. */
const unsynced = new Set(['EINVAL', 'ENOTSUP', 'EROFS'])
/** Milliseconds until a full pipe is tried again. */
const fullPipe = 10

/**
 * Lines into a descriptor that the process was started with: a pipe to a collector, or a file. What was written to a pipe is out of
 * our hands; a file is synced. Throws CONFIG for one that is not open.
 */
export function openDescriptorLines(fd: number): Lines {
  try {
    fstatSync(fd)
  } catch {
    throw fhirMcpError('CONFIG', { detail: 'audit.descriptor is not open.' })
  }
  let torn = false

  async function writeAll(bytes: Buffer): Promise<void> {
    let done = 0
    try {
      while (done < bytes.length) {
        const written = await asked
          .write(fd, bytes, done, bytes.length - done, null)
          .catch((thrown: unknown) => {
            if (codeOf(thrown) !== 'EAGAIN') throw thrown
          })
        if (written === undefined) await pause(fullPipe)
        else done += written.bytesWritten
      }
    } finally {
      if (done > 0) torn = done < bytes.length
    }
  }

  return {
    async append(lines) {
      await writeAll(torn ? Buffer.concat([Buffer.from('\n'), lines]) : lines)
      await asked.fdatasync(fd).catch((thrown: unknown) => {
        if (!unsynced.has(codeOf(thrown))) throw thrown
      })
    },
    close: async () => undefined,
  }
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown'
}
