import type { AuditOptions } from '../config/audit.ts'
import { fhirMcpError } from '../errors.ts'
import type { AuditLog } from './audit-log.ts'
import { createCallLines } from './call-line.ts'
import { type ChainedLines, chainedLines, lineHash } from './chain.ts'
import { defaultAuditPath } from './default-path.ts'
import { openDescriptorLines } from './descriptor-lines.ts'
import { type EventSource, startPosting } from './fhir/posting.ts'
import { openFileLines } from './file-lines.ts'
import { createJournal } from './journal.ts'
import { chainKeyOf, keyOf } from './keys.ts'
import { lastLineOf } from './last-line.ts'
import type { Audit, CallRecord } from './record.ts'

/** What an audit takes from the service that it belongs to. */
export interface AuditSurroundings {
  readonly log: AuditLog
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** What AuditEvents say of this server. */
  readonly source: EventSource
}

/** The longest that a call waits for the disk, in milliseconds. */
const patience = 10_000

/**
 * Opens the audit that the options choose: its file is opened here, so a wrong one fails the start. Throws CONFIG. Where records
 * go, and that they go nowhere, is logged.
 */
export function createAudit(options: AuditOptions, surroundings: AuditSurroundings): Audit {
  const { log } = surroundings
  const lineOf = createCallLines(
    options.logKey === undefined ? undefined : keyOf(options.logKey, 'audit.logKey'),
  )
  if (options.sink === 'off') {
    log('warn', 'audit.sink is off: no record of any call is kept')
    return { ...noAudit, lineOf }
  }
  const { lines, path } = openLines(options)
  const where = path ?? `descriptor ${options.descriptor}`
  log('info', `audit: calls are recorded in ${where}`)
  const posting =
    path !== undefined && options.sink === 'fhir' && options.fhir !== undefined
      ? startPosting(path, options.fhir, surroundings)
      : undefined
  let failed = 0
  const refuses = options.onFailure === 'refuse'
  const journal = createJournal(lines, {
    patience,
    onWritten: () => posting?.wake(),
    onChange(failure) {
      const what = refuses ? 'calls are refused' : 'calls go on without'
      if (failure === undefined) log('info', 'audit: records are kept again', { failed })
      else log('error', `audit: records cannot be kept, ${what}`, { failure })
    },
  })

  return {
    async keep(record) {
      try {
        await journal.append(textOf(record))
      } catch (thrown) {
        failed += 1
        if (!refuses) return
        throw fhirMcpError('STORAGE_UNAVAILABLE', { detail: troubleOf(thrown) })
      }
    },
    lineOf,
    status: () => ({ failed, ...journal.status(), head: lines.head(), ...(posting?.status() ?? unposted) }),
    async close() {
      await journal.close()
      await posting?.close()
      // The gateway's log is kept elsewhere: with it the end of the records can be told later.
      const head = lines.head()
      if (head !== undefined) log('info', 'audit: the last record', { ...head })
      if (failed > 0) log('error', 'audit: records were not kept', { failed })
    },
  }
}

/** What keeps the audit from being written. EDQUOT: no room is left of the quota. */
function troubleOf(thrown: unknown): string {
  switch (thrown instanceof Error && 'code' in thrown ? thrown.code : undefined) {
    case 'ENOSPC':
    case 'EDQUOT':
      return 'The audit of this server (audit.sink) is on a full disk, so nothing is answered.'
    case 'STALLED':
      return 'The audit of this server (audit.sink) is on a disk that does not answer, so nothing is answered.'
    default:
      return 'The audit of this server (audit.sink) cannot be written, so nothing is answered.'
  }
}

const unposted = { posted: 0, skipped: 0 }

/** Keeps nothing. */
export const noAudit: Audit = {
  keep: async () => undefined,
  lineOf: createCallLines(),
  status: () => ({ failed: 0, failing: false, head: undefined, ...unposted }),
  close: async () => undefined,
}

function openLines({ descriptor, path, chainKey }: AuditOptions): {
  lines: ChainedLines
  path: string | undefined
} {
  const hashOf = lineHash(chainKeyOf(chainKey))
  if (descriptor !== undefined) {
    // What is behind a descriptor cannot be read: its chain follows no other.
    return { lines: chainedLines(openDescriptorLines(descriptor), hashOf, undefined), path: undefined }
  }
  const chosen = path ?? defaultAuditPath()
  const file = openFileLines(chosen)
  return { lines: chainedLines(file, hashOf, lastLineOf(chosen)), path: chosen }
}

function textOf(record: CallRecord): string {
  return `${JSON.stringify(record)}\n`
}
