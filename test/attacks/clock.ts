import { vi } from 'vitest'

/** The time at which attacks begin, in milliseconds since the epoch. */
export const beginning = Date.UTC(2026, 10, 23, 12)

/** Stops the clock of this process; `step` moves it by seconds. Timers go on. */
export function stopClock() {
  vi.useFakeTimers({ toFake: ['Date'], now: beginning })
  return {
    step(seconds: number) {
      vi.setSystemTime(Date.now() + seconds * 1000)
    },
    release: () => void vi.useRealTimers(),
  }
}
