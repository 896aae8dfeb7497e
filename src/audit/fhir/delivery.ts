import type { Posted, Repository, Verdict } from './repository.ts'

export interface DeliveryParts {
  readonly repository: Repository
  /** Waits, in milliseconds; rejects where there is no time left. */
  readonly pause: (milliseconds: number) => Promise<void>
  /** More events that are waiting; empty where there are none. */
  readonly more: () => Promise<readonly Posted[]>
  readonly onTaken: (count: number) => void
  /** Told of an event that is given up. */
  readonly onSkipped: (event: Posted) => void
  /** Told when the repository takes nothing, and when it takes something again. */
  readonly onOutage: (outage: boolean) => void
}

/** Sends events until each is taken or given up. Rejects with the reason of the signal, and what `pause` rejects with. */
export type Deliver = (events: readonly Posted[], signal: AbortSignal) => Promise<void>

/** Milliseconds. */
const firstPause = 1000
const longestPause = 60_000
/** Attempts together before each event is sent by itself. */
const together = 5
/** Events that are looked through for one that is taken. */
const mostEvents = 1000

/**
 * An event is given up only while the repository takes another one, else a refusal cannot be told from an outage or a wrong
 * setting: so one that was taken before is sent along, and where there is none, more of those that wait. Beyond that it is tried
 * for ever, each time after a longer pause.
 */
export function createDelivery({
  repository,
  pause,
  more,
  onTaken,
  onSkipped,
  onOutage,
}: DeliveryParts): Deliver {
  let lastTaken: Posted | undefined

  async function attempt(events: readonly Posted[], singly: boolean, signal: AbortSignal) {
    if (!singly) return repository.put(events, signal)
    const verdicts: Verdict[] = []
    for (const event of events) {
      const [verdict = 'unreached'] = (await repository.put([event], signal)).verdicts
      verdicts.push(verdict)
      if (verdict === 'unreached') break
    }
    return { verdicts: events.map((_, index) => verdicts[index] ?? 'unreached'), whole: false }
  }

  return async (events, signal) => {
    let left = [...events]
    let singly = false
    for (let attempts = 1; left.length > 0; attempts += 1) {
      signal.throwIfAborted()
      const control = attempts > 1 ? lastTaken : undefined
      const sent = control === undefined ? left : [control, ...left]
      const { verdicts, whole } = await attempt(sent, singly, signal)
      const of = (wanted: Verdict) => sent.filter((_, index) => verdicts[index] === wanted)
      const taken = of('taken')
      const isUp = taken.length > 0
      onOutage(!isUp)
      lastTaken = taken.at(-1) ?? lastTaken
      onTaken(taken.filter((event) => event !== control).length)
      const unwanted = isUp ? of('unwanted') : []
      const failing = isUp && attempts > together ? of('failed') : []
      for (const event of [...unwanted, ...failing]) onSkipped(event)
      const done = new Set([...taken, ...unwanted, ...failing])
      left = left.filter((event) => !done.has(event))
      if (left.length === 0) return
      singly = (whole && verdicts.includes('unwanted')) || attempts >= together
      if (!isUp && lastTaken === undefined && singly && left.length < mostEvents) left.push(...(await more()))
      await pause(Math.min(longestPause, firstPause * 2 ** (attempts - 1)))
    }
  }
}
