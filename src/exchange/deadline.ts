import { fhirMcpError } from '../errors.ts'

/** The end of one question to the exchange: its caller's abort or its own time, whichever comes first. */
export interface Deadline {
  readonly signal: AbortSignal
  /** Milliseconds that are left. */
  left(): number
  /** Throws the caller's own reason after its abort, EXCHANGE_TIMEOUT once the time is over. */
  throwIfOver(): void
  /** Lets go of the caller's signal and of the timer. */
  stop(): void
}

/**
 * Starts a deadline. `AbortSignal.any` and `AbortSignal.timeout` would do the same, but leave their timers and listeners
 * behind for as long as the caller's signal or the timeout lasts.
 */
export function startDeadline(caller: AbortSignal, milliseconds: number): Deadline {
  caller.throwIfAborted()
  const end = new AbortController()
  const started = performance.now()
  const abort = () => end.abort()
  const timer = setTimeout(abort, milliseconds)
  caller.addEventListener('abort', abort, { once: true })
  return {
    signal: end.signal,
    left: () => milliseconds - (performance.now() - started),
    throwIfOver() {
      caller.throwIfAborted()
      if (end.signal.aborted) throw fhirMcpError('EXCHANGE_TIMEOUT')
    },
    stop() {
      clearTimeout(timer)
      caller.removeEventListener('abort', abort)
    },
  }
}
