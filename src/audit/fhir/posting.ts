import { setTimeout as wait } from 'node:timers/promises'
import { lock } from 'proper-lockfile'
import type { AuditFhirOptions } from '../../config/audit.ts'
import { createBackendServices } from '../../exchange/credentials/backend-services.ts'
import type { AuditLog } from '../audit-log.ts'
import { createDelivery } from './delivery.ts'
import { type EventSource, eventsOf } from './event.ts'
import { openRepository, type Posted, type RepositoryOptions } from './repository.ts'
import { lockSuffix, openSpool } from './spool.ts'

export type { EventSource }

export interface PostingParts {
  readonly log: AuditLog
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly source: EventSource
  /** Waits, in milliseconds; ends early with the signal, without an error. */
  readonly pause?: (milliseconds: number, signal: AbortSignal) => Promise<void>
}

/** Posts what is in the file of records, in the background. */
export interface Posting {
  /** There is something new. */
  wake(): void
  status(): { readonly posted: number; readonly skipped: number }
  /** Posts what can be posted at once; what is left is posted after the next start. */
  close(): Promise<void>
}

/** The longest that closing waits for the repository, in milliseconds. */
const closingPatience = 5000
/** After how many milliseconds a process that posted is taken for gone. */
const stale = 10_000

const unrefPause = (milliseconds: number, signal: AbortSignal) =>
  wait(milliseconds, undefined, { signal, ref: false }).catch(() => undefined)

/**
 * Starts posting AuditEvents of the records in a file. Of several processes with the same file one posts. At least once: an event
 * that was posted and not remembered is posted again, under the same id.
 */
export function startPosting(path: string, options: AuditFhirOptions, parts: PostingParts): Posting {
  const { log, source, pause = unrefPause } = parts
  const stopping = new AbortController()
  const closed = new AbortController()
  const repository = openRepository({ ...options, authorization: authorizationOf(options, parts.now) })
  const spool = openSpool(path, () =>
    log('error', 'audit: a rotated file was not there any more before all of it was posted'),
  )
  let woken = new AbortController()
  let posted = 0
  let skipped = 0
  let outage = false

  const deliver = createDelivery({
    repository,
    async pause(milliseconds) {
      await pause(milliseconds, stopping.signal)
      stopping.signal.throwIfAborted()
    },
    more: async () => (await nextEvents()) ?? [],
    onTaken: (count) => {
      posted += count
    },
    onSkipped: ({ id }) => {
      skipped += 1
      log('error', 'audit: the repository refuses an AuditEvent, it is left out', { event: id })
    },
    onOutage(now) {
      if (now !== outage) {
        if (now) log('error', 'audit: the repository takes no AuditEvents, they wait in the file')
        else log('info', 'audit: the repository takes AuditEvents again')
      }
      outage = now
    },
  })

  async function nextEvents(): Promise<Posted[] | undefined> {
    const spooled = await spool.next(options.batchSize)
    if (spooled === undefined) return undefined
    if (spooled.unreadable > 0) {
      skipped += spooled.unreadable
      log('error', 'audit: lines of the file are no records', { lines: spooled.unreadable })
    }
    return spooled.records.flatMap((record) => eventsOf(record, options.version, source))
  }

  /** Posts all that waits. After `stopping` what does not go at once stays. */
  async function drain(): Promise<void> {
    for (;;) {
      const events = await nextEvents()
      if (events === undefined) return
      for (let from = 0; from < events.length; from += options.batchSize) {
        await deliver(events.slice(from, from + options.batchSize), closed.signal)
      }
      await spool.commit()
    }
  }

  /** Posts while this process is the one that does. A failure of the disk is tried again, from what is remembered. */
  async function post(held: Lock): Promise<void> {
    while (!held.lost()) {
      try {
        await drain()
        if (stopping.signal.aborted) return
      } catch (thrown) {
        if (stopping.signal.aborted) return
        log('error', 'audit: posting failed, it begins again', { failure: nameOf(thrown) })
        await spool.close()
      }
      await pause(options.interval, woken.signal)
      woken = new AbortController()
      if (stopping.signal.aborted) woken.abort()
    }
  }

  async function run(): Promise<void> {
    do {
      const held = await alone(path)
      if (held !== undefined) {
        await post(held)
        await spool.close()
        await held.free()
      } else if (!stopping.signal.aborted) await pause(options.interval, stopping.signal)
    } while (!stopping.signal.aborted)
  }

  const running = run()
  let closing: Promise<void> | undefined

  async function end(): Promise<void> {
    stopping.abort()
    woken.abort()
    const timer = setTimeout(() => closed.abort(), closingPatience)
    await running
    clearTimeout(timer)
    closed.abort()
    await repository.close()
  }

  return {
    wake: () => woken.abort(),
    status: () => ({ posted, skipped }),
    close() {
      closing ??= end()
      return closing
    },
  }
}

interface Lock {
  /** Another process took it over. */
  lost(): boolean
  free(): Promise<void>
}

/** Makes this process the one that posts; undefined while another one does. */
async function alone(path: string): Promise<Lock | undefined> {
  let lost = false
  try {
    const free = await lock(path, {
      lockfilePath: `${path}${lockSuffix}`,
      realpath: false,
      stale,
      onCompromised: () => {
        lost = true
      },
    })
    return { lost: () => lost, free: () => free().catch(() => undefined) }
  } catch {
    return undefined
  }
}

/** The repository has a credential of its own: no caller's token ever goes there. */
function authorizationOf(
  { baseUrl, token, client }: AuditFhirOptions,
  now: () => number,
): RepositoryOptions['authorization'] {
  if (client !== undefined) return createBackendServices({ baseUrl, client }, now)
  return async () => (token === undefined ? undefined : `Bearer ${token}`)
}

function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.name : 'unknown'
}
