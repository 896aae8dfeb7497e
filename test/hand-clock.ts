import { onTestFinished, vi } from 'vitest'

/**
 * Stops the timers of this process until the end of the test; they go on by what the returned function is told, in
 * milliseconds. So a timeout comes when a test wants it, and not before on a loaded machine.
 */
export function stopTimers(): (milliseconds: number) => void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  return (milliseconds) => void vi.advanceTimersByTime(milliseconds)
}
