/** The longest wait that a timer can hold, in milliseconds. */
const longest = 2_147_483_647

/** Calls `run` once the clock reads `at`, in seconds since the epoch; the function that it returns calls it off. */
export function atExpiry(at: number, now: () => number, run: () => void): () => void {
  let timer: NodeJS.Timeout
  const arm = () => {
    const left = at * 1000 - now()
    if (left <= 0) run()
    else timer = setTimeout(arm, Math.min(left, longest)).unref()
  }
  timer = setTimeout(arm, Math.min(Math.max(at * 1000 - now(), 0), longest)).unref()
  return () => clearTimeout(timer)
}
