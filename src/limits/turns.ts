import { fhirMcpError } from '../errors.ts'

/** Lets only so much work of one name be under way; the rest waits in a line of its own. */
export interface Turns {
  /**
   * Resolves when it is this one's turn, with the function that ends it. Throws RATE_LIMITED when the line is full or the
   * wait too long, and the signal's reason when it ends before.
   */
  enter(name: string, signal: AbortSignal): Promise<Leave>
}

/** Ends a turn; a second time does nothing. */
export type Leave = () => void

/** How many, how long. */
export interface TurnLimits {
  readonly atOnce: number
  /** How many may wait. */
  readonly waiting: number
  /** Longest wait, in milliseconds; infinite: until the signal ends. */
  readonly patience: number
}

interface Line {
  busy: number
  readonly waiting: Set<() => void>
}

/** Seconds that are named to those who are sent away: nobody knows when the work before them ends. */
const comeBack = 5

/** Makes turns; nothing is held for a name with no work under way. */
export function createTurns(limits: TurnLimits): Turns {
  const lines = new Map<string, Line>()

  function leaveOf(name: string, line: Line): Leave {
    let left = false
    return () => {
      if (left) return
      left = true
      const [next] = line.waiting
      if (next !== undefined) {
        line.waiting.delete(next)
        next()
        return
      }
      line.busy -= 1
      if (line.busy === 0) lines.delete(name)
    }
  }

  function wait(line: Line, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', aborted)
        line.waiting.delete(called)
        settle()
      }
      const called = end(resolve)
      const aborted = end(() => reject(signal.reason))
      const timer = Number.isFinite(limits.patience)
        ? setTimeout(
            end(() => reject(tooMany(limits))),
            limits.patience,
          )
        : undefined
      signal.addEventListener('abort', aborted, { once: true })
      line.waiting.add(called)
    })
  }

  return {
    async enter(name, signal) {
      signal.throwIfAborted()
      const line = lines.get(name) ?? { busy: 0, waiting: new Set() }
      if (line.busy < limits.atOnce) {
        line.busy += 1
        lines.set(name, line)
        return leaveOf(name, line)
      }
      if (line.waiting.size >= limits.waiting) throw tooMany(limits)
      await wait(line, signal)
      return leaveOf(name, line)
    },
  }
}

function tooMany({ atOnce }: TurnLimits) {
  const detail = `${atOnce} calls of yours are under way: wait for their answers.`
  return fhirMcpError('RATE_LIMITED', { detail, retryAfter: comeBack })
}
